"""The scores behind an evaluation, item by item: what `contrapose compare` pairs. Kept beside `evaluation.json`."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.data import Samples
from contrapose.errors import RunError
from contrapose.evaluation import Metric
from contrapose.shell import shell_command

FORMAT = 1  # raised whenever the protocol of a metric changes, since such scores cannot be paired any more
HEADER = "header"  # the key of the JSON text beside the arrays

Arms = dict[str, dict[str, Metric]]  # arm -> metric's name -> metric


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


@dataclass(frozen=True)
class Scores:
    """An evaluation with its items.

    Arguments:
        data: what was evaluated on, in a sentence.
        setting: what has to be equal for pairing.
        arms: the metrics, with their items where they have any.
        older: the file was written before the encoder was: training went on after it.
        notes: what a reader of the numbers should know.
    """

    data: str
    setting: Setting
    arms: Arms
    older: bool = False
    notes: tuple[str, ...] = ()

    def save(self, file: Path) -> None:
        """Write an `.npz`, whole or not at all.

        Errors:
            RunError: the disk is full or cannot be written.
        """
        header = {
            "format": FORMAT,
            "data": self.data,
            "notes": list(self.notes),
            "setting": asdict(self.setting),
            "arms": {arm: {name: metric.to_dict() for name, metric in of.items()} for arm, of in self.arms.items()},
        }
        items = {
            _key(arm, name): metric.items
            for arm, metrics in self.arms.items()
            for name, metric in metrics.items()
            if metric.items is not None
        }
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {HEADER: np.array(json.dumps(header)), **items}
        np.savez_compressed(buffer, **arrays)
        write_atomically(file, buffer.getvalue())

    @classmethod
    def read(cls, run: Path, file: Path, encoder: Path) -> Scores:
        """What `save` wrote for a run.

        Errors:
            RunError: nothing there, damaged, or of another version.
        """
        command = shell_command("evaluate", run, "--data", "LABELLED")
        again = f"Measure it with: {command}, or give all runs' data here with --data."
        if not file.is_file():
            raise RunError(f"{run} has no scores to compare ({file.name} is missing). {again}")
        try:
            with np.load(file, allow_pickle=False) as archive:
                header = json.loads(str(archive[HEADER]))
                if header["format"] != FORMAT:
                    raise RunError(f"{file} is of another version of contrapose (format {header['format']}). {again}")
                arms = {arm: _metrics(arm, found, archive) for arm, found in header["arms"].items()}
                setting = Setting.from_dict(header["setting"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(f"{file} is damaged and cannot be read ({error}). {again}") from error
        weights = encoder / "encoder.safetensors"
        older = weights.is_file() and file.stat().st_mtime < weights.stat().st_mtime
        return cls(header["data"], setting, arms, older, tuple(header.get("notes", ())))


def _metrics(arm: str, found: dict[str, dict[str, Any]], archive: Any) -> dict[str, Metric]:
    metrics = {}
    for name, values in found.items():
        key = _key(arm, name)
        metrics[name] = replace(Metric(**values), items=archive.get(key))
    return metrics


def _key(arm: str, name: str) -> str:
    return f"{arm}/{name}"


def _digest(parts: Iterable[str | np.ndarray]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        text = isinstance(part, str | bytes)
        plain = part.encode() if isinstance(part, str) else part
        digest.update(plain + b"\0" if text else np.ascontiguousarray(plain).data)  # type: ignore[arg-type]
    return digest.hexdigest()
