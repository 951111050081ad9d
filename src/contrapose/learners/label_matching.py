"""Texts and labels: one encoder of texts, a table of words for labels, and a matcher between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, mean_count, own_rows
from contrapose.encoders import Encoder, Tabled, check_capable
from contrapose.encoders.matcher import Matcher, word_vectors
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.label_candidates import (
    Candidates,
    pairing_of,
    ranked_right,
    whole_texts,
    without_collisions,
)
from contrapose.learners.learner import Step
from contrapose.padded import Padded

# (logits (B, C), positives (B, C), who is asked (B, C)) -> the loss of each text (B,), 0 of one without a positive
LabelObjective = Callable[[Tensor, Tensor, Tensor], Tensor]


class LabelMatching(Drawing):
    """Each text is asked whether it goes with words of its own, with words of others, and with the texts of labels.

        f = encoder(text),   e(l) = mean of the table's vectors of the words of l,   logit = matcher(f, e(l))
        loss = mean of the losses by pseudo-labels and by real labels, weighed 1 : `label_weight`

    Each of the two is the mean over the texts, of all processes, that have a positive. What would be both a positive
    and a negative of one text is no negative: a drawn word that is a word of its label, the label of another class
    that is a drawn word.

    Shapes:
        views: the text `(B, T)`, and pseudo-labels: their tokens `(B, C, L)`, -1 where nothing is, and `(B, C)`: 1 a
            positive, 0 a negative, -1 nobody. Without these, as from a maker of views of one's own, all words of a text
            are one label of it, and those of each other text are none.

    Arguments:
        encoder: with a table of tokens.
        matcher: vectors of a text and of labels to logits; exported as `matcher.safetensors`, with the tokens of the
            labels that were learned from, and how often each token was (part of) a positive pseudo-label.
        objective: see `LabelObjective`.
        by_words, by_labels: what is learned by.
        label_tokens: texts of labels to `(P, L)` numbers of tokens, -1 where nothing is.
        label_weight: of the real labels.
        negatives: labels of other classes that a text is asked for, drawn anew in each step; all where there are fewer.
        generator: names the stream of these draws.

    Errors:
        ArgumentError: an encoder without a table of tokens; nothing to learn by.

    Chance: ln 2.

    Papers: CLESS, https://arxiv.org/abs/2010.01061; the survey, https://arxiv.org/abs/2102.12982
    """

    steps: Tensor
    tokens: Tensor
    drawn: Tensor

    def __init__(
        self,
        encoder: Encoder,
        matcher: Matcher,
        objective: LabelObjective,
        *,
        by_words: bool,
        by_labels: bool,
        label_tokens: Callable[[Sequence[str]], Tensor],
        label_weight: float = 1.0,
        negatives: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=lambda pairing: math.log(2))
        check_capable(encoder, "a table of tokens", asker="Learning by labels")
        self.encoder, self.matcher, self.objective = encoder, matcher, objective
        self.by_words, self.by_labels, self.label_tokens = by_words, by_labels, label_tokens
        self.label_weight, self.negatives = label_weight, negatives
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("tokens", torch.zeros(0, 1, dtype=torch.long))  # of the labels, (P, L)
        self.register_buffer("drawn", torch.zeros(len(cast("Tabled", encoder).table), dtype=torch.long))  # (M,)
        self.name_draws(generator)

    def see_classes(self, names: Sequence[str]) -> None:
        """Take the texts of the classes, in the order of their numbers."""
        if self.by_labels:
            self.tokens = self.label_tokens(names).to(self.tokens.device)  # (P, L)

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        if self.by_labels and LABEL not in targets:
            raise ArgumentError(
                "This learns by the texts of labels and the data has none. Name their column (--label-column), or "
                "learn by the words of texts alone (--learn-by words)."
            )
        if self.by_labels and int(torch.as_tensor(targets[LABEL]).max()) >= len(self.tokens):
            raise ArgumentError(
                f"The data have a class {int(torch.as_tensor(targets[LABEL]).max())}, and {len(self.tokens)} labels "
                "have a text. Give the text of each with --label-texts, in the order of their numbers."
            )

    def forward(self, batch: Batch) -> Step:
        text, *beside = batch.views
        f = self.encoder(text)  # (B, D)
        words = self._words(text, *beside) if self.by_words else None
        labels = self._labels(batch) if self.by_labels and batch.labels is not None else None
        if words is None and labels is None:
            raise ArgumentError("There is nothing to learn by in this batch: neither pseudo-labels nor labels.")
        words, labels = without_collisions(words, labels)
        loss, log = f.new_zeros((), dtype=torch.float32), dict[str, Tensor | float]()
        parts = [("words", words, 1.0), ("labels", labels, self.label_weight)]
        total = sum(weight for _, found, weight in parts if found is not None)
        for name, found, weight in parts:
            if found is None:
                continue
            logits = self.matcher(f, self._vectors(found))  # (B, C)
            loss = loss + weight / total * self._mean(logits, found)
            log[f"{name}_ranked_right"] = ranked_right(logits.detach(), found)
            log[f"texts_without_{name}"] = 1 - found.answered.float().mean()
        asked = [found for found in (words, labels) if found is not None]
        return Step(loss, f.detach(), pairing_of(asked), log, memory=self._counted(words))

    def after_step(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.memory is not None:
                self.drawn += step.memory
        self.steps += 1

    def tables(self) -> dict[str, dict[str, Tensor]]:
        return {"matcher": {**self.matcher.state_dict(), "label_tokens": self.tokens, "drawn": self.drawn}}

    def _mean(self, logits: Tensor, found: Candidates) -> Tensor:
        """Over the texts of all processes that have a positive: each divides by the mean number of them."""
        losses = self.objective(logits, found.positive, found.valid)  # (B,)
        return losses.sum() / mean_count(found.answered.sum())

    def _vectors(self, found: Candidates) -> Float[Tensor, "B C E"]:
        """e(l) of all candidates; those of a shared list are made once."""
        encoder = cast("Tabled", self.encoder)
        if found.numbers is not None:
            return word_vectors(encoder, self.tokens)[found.numbers]  # (P, E) -> (B, C, E)
        return word_vectors(encoder, found.tokens)

    def _words(self, text: Padded, *drawn: Tensor) -> Candidates:
        """Those that were drawn, tokens `(B, C, L)` and who goes with the text `(B, C)`; else whole texts."""
        if not drawn:
            return whole_texts(text)
        tokens, goes = drawn
        return Candidates(tokens, goes == 1, goes >= 0)

    def _labels(self, batch: Batch) -> Candidates:
        """The label of each text, and some of the others."""
        assert batch.labels is not None
        labels, count = batch.labels, len(self.tokens)  # (B,)
        chosen = self._others(labels, min(self.negatives, count - 1), batch.part)  # (B, b)
        chosen = torch.cat([labels.clamp(min=0).unsqueeze(1), chosen], dim=1)  # (B, 1 + b)
        first = (torch.arange(chosen.shape[1], device=labels.device) == 0).expand_as(chosen)  # (B, 1 + b)
        tokens = self.tokens[chosen]  # (B, 1 + b, L)
        same = (tokens == tokens[:, :1]).all(dim=-1) & ~first  # two labels that the vocabulary cannot tell apart
        return Candidates(tokens, first, (labels >= 0).unsqueeze(1) & ~same, numbers=chosen)

    def _others(self, labels: Int64[Tensor, " B"], count: int, part: int) -> Int64[Tensor, "B b"]:
        """Numbers of `count` classes that are not the text's own, each once."""
        luck = torch.rand(len(gather(labels)), len(self.tokens), generator=self.draws(part))  # (W·B, P)
        rows = own_rows(len(labels))
        luck = luck.to(labels.device) if rows is None else luck[rows].to(labels.device)  # (B, P)
        luck = luck.scatter(1, labels.clamp(min=0).unsqueeze(1), 2.0)  # last of all
        return luck.topk(count, dim=1, largest=False).indices

    def _counted(self, words: Candidates | None) -> Int64[Tensor, " M"] | None:
        """How often each token was part of a positive word, in this batch of all processes."""
        if words is None:
            return None
        positive: Bool[Tensor, "B C"] = words.positive & words.valid
        tokens = words.tokens[positive]  # (n, L)
        counts = torch.bincount(tokens[tokens >= 0], minlength=len(self.drawn))  # (M,)
        return gather(counts.unsqueeze(0)).sum(dim=0)
