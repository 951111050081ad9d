"""Masked language modelling: tokens are hidden, and guessed from what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from contrapose.distributed import mean_count
from contrapose.encoders import Encoder, Lexical, check_capable
from contrapose.encoders.language_head import LanguageHead
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import uniform_tokens
from contrapose.padded import Padded

NOT_ASKED = -100
"""The target of a token that is not to be guessed, as `cross_entropy` ignores it."""

HIDDEN, CHANGED = 0.8, 0.1
"""Of the tokens to be guessed so many become [MASK], so many another token; the others stay. As in BERT."""


def mask_tokens(
    view: Padded,
    share: float = 0.15,
    *,
    mask: int,
    vocabulary: int,
    special: Sequence[int] = (),
    generator: torch.Generator | None = None,
    longest: int | None = None,
) -> tuple[Padded, Int[Tensor, "B T"]]:
    """Hide a share of the tokens, once.

        of the tokens of words a share is drawn, each alone; of these
        80 %: [MASK],   10 %: any token but special ones,   10 %: as it was

    Shapes:
        view: `(B, T)` numbers of tokens; returns the view with tokens hidden, and `(B, T)` targets: the token that
            stood there where one is to be guessed, -100 elsewhere. Padding and special tokens are never drawn.

    Arguments:
        share: 0.15 as in BERT.
        mask: the number of [MASK].
        vocabulary: how many tokens there are.
        special: those that no word is.
        generator: what is drawn from. Processes that hand over the same each hide what one process would have hidden
            of their samples, `longest` being given.
        longest: the most tokens that a view of this run may have; None: T.

    Errors:
        ArgumentError: a share outside (0, 1), a vocabulary of special tokens alone.

    Paper: BERT, https://arxiv.org/abs/1810.04805
    """
    if not 0 < share < 1:
        raise ArgumentError(f"share is {share:g}: it must lie between 0 and 1; BERT has 0.15.")
    ordinary = torch.ones(vocabulary, dtype=torch.bool)
    ordinary[list(special)] = False
    words = ordinary.nonzero()[:, 0]  # (M',)
    if not len(words):
        raise ArgumentError(f"All {vocabulary} tokens of this vocabulary are special: there is nothing to guess.")
    which, what, other = uniform_tokens(view, 3, generator=generator, longest=longest)  # (B, T) each
    asked = (which < share) & guessable(view, special)  # (B, T)
    hidden = asked & (what < HIDDEN)  # (B, T)
    changed = asked & (what >= HIDDEN) & (what < HIDDEN + CHANGED)  # (B, T)
    others = words.to(view.device)[(other * len(words)).long().clamp(max=len(words) - 1)]  # (B, T)
    values = torch.where(changed, others, view.values.masked_fill(hidden, mask))  # (B, T)
    return Padded(values, view.mask, view.groups), view.values.masked_fill(~asked, NOT_ASKED)


def guessable(view: Padded, special: Sequence[int] = ()) -> Bool[Tensor, "B T"]:
    """The tokens that are of words: real, and not special."""
    known = torch.tensor(list(special), dtype=view.values.dtype, device=view.device)
    inside = view.mask if view.groups is None else view.mask & (view.groups > 0)
    return inside & ~torch.isin(view.values, known)  # (B, T)


@dataclass(frozen=True)
class Guess:
    """What one pass of `MaskedLanguage` gives.

    Shapes:
        loss: scalar; 0 where no token was drawn.
        tokens: `(B, T, D)` of the view with tokens hidden, before pooling.
        view: that view.
        asked: `(B, T)` bool, what was guessed; A in all.
        right: scalar, the share of them that was guessed right.
        logits: `(A, M)` of what was guessed, row by row.
    """

    loss: Tensor
    tokens: Tensor
    view: Padded
    asked: Tensor
    right: Tensor
    logits: Tensor


class MaskedLanguage(nn.Module):
    """A language head above an encoder, which it does not own: part of learners that guess tokens (BERT's objective).

        loss = mean over the tokens drawn of -log softmax(logits)[the token that stood there]

    The mean is that over the tokens of all processes, so that their average gradient is that of one process. With new
    weights it is about ln M.

    Shapes:
        guess: a view of `(B, T)` numbers to a `Guess`.
        logits: `(..., D)` tokens to `(..., M)`.

    Arguments:
        encoder: must have tokens in context (`Lexical`) and a token that hides.
        share: of the tokens that are hidden. 0.15 as in BERT.

    Errors:
        ArgumentError: an encoder without tokens in context, or whose vocabulary has no [MASK].

    Paper: BERT, https://arxiv.org/abs/1810.04805
    """

    def __init__(self, encoder: Encoder, share: float = 0.15) -> None:
        super().__init__()
        check_capable(encoder, "tokens in context", asker="Masked language modelling")
        form = encoder.form
        if form["mask"] is None:
            raise ArgumentError(
                f"The vocabulary of encoder {encoder.name!r} has no token that hides a word ([MASK]): take --tokenizer "
                "pieces, or an encoder that has one."
            )
        self._encoder = (encoder,)  # in a tuple: it is not this module's, and checkpoints hold it once
        self.share = share
        self.mask, self.size, self.longest = form["mask"], form["vocabulary"], form["max_length"]
        self.special = self.encoder.special
        self.head = LanguageHead(cast("Lexical", encoder), encoder.dimension)

    @property
    def encoder(self) -> Lexical:
        return cast("Lexical", self._encoder[0])

    def masked(self, view: Padded, generator: torch.Generator | None) -> tuple[Padded, Int[Tensor, "B T"]]:
        """The view with tokens hidden, and what stood there."""
        return mask_tokens(
            view,
            self.share,
            mask=self.mask,
            vocabulary=self.size,
            special=self.special,
            generator=generator,
            longest=self.longest,
        )

    def logits(self, tokens: Float[Tensor, "*N D"]) -> Float[Tensor, "*N M"]:
        return self.head(tokens, self.encoder.table)  # (..., M)

    def guess(self, view: Padded, generator: torch.Generator | None) -> Guess:
        hidden, targets = self.masked(view, generator)
        tokens = self.encoder.tokens(hidden)  # (B, T, D)
        return self.judged(tokens, hidden, targets)

    def judged(self, tokens: Float[Tensor, "B T D"], hidden: Padded, targets: Int[Tensor, "B T"]) -> Guess:
        """The guess of tokens that were read already."""
        asked = targets != NOT_ASKED  # (B, T)
        logits = self.logits(tokens[asked])  # (A, M), of these alone: M is large
        wanted = targets[asked]  # (A,)
        number = mean_count(asked.sum())  # asked by a process, on average
        loss = functional.cross_entropy(logits, wanted, reduction="sum") / number
        right = (logits.detach().argmax(dim=-1) == wanted).sum() / asked.sum().clamp(min=1)
        return Guess(loss, tokens, hidden, asked, right, logits)
