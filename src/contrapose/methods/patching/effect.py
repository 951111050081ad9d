"""What a patch does to an encoder on pictures that it was not learned on, beside grey and noise of the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.data import derived_generator
from contrapose.evaluation.answers import Answers, Words
from contrapose.methods.patching.defences import UNDEFENDED, Before, defended
from contrapose.robustness import paste, rounded

BLOCK = 256
"""Pictures that are embedded together."""
DRAWS = 5
"""Patches of noise."""
GREY = 0.5
MOST_CLASSES = 100
CLEAN, PLAIN, NOISE, LEAST, MOST, PATCHED = (
    "no patch",
    "grey patch",
    "noise patch",
    "noise patch, least",
    "noise patch, most",
    "the patch",
)
"""The rows. Of the patches of noise the mean of each number, the lowest and the highest."""

Change = Callable[[Tensor], Tensor]
Row = dict[str, float]
Tables = dict[str, dict[str, Row]]
# by defence, by row


@dataclass(frozen=True, eq=False)
class Ground:
    """Pictures, with captions or without, that answers are asked of.

    Arguments:
        known: pictures that, as they are, neighbours and probes learn from; with captions or without.
        test: those that are changed.
        words: `(T,)` different captions of these. words_of: of each picture, which of them are its own; pictures_of:
            the reverse. All empty where there are none.
        classes: by the name of a target, the classes of known and of test pictures.
    """

    known: Any
    test: Any
    words: list[str]
    words_of: list[np.ndarray]
    pictures_of: list[np.ndarray]
    classes: Mapping[str, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, known: Any, test: Any) -> Ground:
        """Of `Pairs` or `Images`."""
        if not hasattr(test, "texts"):
            return cls(known, test, [], [], [], _classes(known, test))
        said, numbers = np.unique(np.asarray(test.texts.texts, dtype=object).astype(str), return_inverse=True)
        owners, numbers = test.owners, numbers.reshape(-1)  # (S,) each
        words_of = [np.unique(numbers[owners == row]) for row in range(len(test))]
        pictures_of = [np.unique(owners[numbers == number]) for number in range(len(said))]
        return cls(known, test, said.tolist(), words_of, pictures_of, _classes(known, test))


class Effect:
    """Answers of an encoder about changed pictures, beside those about pictures as they are; see `Answers`.

    Arguments:
        network: two towers, or an encoder of pictures alone, which is asked for classes and no captions.
        ground: see `Ground`.
        before: what is done to every picture before it is seen, a defence for instance.
        device: where to embed.
        seed: of ties.
    """

    def __init__(
        self, network: Any, ground: Ground, *, before: Before | None = None, device: Any = "cpu", seed: int = 0
    ) -> None:
        self.network, self.ground, self.before = network.to(device).eval(), ground, before
        self.device = device
        self.see = getattr(network, "embed_images", network)
        words = None
        if ground.words and hasattr(network, "embed_texts"):
            words = Words(self._texts(), ground.words_of, ground.pictures_of)
        known, clean = self._pictures(ground.known, None), self._pictures(ground.test, None)  # (K, D), (N, D)
        self.answers = Answers(known, clean, words=words, classes=ground.classes, seed=seed)

    def row(self, change: Change | None) -> Row:
        """Scores from 0 to 1, by name, of changed pictures, and what is lost, in percent; None: as they are."""
        return self.answers.clean if change is None else self.answers.of(self._pictures(self.ground.test, change))

    @torch.no_grad()
    def _pictures(self, samples: Any, change: Change | None) -> np.ndarray:
        rows, pictures = [], getattr(samples, "pictures", samples)
        for part in torch.arange(len(samples)).split(BLOCK):
            pixels = pictures.batch(part).to(self.device)  # (b, C, H, W) uint8
            if change is not None:
                pixels = rounded(pixels, change(pixels.float() / 255), torch.inf)
            x = pixels.float() / 255
            x = x if self.before is None else self.before(x)
            rows.append(self.see(x).float().cpu())  # (b, D)
        return torch.cat(rows).numpy()

    @torch.no_grad()
    def _texts(self) -> np.ndarray:
        rows = []
        for part in torch.arange(len(self.ground.words)).split(BLOCK):
            view = self.network.prepare([self.ground.words[row] for row in part.tolist()]).to(self.device)
            rows.append(self.network.embed_texts(view).float().cpu())  # (b, D)
        return torch.cat(rows).numpy()


def table_of(effect: Effect, patch: Tensor, mask: Tensor, *, seed: int = 0, beside: bool = True) -> dict[str, Row]:
    """Rows of pictures as they are, with a grey patch, with patches of noise, and with the patch.

    Shapes:
        patch: `(C, H, W)` in [0, 1]; mask: `(1, H, W)`.

    Arguments:
        beside: whether there are grey and noise.
    """
    found = {CLEAN: effect.row(None)}
    if beside:
        found |= controls(effect, patch, mask, seed=seed)
    return {**found, PATCHED: pasted(effect, patch, mask)}


def controls(effect: Effect, patch: Tensor, mask: Tensor, *, seed: int = 0) -> dict[str, Row]:
    """Rows of pictures with what a patch that nobody has learned does: grey, and five draws of noise."""
    found = {PLAIN: pasted(effect, torch.full_like(patch, GREY), mask)}
    noise = [torch.rand(patch.shape, generator=derived_generator(seed, NOISE, number)) for number in range(DRAWS)]
    draws = [pasted(effect, one, mask) for one in noise]
    for name, chosen in ((NOISE, np.mean), (LEAST, np.min), (MOST, np.max)):
        found[name] = {score: float(chosen([draw[score] for draw in draws])) for score in draws[0]}
    return found


def pasted(effect: Effect, patch: Tensor, mask: Tensor) -> Row:
    """The row of pictures with this patch on."""
    patch, mask = patch.to(effect.device), mask.to(effect.device)
    return effect.row(lambda x: paste(x, patch, mask))


def tables_of(
    network: Any, ground: Ground, patch: Tensor, mask: Tensor, *, prune: float, device: Any = "cpu", seed: int = 0
) -> Tables:
    """The rows of `table_of` undefended, and behind each defence those without a patch and with it."""
    found = {UNDEFENDED: table_of(Effect(network, ground, device=device, seed=seed), patch, mask, seed=seed)}
    for name, (asked, before) in defended(network, prune=prune, seed=seed).items():
        effect = Effect(asked, ground, before=before, device=device, seed=seed)
        found[name] = table_of(effect, patch, mask, seed=seed, beside=False)
    return found


def _classes(known: Any, test: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Targets that are classes, each once."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, own, other in _both(known, test):
        if own.ndim != 1 or not np.issubdtype(own.dtype, np.integer) or min(own.min(), other.min()) < 0:
            continue
        if not 2 <= len(np.unique(own)) <= MOST_CLASSES:
            continue
        if not any(np.array_equal(own, kept) for kept, _ in found.values()):
            found[name] = (own, other)
    return found


def _both(known: Any, test: Any) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Targets of both, those that are further questions of classes as whole numbers."""
    for name, values in known.targets.items():
        if name in test.targets:
            own, other = np.asarray(values), np.asarray(test.targets[name])
            named = name in getattr(known, "names_of", {})
            yield name, *((own.astype(np.int64), other.astype(np.int64)) if named else (own, other))
