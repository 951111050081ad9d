"""SimCSE: a sentence beside itself, told apart by dropout alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from contrapose.methods.method import About, register
from contrapose.methods.sentences import SentenceMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.learners.drawn_pairs import Drawn


@register("simcse")
@dataclass(frozen=True, kw_only=True)
class SimCSE(SentenceMethod):
    """Vectors of sentences from sentences alone: each, embedded twice under dropout, finds itself in the batch.

    For texts. The authors train BERT-base with `--learning-rate 3e-5 --epochs 1` on a million sentences. Where a table
    says who belongs together, `--pair-columns ANCHOR POSITIVE` learns from that, with a third column of hard negatives:
    their supervised form. Rows of one anchor are one sample, whose partner is drawn anew every epoch.

    What to expect: look at Spearman on scored pairs (`contrapose evaluate RUN --data PAIRS`). From new weights
    twins do harm: on 4,000 sentences, with a bag of words, 8 epochs and five seeds, it was 30.8 % on the test part
    of the STS benchmark, 38.0 % untrained, 39.7 % of `debcse`. The authors' figures are of trained weights
    (`--init`). Given pairs were not measured yet.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="vectors of sentences: a text is its own positive, told apart by dropout, so that no word has to go",
        paper="Gao et al., EMNLP 2021, https://arxiv.org/abs/2104.08821",
    )

    pair_columns: tuple[str, ...] = ()
    """Columns of a table that say who belongs together: anchors, positives, and perhaps hard negatives (of an
    inference corpus premise, entailment and contradiction, the authors' supervised form). Default: none, each text is
    its own positive."""
    hard_weight: float = 0.0
    """Logarithm of the weight of an anchor's own hard negative. 0: that of all others, the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        different = len({*self.pair_columns}) == len(self.pair_columns)
        self._check("pair_columns", different and len(self.pair_columns) in (0, 2, 3), "two or three different columns")
        self._check("hard_weight", self.hard_weight < math.inf, "a number, or -inf")

    def read(self, open: Callable[..., Samples]) -> Samples:
        if not self.pair_columns:
            return open()
        from contrapose.data.samples import evenly_spaced
        from contrapose.data.texts.matched import matched

        sides = [open(text_column=column, limit=None) for column in self.pair_columns]
        found = matched(cast("list[Texts]", sides), self.pair_columns)
        return found if self.limit is None else found.subset(evenly_spaced(len(found), self.limit))

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.data.texts import MatchedTexts
        from contrapose.views.texts.given_pairs import GivenPairs

        views = super().views_for(views, samples, encoder)
        return GivenPairs(samples.partners, views) if isinstance(samples, MatchedTexts) else views

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import DrawnPairs
        from contrapose.objectives import OBJECTIVES, simcse

        if not self.pair_columns:
            self.check_twins(encoder)

        def objective(drawn: Drawn, rows: Tensor | None) -> Tensor:
            return simcse(
                drawn.anchors,
                drawn.positives,
                drawn.negatives,
                log_weight=self.hard_weight,
                temperature=self.temperature,
                rows=rows,
            )

        return DrawnPairs(
            encoder,
            self.sentence_head(encoder),
            objective,
            language=self.language(encoder),
            language_weight=self.mlm_weight,
            chance=OBJECTIVES["simcse"].chance,
            generator=generator,
        )
