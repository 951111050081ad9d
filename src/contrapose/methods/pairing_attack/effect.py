"""How many answers a delta and a word take away, of towers they were made against and of towers that never saw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.data import derived_generator
from contrapose.data.pairs import Pairs
from contrapose.encoders.perturbations import ReplacedWord
from contrapose.errors import ArgumentError
from contrapose.evaluation import cross_retrieval
from contrapose.evaluation.led_astray import attack_success
from contrapose.robustness import add_delta, rounded

BLOCK = 256
"""Pictures, or texts, that are embedded together."""
RANKS = (1, 5, 10)
DRAWS = 3
"""Deltas of noise and random words, of whose effects the mean is taken, unless told otherwise."""
CLEAN, NOISE, RANDOM_WORD, RANDOM_BOTH = "no attack", "noise", "random word", "noise and random word"
DELTA, WORD, BOTH = "the delta", "the word", "both"
ROWS = (NOISE, RANDOM_WORD, RANDOM_BOTH, DELTA, WORD, BOTH)
"""What is measured, in this order."""
Table = dict[str, dict[str, float]]


@dataclass(frozen=True, eq=False)
class Change:
    """What is done to pairs.

    Shapes:
        delta: `(C, H, W)`.

    Arguments:
        radius: what no value changes by more than, white being 1.
        word: what is put into texts; by `words`, which says where.
    """

    delta: Tensor
    radius: float
    word: str
    words: ReplacedWord


class AskedPairs:
    """Pairs that towers are asked to find in one another, and what becomes of them; made once for all towers.

    Equal captions are one text that belongs to all pictures it was written for; they stay that after a word has
    changed, even where two have become equal.

    Arguments:
        pairs: that nothing was learned on.
        change: see `Change`. seed: of noise, random words and ties. draws: deltas of noise, and random words.
    """

    def __init__(self, pairs: Pairs, change: Change, *, seed: int = 0, draws: int = DRAWS) -> None:
        texts, self.pictures_of, self.texts_of = pairs.told_once()
        self.seed, self.change = seed, change
        self.pictures = pairs.pictures.batch(torch.arange(len(pairs)))  # (N, C, H, W) uint8
        self.texts = list(texts.texts)
        random = np.random.default_rng(seed)
        drawn = [str(random.choice(change.words.words)) for _ in range(draws)]
        slots = change.words.located(self.texts)
        self.with_word = change.words.put(self.texts, slots, change.word)
        self.with_random = [change.words.put(self.texts, slots, word) for word in drawn]
        shape, radius = change.delta.shape, change.radius
        self.with_delta = self._with(change.delta.cpu())
        self.with_noise = []
        for number in range(draws):
            noise = torch.rand(shape, generator=derived_generator(seed, NOISE, number))
            self.with_noise.append(self._with(radius * (2 * noise - 1)))

    def _with(self, delta: Tensor) -> Tensor:
        """The pictures with a delta, uint8, none further from its own than the radius."""
        made = [
            rounded(part, add_delta(part.float() / 255, delta), self.change.radius)
            for part in self.pictures.split(BLOCK)
        ]
        return torch.cat(made)

    def table(self, towers: Any, *, device: Any = "cpu") -> Table:
        """Of pairs as they are the recall, and of each change the share of right answers that it takes away, by
        direction (TR: texts found by pictures, IR: pictures found by texts) and rank.

        Arguments:
            towers: in evaluation mode; those of another size are given the pictures at theirs.

        Errors:
            ArgumentError: towers of pictures with other channels.
        """
        towers = towers.to(device).eval()
        image = towers.image
        if image.channels != self.pictures.shape[1]:
            raise ArgumentError(
                f"The pictures have {self.pictures.shape[1]} channel(s), and these towers take {image.channels}: they "
                "cannot be asked about them."
            )
        x, t = self._pictures(towers, self.pictures), self._texts(towers, self.texts)  # (N, D), (T, D)
        clean = self._right(x, t)
        table = {CLEAN: {name: float(right.mean()) for name, right in clean.items()}}
        noise = [self._pictures(towers, some) for some in self.with_noise]
        word = [self._texts(towers, some) for some in self.with_random]
        delta, own = self._pictures(towers, self.with_delta), self._texts(towers, self.with_word)
        for name, sides in (
            (NOISE, [(one, t) for one in noise]),
            (RANDOM_WORD, [(x, one) for one in word]),
            (RANDOM_BOTH, list(zip(noise, word, strict=True))),
            (DELTA, [(delta, t)]),
            (WORD, [(x, own)]),
            (BOTH, [(delta, own)]),
        ):
            taken = [self._right(*both) for both in sides]
            table[name] = {
                key: float(np.mean([attack_success(right, one[key]) for one in taken])) for key, right in clean.items()
            }
        return table

    def _right(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """For each query whether a partner of its is among the first k."""
        found = {}
        for name, query, gallery, partners in (("TR", x, t, self.texts_of), ("IR", t, x, self.pictures_of)):
            generator = derived_generator(self.seed, "ties")
            metrics = cross_retrieval(query, gallery, partners, ks=RANKS, generator=generator)
            for k in RANKS:
                if f"recall@{k}" in metrics:
                    items = metrics[f"recall@{k}"].items
                    assert items is not None
                    found[f"{name}@{k}"] = items  # (Q,)
        return found

    @torch.no_grad()
    def _pictures(self, towers: Any, pictures: Tensor) -> np.ndarray:
        size, rows = (towers.image.image_size,) * 2, []
        for part in pictures.split(BLOCK):
            x = part.to(towers.device).float() / 255  # (b, C, H, W)
            if x.shape[2:] != size:
                x = functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
            rows.append(towers.embed_images(x).float().cpu())  # (b, D)
        return torch.cat(rows).numpy()

    @torch.no_grad()
    def _texts(self, towers: Any, texts: Sequence[str]) -> np.ndarray:
        rows = [
            towers.embed_texts(towers.text.prepare(list(texts[start : start + BLOCK])).to(towers.device)).float().cpu()
            for start in range(0, len(texts), BLOCK)
        ]
        return torch.cat(rows).numpy()


def lines_of(tables: Mapping[str, Table], word: str, pairs: int) -> list[str]:
    """What a person is shown of it: a table for each pair of towers."""
    lines = []
    for whose, table in tables.items():
        columns = list(table[CLEAN])
        width = max(len(name) for name in table)
        lines.append(
            f"{whose}: of {pairs:,} pairs that were kept out, recall, and right answers taken away, in percent:"
        )
        lines.append("  ".join((" " * width, *(column.rjust(5) for column in columns))))
        for name, row in table.items():
            cells = (_cell(row[column]).rjust(max(5, len(column))) for column in columns)
            lines.append("  ".join((name.ljust(width), *cells)))
    lines.append(f'The word is "{word}". TR: texts found by pictures; IR: pictures found by texts; at rank 1, 5, 10.')
    return lines


def _cell(value: float) -> str:
    """In percent; a dash where nothing was right that could be taken away."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
