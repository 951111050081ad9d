"""What a text is asked about: labels that go with it, labels that do not, and which of them are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from contrapose.padded import Padded
from contrapose.pairing import Pairing, by_pairs


@dataclass(frozen=True)
class Candidates:
    """C labels that each of B texts is asked about.

    Shapes:
        tokens: `(B, C, L)` int64, -1 where nothing is.
        positive: `(B, C)`, which go with the text.
        valid: `(B, C)`, which are asked at all.
        numbers: `(B, C)`, which labels of a list that all texts share; None: each text has its own.
    """

    tokens: Int64[Tensor, "B C L"]
    positive: Bool[Tensor, "B C"]
    valid: Bool[Tensor, "B C"]
    numbers: Int64[Tensor, "B C"] | None = None

    @property
    def answered(self) -> Bool[Tensor, " B"]:
        """Which texts have a positive, and are learned from."""
        return (self.positive & self.valid).any(dim=1)


def whole_texts(text: Padded) -> Candidates:
    """All words of each text of the batch, as one label of it and of no other: `(B, B, T)` tokens."""
    inside = text.mask if text.groups is None else text.groups > 0  # (B, T)
    tokens = text.values.masked_fill(~inside, -1)  # (B, T)
    size = len(tokens)
    valid = inside.any(dim=1).expand(size, size)  # (B, B)
    own = torch.eye(size, dtype=torch.bool, device=tokens.device)  # (B, B)
    return Candidates(tokens.expand(size, -1, -1), own, valid)


def without_collisions(
    words: Candidates | None, labels: Candidates | None
) -> tuple[Candidates | None, Candidates | None]:
    """The same without negatives that are positives of the text by the other way: words of its label, and labels all
    of whose words are its drawn words."""
    if words is None or labels is None:
        return words, labels
    of_label = _kept(labels.tokens, labels.positive & labels.valid)  # (B, C', L')
    of_words = _kept(words.tokens, words.positive & words.valid)  # (B, C, L)
    word_of_label = ~words.positive & _within(words.tokens, of_label)  # (B, C)
    drawn_label = ~labels.positive & _within(labels.tokens, of_words)  # (B, C')
    return (
        replace(words, valid=words.valid & ~word_of_label),
        replace(labels, valid=labels.valid & ~drawn_label),
    )


def ranked_right(logits: Float[Tensor, "B C"], found: Candidates) -> Float[Tensor, ""]:
    """How often a positive of a text has a larger logit than a negative of it, over all such two; ties count half,
    and a half where there are none. Most candidates are negatives, so a share of right answers would say little."""
    positive = (found.positive & found.valid).unsqueeze(2)  # (B, C, 1)
    negative = (~found.positive & found.valid).unsqueeze(1)  # (B, 1, C)
    two = positive & negative  # (B, C, C)
    apart = logits.float().unsqueeze(2) - logits.float().unsqueeze(1)  # (B, C, C)
    right = ((apart > 0).float() + 0.5 * (apart == 0).float()) * two
    return torch.where(two.any(), right.sum() / two.sum().clamp(min=1), 0.5)


def pairing_of(parts: Sequence[Candidates]) -> Pairing:
    """Text i as an anchor, with candidates of its own alone: those numbered i·C to i·C + C - 1."""
    positive = torch.cat([part.positive for part in parts], dim=1).cpu()  # (B, C)
    valid = torch.cat([part.valid for part in parts], dim=1).cpu()
    texts, columns = positive.shape
    row, column = valid.nonzero(as_tuple=True)  # (n,) each
    if not len(row):  # nobody is asked: one that counts for nothing, for a list must not be empty
        row, column = torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    scores = torch.where(positive[row, column] & valid[row, column], 1.0, -1.0)  # (n,)
    pairs = torch.stack([row, row * columns + column], dim=1)  # (n, 2)
    return by_pairs(pairs, anchors=texts, candidates=texts * columns, scores=scores, only_listed=True)


def _kept(tokens: Tensor, wanted: Tensor) -> Tensor:
    """The tokens of these candidates, -2 in the place of all others, which nothing equals."""
    return tokens.masked_fill(~wanted.unsqueeze(-1) | (tokens < 0), -2)


def _within(tokens: Tensor, known: Tensor) -> Bool[Tensor, "B C"]:
    """Which candidates have words, all of them among those of `known` `(B, K, L)` of the same text."""
    among = (tokens.unsqueeze(-1) == known.flatten(1)[:, None, None, :]).any(dim=-1)  # (B, C, L)
    some = (tokens >= 0).any(dim=-1)  # (B, C)
    return some & (among | (tokens < 0)).all(dim=-1)
