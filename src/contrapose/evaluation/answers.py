"""What embeddings of changed pictures answer, beside what those of the same pictures as they are do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from contrapose.evaluation.cross_retrieval import cross_retrieval
from contrapose.evaluation.knn import knn_predict
from contrapose.evaluation.led_astray import fooling_rate, relative_decline
from contrapose.evaluation.linear_probe import FittedProbe, fit_linear_probe

NEIGHBOURS = 20
"""Of kNN: DINO's, and AdvCLIP's."""
STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3)
"""Penalties of the probes to choose from. [design] four of the usual seven, for there is a probe for every target."""
BY_PICTURE, BY_WORDS = "found by picture", "found by words"
FOOLED, RIGHT, DECLINE = "fooled", "right", "decline"
"""What numbers are called, behind the name of what is asked."""
PROBE = "probe"


@dataclass(frozen=True, eq=False)
class Words:
    """Different captions of the pictures that are asked about.

    Arguments:
        rows: `(T, D)` their embeddings. words_of: of each picture, which of them are its own; pictures_of: the reverse.
    """

    rows: Float[np.ndarray, "T D"]
    words_of: Sequence[np.ndarray]
    pictures_of: Sequence[np.ndarray]


class Answers:
    """Uses of an encoder, settled on pictures as they are, and asked about the same pictures changed.

        found by picture: the first caption of each picture is one of its own (recall@1); found by words: the reverse
        fooled: share of pictures whose first caption is another one than before
        TARGET right, fooled: a class by 20 nearest neighbours (temperature 0.07) among known pictures
        TARGET probe right, fooled: a class by a linear probe fitted to known pictures
        ... decline: what is lost of a score, in percent of what it was (NaN: it was 0)

    All between 0 and 1 but for what is lost. Neighbours and probes know pictures as they are alone.

    Shapes:
        known: `(K, D)`, clean: `(N, D)`.

    Arguments:
        known: embeddings of pictures that neighbours and probes learn from.
        clean: of those that are asked about, as they are.
        words: their captions, where there are any.
        classes: by the name of a target, the classes of the known pictures `(K,)` and of the others `(N,)`.
        seed: of ties, and of what probes keep out to choose by.

    Papers: AdvCLIP, https://arxiv.org/abs/2308.07026; kNN as DINO's, https://arxiv.org/abs/2104.14294
    """

    def __init__(
        self,
        known: Float[np.ndarray, "K D"],
        clean: Float[np.ndarray, "N D"],
        *,
        words: Words | None = None,
        classes: Mapping[str, tuple[Int[np.ndarray, " K"], Int[np.ndarray, " N"]]],
        seed: int = 0,
    ) -> None:
        self.known, self.words, self.classes, self.seed = known, words, classes, seed
        self.probes = {name: self._probe(labels) for name, (labels, _) in classes.items()}
        self._clean = self._given(clean)
        self.clean = self.of(clean)
        """The numbers of the pictures as they are."""

    def of(self, z: Float[np.ndarray, "N D"]) -> dict[str, float]:
        """The numbers of the same pictures, changed."""
        before, was = self._clean
        answers, found = self._given(z)
        scores = dict(found)
        for name, given in answers.items():
            scores[f"{name} {FOOLED}".lstrip()] = fooling_rate(before[name], given)
        for name, value in found.items():
            scores[f"{name.removesuffix(f' {RIGHT}')} {DECLINE}"] = relative_decline(was[name], value)
        return scores

    def _given(self, z: Float[np.ndarray, "N D"]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Answers by what is asked, `(N,)` each ("": the first caption), and how many of them are right."""
        answers: dict[str, np.ndarray] = {}
        right: dict[str, float] = {}
        if self.words is not None:
            answers[""] = (z @ self.words.rows.T).argmax(axis=1)
            right |= {BY_PICTURE: self._recall(z, self.words.rows, self.words.words_of)}
            right |= {BY_WORDS: self._recall(self.words.rows, z, self.words.pictures_of)}
        for name, (labels, truth) in self.classes.items():
            probe = self.probes[name]
            answers[name] = knn_predict(self.known, labels, z, k=min(NEIGHBOURS, len(labels)))
            if probe is not None:
                answers[f"{name} {PROBE}"] = probe.predict(z)
            for one in (name, f"{name} {PROBE}"):
                if one in answers:
                    right[f"{one} {RIGHT}"] = float((answers[one] == truth).mean())
        return answers, right

    def _recall(self, query: np.ndarray, gallery: np.ndarray, partners: Sequence[np.ndarray]) -> float:
        generator = torch.Generator().manual_seed(self.seed)
        return float(cross_retrieval(query, gallery, partners, ks=(1,), generator=generator)["recall@1"].value)

    def _probe(self, labels: np.ndarray) -> FittedProbe | None:
        """None where no class has two pictures, one of which could be kept out to choose by."""
        if np.unique(labels, return_counts=True)[1].max() < 2:
            return None
        generator = torch.Generator().manual_seed(self.seed)
        return fit_linear_probe(self.known, labels, strengths=STRENGTHS, generator=generator)
