"""Texts named by the texts of labels that no classifier was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.embedder import Embedder, load
from contrapose.encoders.texts import TextEncoder
from contrapose.encoders.texts.label_texts import check_labels, label_text, label_tokens
from contrapose.encoders.texts.trained_matcher import TrainedMatcher, load_matcher
from contrapose.errors import ArgumentError
from contrapose.evaluation.zero_shot import cosine_scores, in_any_order, likeliest
from contrapose.modalities import modality_of
from contrapose.words import counted


@dataclass(frozen=True)
class ZeroShotAnswer:
    """What was answered.

    Arguments:
        labels: that were asked, as they were given.
        scores: `(N, L)`: by a matcher the chance that text and label go together, each by itself; else cosines.
        predicted: `(N,)` the label with the largest score.
        notes: what a reader should know, a sentence each without its full stop.
    """

    labels: tuple[str, ...]
    scores: np.ndarray
    predicted: np.ndarray
    notes: tuple[str, ...]


class ZeroShot(Embedder):
    """An encoder of texts that answers by the texts of labels, in evaluation mode.

        score(x, l) = sigma(matcher(f(x), e(l))) where a matcher was trained beside it, else cos(f(x), f(l))

    Shapes:
        scores: N texts and L labels to `(N, L)`.

    Arguments:
        encoder: of texts.
        matcher: what a run of `cless` has learned beside it; None: embeddings are compared.

    Errors:
        ArgumentError: an encoder of something else.
    """

    def __init__(self, encoder: Any, matcher: TrainedMatcher | None = None) -> None:
        super().__init__(encoder)
        if not isinstance(encoder, TextEncoder):
            plural = modality_of(encoder).plural
            raise ArgumentError(f"Labels are texts, and this is an encoder of {plural}: it can compare none with them.")
        self.matcher = matcher

    def scores(self, data: Any, labels: Sequence[str], **options: Any) -> np.ndarray:
        """How well each text goes with each label, `(N, L)`.

        Arguments:
            data, options: as in `embed`.
            labels: their texts, each another one.

        Errors:
            ArgumentError: an empty label, one that is there twice, or fewer than two.
            DataError: as `embed`.
        """
        return self.scores_of(self.embed(data, **options), labels)

    def scores_of(self, z: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """The same of `(N, D)` embeddings."""
        check_labels(labels)
        if self.matcher is not None:
            found = self.matcher
            return in_any_order(lambda some: found.scores(z, some), labels)
        return in_any_order(lambda some: cosine_scores(z, self.embed([label_text(label) for label in some])), labels)

    def notes(self, labels: Sequence[str]) -> list[str]:
        """What a reader of the answers should know, a sentence each without its full stop."""
        assert isinstance(self.encoder, TextEncoder), "checked when it was made"
        unknown = unknown_labels(self.encoder, labels)
        notes = [] if self.matcher is None else self.matcher.notes(labels)
        if unknown:
            notes.append(
                f"the vocabulary has no word of {counted(len(unknown), 'label')} ({', '.join(unknown[:3])}), so "
                "that nothing can be like them: call them otherwise"
            )
        return notes


def unknown_labels(encoder: TextEncoder, labels: Sequence[str]) -> list[str]:
    """Those of which the vocabulary knows nothing."""
    known = (label_tokens(encoder.tokenizer, labels) >= 0).any(dim=1)  # (L,)
    return [label for label, some in zip(labels, known.tolist(), strict=True) if not some]


def load_zero_shot(path: Path | str, *, device: str | torch.device = "cpu") -> ZeroShot:
    """A run's encoder (or an encoder's folder by itself), with the matcher where the run has learned one.

    Errors:
        RunError: no encoder there, or a damaged matcher.
        ArgumentError: an encoder of something else than texts.
    """
    encoder: Any = load(path, device=device).encoder
    return ZeroShot(encoder, load_matcher(path, encoder)).eval()


def zero_shot(
    run: Path | str | ZeroShot, data: Any, labels: Sequence[str], *, device: str | torch.device = "cpu", **options: Any
) -> ZeroShotAnswer:
    """The likeliest of some labels for each text, by what the labels are called; none has to be known from training.

    >>> answer = contrapose.zero_shot("runs/cless-news", ["a text"], labels=["sports", "politics"])  # doctest: +SKIP
    >>> answer.predicted                                                                          # doctest: +SKIP
    array(['sports'], ...)

    Arguments:
        run: a run of any method on texts, an encoder's folder, or what `load_zero_shot` gives.
        data, options: what is asked about, as in `Embedder.embed`.
        labels: their texts. Which come first plays no part.

    Errors:
        ArgumentError: labels that cannot be told apart, an encoder of something else than texts.
        DataError, RunError: as `load` and `embed`.

    Chance: 1 / L for labels of equal frequency.
    """
    asked = check_labels(labels)
    found = run if isinstance(run, ZeroShot) else load_zero_shot(run, device=device)
    scores = found.scores(data, asked, **options)  # (N, L)
    return ZeroShotAnswer(asked, scores, likeliest(scores, asked), tuple(found.notes(asked)))
