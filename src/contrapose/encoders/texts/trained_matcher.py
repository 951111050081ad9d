"""A trained matcher as a file beside its encoder: `matcher.safetensors`, with what it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.encoders.artifact import read_tensors
from contrapose.encoders.capabilities import Tabled
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.matcher import Matcher, matcher_from, word_vectors
from contrapose.encoders.texts.label_texts import label_tokens
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.errors import RunError

FILE = "matcher.safetensors"


@dataclass(frozen=True)
class TrainedMatcher:
    """A matcher, and what is to be known before its answers are called zero-shot.

    Arguments:
        encoder: that it was trained beside.
        learned: `(P, L)` tokens of the labels that texts were given, -1 where nothing is.
        drawn: `(M,)` how often each token was part of a word that stood for a label.
    """

    encoder: TextEncoder
    matcher: Matcher
    learned: Int64[Tensor, "P L"]
    drawn: Int64[Tensor, " M"]

    def scores(self, z: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """The chance that each text goes with each label, by itself: `(N, D)` embeddings to `(N, L)`; 0 of a label of
        words that the vocabulary does not have."""
        encoder, tokens = cast("Tabled", self.encoder), self._tokens(labels)  # (L, T)
        with torch.no_grad():
            vectors = word_vectors(encoder, tokens.to(self.encoder.device)).float()  # (L, E)
            logits = self.matcher.table_of(torch.as_tensor(z, device=vectors.device).float(), vectors)  # (N, L)
        known = (tokens >= 0).any(dim=1)  # (L,)
        return torch.where(known, logits.double().sigmoid().cpu(), 0.0).numpy()

    def learned_labels(self, labels: Sequence[str]) -> list[str]:
        """Those that it was trained with as labels of texts: of these its answers are not zero-shot."""
        known = {_real(row) for row in self.learned.tolist()} - {()}
        return [name for name, row in zip(labels, self._tokens(labels).tolist(), strict=True) if _real(row) in known]

    def drawn_labels(self, labels: Sequence[str]) -> list[str]:
        """Those with a word that stood for a label of some text: pseudo-labels, drawn from texts alone."""
        drawn = self.drawn.tolist()
        rows = zip(labels, self._tokens(labels).tolist(), strict=True)
        return [name for name, row in rows if any(drawn[token] for token in _real(row))]

    def notes(self, labels: Sequence[str]) -> list[str]:
        """Which of the labels were learned from, and in which form, a sentence each without its full stop."""
        learned, drawn = self.learned_labels(labels), self.drawn_labels(labels)
        notes = [
            f"words of {len(drawn)} of {len(labels)} labels were pseudo-labels in training, drawn from the texts "
            "themselves"
        ]
        if learned:
            notes.append(
                f"{len(learned)} of {len(labels)} labels were learned from as labels of texts "
                f"({', '.join(learned[:3])}): of these the answers are not zero-shot"
            )
        return notes

    def _tokens(self, labels: Sequence[str]) -> Tensor:
        return label_tokens(self.encoder.tokenizer, labels)  # (L, T)


def load_matcher(run: Path | str, encoder: Encoder) -> TrainedMatcher | None:
    """The matcher of a run's folder; None where there is none, as of other kinds of data.

    Errors:
        RunError: it is damaged, or of another encoder.
    """
    path = Path(run) / FILE
    if not path.is_file() or not isinstance(encoder, TextEncoder):
        return None
    tensors = read_tensors(path)
    if not isinstance(encoder, Tabled) or not {"label_tokens", "drawn"} <= tensors.keys():
        raise RunError(f"{path} holds no matcher for the encoder beside it. Train the run again.")
    learned, drawn = (tensors.pop(name).long() for name in ("label_tokens", "drawn"))
    matcher = matcher_from(tensors, encoder.dimension, encoder.table.shape[1], where=str(path))
    return TrainedMatcher(encoder, matcher.to(encoder.device), learned, drawn)


def _real(row: Sequence[int]) -> tuple[int, ...]:
    return tuple(token for token in row if token >= 0)
