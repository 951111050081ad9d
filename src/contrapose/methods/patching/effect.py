"""What a patch does to two towers on pairs that it was not learned on, beside grey and noise of the same size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from contrapose.data import derived_generator
from contrapose.evaluation import cross_retrieval, knn_predict
from contrapose.evaluation.led_astray import fooling_rate, relative_decline
from contrapose.robustness import paste, rounded

BLOCK = 256
"""Pictures that are embedded together."""
DRAWS = 5
"""Patches of noise, of whose effects the mean is taken."""
GREY = 0.5
MOST_CLASSES = 100
CLEAN, PLAIN, NOISE, PATCHED = "no patch", "grey patch", "noise patch", "the patch"
"""The rows."""


class Captioned(Protocol):
    """Samples that are pictures with texts: what is asked of them here."""

    targets: dict[str, Any]
    origin: str

    def __len__(self) -> int: ...

    @property
    def pictures(self) -> Any: ...

    @property
    def texts(self) -> Any: ...

    @property
    def owners(self) -> np.ndarray: ...

    def subset(self, rows: Any) -> Any: ...


Change = Callable[[Tensor], Tensor]
# pictures in [0, 1] before the tower sees them
Before = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Ground:
    """Captioned that answers are asked of.

    Arguments:
        known: pairs whose pictures, as they are, vote on classes.
        test: pairs that are changed.
        words: `(T,)` different captions. words_of: of each picture, which of them are its own; pictures_of: the
            reverse.
        classes: by the name of a target, the classes of known and of test pictures.
    """

    known: Captioned
    test: Captioned
    words: list[str]
    words_of: list[np.ndarray]
    pictures_of: list[np.ndarray]
    classes: Mapping[str, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, known: Captioned, test: Captioned) -> Ground:
        said, numbers = np.unique(np.asarray(test.texts.texts, dtype=object).astype(str), return_inverse=True)
        owners, numbers = test.owners, numbers.reshape(-1)  # (S,) each
        words_of = [np.unique(numbers[owners == row]) for row in range(len(test))]
        pictures_of = [np.unique(owners[numbers == number]) for number in range(len(said))]
        return cls(known, test, said.tolist(), words_of, pictures_of, _classes(known, test))


class Effect:
    """Answers of two towers about changed pictures, beside those about pictures as they are.

        found by picture: the first caption of each picture is one of its own (recall@1); by words the reverse
        fooled: share of pictures whose first caption is another one than before
        of a class: k nearest neighbours (20, temperature 0.07) among known pictures as they are

    Arguments:
        towers: in evaluation mode.
        ground: see `Ground`.
        before: what is done to every picture before it is seen, a defence for instance.
        device: where to embed.
        seed: of ties.
    """

    def __init__(
        self, towers: Any, ground: Ground, *, before: Before | None = None, device: Any = "cpu", seed: int = 0
    ) -> None:
        self.towers, self.ground, self.before = towers.to(device).eval(), ground, before
        self.device, self.seed = device, seed
        self.texts = self._texts()  # (T, D)
        self.bank = self._pictures(ground.known, None)  # (K, D)
        self._clean = self._answers(None)

    def row(self, change: Change | None) -> dict[str, float]:
        """Scores from 0 to 1, by name; of changed pictures also what is lost, in percent."""
        answers, recall = self._clean if change is None else self._answers(change)
        clean_answers, clean = self._clean
        found = {**recall, "fooled": fooling_rate(clean_answers["caption"], answers["caption"])}
        for name, (_, truth) in self.ground.classes.items():
            found[f"{name} right"] = float((answers[name] == truth).mean())
            found[f"{name} fooled"] = fooling_rate(clean_answers[name], answers[name])
            was = float((clean_answers[name] == truth).mean())
            found[f"{name} decline"] = relative_decline(was, found[f"{name} right"])
        for name, value in recall.items():
            found[f"{name} decline"] = relative_decline(clean[name], value)
        return found

    def _answers(self, change: Change | None) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        z = self._pictures(self.ground.test, change)  # (N, D)
        answers = {"caption": (z @ self.texts.T).argmax(axis=1)}  # (N,)
        for name, (known, _) in self.ground.classes.items():
            answers[name] = knn_predict(self.bank, known, z, k=min(20, len(known)))
        recall = {}
        for name, query, gallery, partners in (
            ("found by picture", z, self.texts, self.ground.words_of),
            ("found by words", self.texts, z, self.ground.pictures_of),
        ):
            generator = derived_generator(self.seed, "patch effect")
            metrics = cross_retrieval(query, gallery, partners, ks=(1,), generator=generator)
            recall[name] = float(metrics["recall@1"].value)
        return answers, recall

    @torch.no_grad()
    def _pictures(self, pairs: Captioned, change: Change | None) -> np.ndarray:
        rows = []
        for part in torch.arange(len(pairs)).split(BLOCK):
            pixels = pairs.pictures.batch(part).to(self.device)  # (b, C, H, W) uint8
            if change is not None:
                pixels = rounded(pixels, change(pixels.float() / 255), torch.inf)
            x = pixels.float() / 255
            x = x if self.before is None else self.before(x)
            rows.append(self.towers.embed_images(x).float().cpu())  # (b, D)
        return torch.cat(rows).numpy()

    @torch.no_grad()
    def _texts(self) -> np.ndarray:
        rows = []
        for part in torch.arange(len(self.ground.words)).split(BLOCK):
            view = self.towers.prepare([self.ground.words[row] for row in part.tolist()]).to(self.device)
            rows.append(self.towers.embed_texts(view).float().cpu())  # (b, D)
        return torch.cat(rows).numpy()


def table_of(
    effect: Effect, patch: Tensor, mask: Tensor, *, seed: int = 0, beside: bool = True
) -> dict[str, dict[str, float]]:
    """Rows of pictures as they are, with a grey patch, with patches of noise (the mean of 5), and with the patch.

    Shapes:
        patch: `(C, H, W)` in [0, 1]; mask: `(1, H, W)`.

    Arguments:
        beside: whether there are grey and noise.
    """
    patch, mask = patch.to(effect.device), mask.to(effect.device)

    def pasted(other: Tensor) -> dict[str, float]:
        return effect.row(lambda x: paste(x, other.to(effect.device), mask))

    found = {CLEAN: effect.row(None)}
    if beside:
        found[PLAIN] = pasted(torch.full_like(patch, GREY))
        numbers = range(DRAWS)
        noise = [torch.rand(patch.shape, generator=derived_generator(seed, NOISE, number)) for number in numbers]
        draws = [pasted(one) for one in noise]
        found[NOISE] = {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
    return {**found, PATCHED: pasted(patch)}


def _classes(known: Captioned, test: Captioned) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Targets that are classes, each once."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, values in known.targets.items():
        own, other = np.asarray(values), np.asarray(test.targets[name])
        if own.ndim != 1 or not np.issubdtype(own.dtype, np.integer) or min(own.min(), other.min()) < 0:
            continue
        if not 2 <= len(np.unique(own)) <= MOST_CLASSES:
            continue
        if not any(np.array_equal(own, kept) for kept, _ in found.values()):
            found[name] = (own, other)
    return found
