"""`TwoSides`: a batch of commented programs into two views, what is said of each and the program itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.padded import Padded
from contrapose.views.texts.programs.parts import parts_of


class TwoSides:
    """Comments beside their programs. A text that has no comment, or is one alone, stands on both sides.

    Shapes:
        raw: B texts; returns two `Padded` of B.

    Arguments:
        make: texts to their views, of which the first is taken.
    """

    def __init__(self, make: Callable[..., tuple[Padded, ...]]) -> None:
        self.make = make
        self._sides: dict[str, tuple[str, str]] = {}

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        for text in raw:
            self._sides.setdefault(text, sides_of(text) or (text, text))
        pairs = [self._sides[text] for text in raw]
        return tuple(self.make(list(side), generator=generator)[0] for side in zip(*pairs, strict=True))


class Clones:
    """Views of programs that are other programs: for each itself, one of its class, and one of another, drawn anew.

    Shapes:
        raw: B texts; returns three `Padded` of B.

    Arguments:
        make: texts to their views, of which the first is taken.
        texts, labels: all that are known, and `(N,)` their classes, -1 for none. A text that is alone in its class, or
            has none, stands for its own clone.
    """

    def __init__(self, make: Callable[..., tuple[Padded, ...]], texts: Sequence[str], labels: np.ndarray) -> None:
        self.make, self.texts, self.labels = make, list(texts), labels
        self.class_of = {text: int(label) for text, label in zip(texts, labels.tolist(), strict=True) if label >= 0}
        self.rows = {label: np.flatnonzero(labels == label) for label in set(self.class_of.values())}

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        drawn = [(text, self._same(text, random), self._other(text, random)) for text in raw]
        return tuple(self.make(list(side), generator=generator)[0] for side in zip(*drawn, strict=True))

    def _same(self, text: str, random: np.random.Generator) -> str:
        rows = self.rows.get(self.class_of.get(text, -1), np.zeros(0, np.int64))
        others = [row for row in rows.tolist() if self.texts[row] != text]
        return self.texts[others[int(random.integers(len(others)))]] if others else text

    def _other(self, text: str, random: np.random.Generator) -> str:
        others = np.flatnonzero((self.labels >= 0) & (self.labels != self.class_of.get(text, -1)))
        return self.texts[int(others[random.integers(len(others))])]


def sides_of(text: str) -> tuple[str, str] | None:
    """Comment and program of a text; None where one of them is missing."""
    parts = parts_of(text)
    return (parts.comment, parts.program) if parts.comment and parts.program else None
