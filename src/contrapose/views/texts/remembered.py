"""`Remembered`: each text becomes tokens once, however often it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.padded import Padded

MOST = 2**18
"""Texts that are remembered, of 64 tokens about 700 bytes each; beyond that all are forgotten and it starts anew."""


class Remembered:
    """A `prepare` that looks up texts which it has seen before: cutting one into words takes about as long as a small
    encoder's training step on it, and every epoch brings the same texts.

    Shapes:
        texts: B of them; returns `Padded` `(B, T)`, T as long as the longest.

    Arguments:
        prepare: texts to `Padded` numbers.
    """

    def __init__(self, prepare: Callable[[Any], Padded]) -> None:
        self.prepare = prepare
        self.rows: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}

    def __call__(self, texts: Sequence[str]) -> Padded:
        new = [text for text in dict.fromkeys(texts) if text not in self.rows]
        if len(self.rows) + len(new) > MOST:
            self.rows, new = {}, list(dict.fromkeys(texts))
        if new:
            self._remember(new, self.prepare(new))
        found = [self.rows[text] for text in texts]
        lengths = np.array([len(values) for values, _ in found])  # (B,)
        mask = np.arange(lengths.max()) < lengths[:, None]  # (B, T)
        groups = [words for _, words in found if words is not None]
        return Padded(
            _filled(mask, [values for values, _ in found]),
            torch.from_numpy(mask),
            _filled(mask, groups) if groups else None,
        )

    def _remember(self, texts: Sequence[str], view: Padded) -> None:
        parts = [None if part is None else part.numpy().astype(np.int32) for part in (view.values, view.groups)]
        values, groups = parts  # half the memory of int64
        assert values is not None, "a view has values"
        for row, (text, length) in enumerate(zip(texts, view.mask.sum(dim=1).tolist(), strict=True)):
            self.rows[text] = values[row, :length].copy(), None if groups is None else groups[row, :length].copy()


def _filled(mask: np.ndarray, rows: Sequence[np.ndarray]) -> Tensor:
    """The rows below each other where the mask says, `(B, T)` int64."""
    filled = np.zeros(mask.shape, np.int64)
    filled[mask] = np.concatenate(rows)
    return torch.from_numpy(filled)
