"""SimCSE: a sentence beside itself, told apart by dropout alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from contrapose.methods.method import About, register
from contrapose.methods.sentences import TwinMethod

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("simcse")
@dataclass(frozen=True, kw_only=True)
class SimCSE(TwinMethod):
    """Vectors of sentences from sentences alone: each, embedded twice under dropout, finds itself in the batch.

    For texts. The authors train BERT-base with `--learning-rate 3e-5 --epochs 1` on a million sentences. Where a table
    says who belongs together, `--pair-columns ANCHOR POSITIVE` learns from that, with a third column of hard negatives:
    their supervised form. Rows of one anchor are one sample, whose partner is drawn anew every epoch.

    What to expect: look at Spearman on scored pairs (`contrapose evaluate RUN --data PAIRS`). From new weights twins do
    harm: on 4,000 sentences, with a bag of words, 8 epochs and five seeds, it was 30.8 % on the test part of the STS
    benchmark, 38.0 % untrained, 39.7 % of `debcse`. The authors' figures are of trained weights (`--init`). Those of a
    model of sentences it keeps: all-MiniLM-L6-v2 went from 81.8 % [79.5, 83.7] to 82.4 % [80.3, 84.2] by 3,000
    sentences of the benchmark's training part (`--init FOLDER --limit 3000 --max-length 32 --epochs 1 --learning-rate
    3e-5`, 3.4 minutes of one processor, one seed), which is less than these intervals are wide. It finds a text beside
    itself from the first steps on (a loss of 0.002), so little is left to learn. Given pairs were not measured yet.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        different = len({*self.pair_columns}) == len(self.pair_columns)
        self._check("pair_columns", different and len(self.pair_columns) in (0, 2, 3), "two or three different columns")

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
        from contrapose.objectives import OBJECTIVES

        if not self.pair_columns:
            self.check_twins(encoder)

        return DrawnPairs(
            encoder,
            self.sentence_head(encoder),
            self.objective,
            language=self.language(encoder),
            language_weight=self.mlm_weight,
            chance=OBJECTIVES["simcse"].chance,
            generator=generator,
        )
