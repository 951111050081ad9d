"""What has to be equal for the scores of two evaluations to be paired: task, options, and the very samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.data import Samples


@dataclass(frozen=True)
class Identity:
    """Which samples a part of an evaluation held, in their order: hashes of what they are called, labelled, and show.

    Arguments:
        count: N.
        shape: that of one, as the encoder saw them: of pictures `(C, H, W)`.
        names, labels, pixels: SHA-256; the last of what the samples hold.
    """

    count: int
    shape: tuple[int, ...]
    names: str
    labels: str
    pixels: str

    @classmethod
    def of(cls, samples: Samples, labels: Sequence[str] | np.ndarray) -> Identity:
        """Of labelled data."""
        names, known = _digest(map(str, samples.identifiers)), _digest(map(str, labels))
        return cls(len(samples), samples.shape, names, known, _digest(samples.contents()))

    def difference(self, other: Identity) -> str | None:
        """What differs, in words; None where both are the same samples in the same order.

        Encoders may look at different resolutions: pixels of two shapes are not compared.
        """
        if self.count != other.count:
            return f"hold {self.count:,} and {other.count:,} samples"
        if self.names != other.names:
            return "hold samples of other names, or in another order"
        if self.labels != other.labels:
            return "hold the same samples with other labels"
        if self.shape == other.shape and self.pixels != other.pixels:
            return "hold samples of the same names that are not the same"
        return None


@dataclass(frozen=True)
class Setting:
    """All that has to be equal for the scores of two evaluations to be paired.

    Arguments:
        task: what was measured, e.g. `"labelled data"`.
        options: seed, neighbours and whatever else changes a score.
        test, train: the samples of both parts; `train` is None where nothing was learned from.
    """

    task: str
    options: dict[str, int]
    test: Identity
    train: Identity | None = None

    def difference(self, other: Setting) -> str | None:
        """What differs, in words that end a sentence; None where the scores can be paired."""
        if self.task != other.task:
            return f"one was measured on {self.task}, the other on {other.task}"
        for name in self.options:
            if self.options[name] != other.options.get(name):
                return f"{name} was {self.options[name]} in one and {other.options.get(name, 'none')} in the other"
        found = self.test.difference(other.test)
        if found is not None:
            return f"their test sets {found}"
        if self.train is not None and other.train is not None:
            found = self.train.difference(other.train)
        return None if found is None else f"the labelled sets that they learned from {found}"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Setting:
        """The setting of `asdict(setting)`, after a way through JSON."""
        parts = {
            part: None if values[part] is None else Identity(**{**values[part], "shape": tuple(values[part]["shape"])})
            for part in ("test", "train")
        }
        return cls(**{**values, **parts})


def _digest(parts: Iterable[str | np.ndarray]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        text = isinstance(part, str | bytes)
        plain = part.encode() if isinstance(part, str) else part
        digest.update(plain + b"\0" if text else np.ascontiguousarray(plain).data)  # type: ignore[arg-type]
    return digest.hexdigest()
