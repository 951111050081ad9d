"""Right and wrong fills of a blank, a margin apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from contrapose.errors import ArgumentError, DataError
from contrapose.methods.method import About, register
from contrapose.methods.own_views import OwnViews, varied

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.encoders.texts import TextEncoder
    from contrapose.learners import Learner


@register("candidate-margin")
@dataclass(frozen=True, kw_only=True)
class CandidateMargin(OwnViews):
    """A text with its own word scores higher than with another word in the same place, by a margin.

    Raw texts make their own candidates: one word is the blank, and wrong fills are words about as frequent as the right
    one, drawn from the same texts, so that frequency gives nothing away. (Candidates that somebody wrote down, a text
    with a blank, a right and a wrong word, are views as well: `views.texts.fills.fill`, `learners.CandidateScores`.)
    Where a wrong word happens to be as good as the right one, it is a false negative. Look at `right_ahead` in the
    metrics, 0.5 where it guesses; `texts_without_blank` is the share of texts that have, in what is read of them
    (`--max-length`), no word that stands twice in all.

    What to expect: nothing of a short run from new weights. In a first look (2,000 texts of AG News, `--max-length 32
    --vocabulary 3000 --epochs 8`, 248 steps, one seed) `right_ahead` stood at 0.51, and the encoder was worse than an
    untrained one: ten nearest neighbours right for 28.6 % of 1,000 other texts of four classes, a linear classifier for
    32.7 %; untrained 36.1 % and 41.1 %, word counts 75.5 % and 80.8 %. That look had blanks behind what is read as
    well, where right and wrong are one. Longer runs were not measured.
    """

    about: ClassVar[About] = About(
        question="what if there are no pairs at all?",
        purpose="texts with the right word ahead of texts with a wrong one: which words go together",
        paper="Klein and Nabi, ACL 2020, https://arxiv.org/abs/2005.00669",
    )
    kinds_note: ClassVar[str] = "for it puts wrong words into them"
    view_note: ClassVar[str] = "the text with right and wrong words (--wrong), which these options then vary"

    wrong: int = 2
    """Wrong fills of each text, each of which is read as the text is. [design] 2."""
    near: int = 50
    """Words of about the right one's frequency out of which wrong ones are drawn. [design] 50."""
    margin: float = 1.0
    """By how much the right one is to be ahead. [design] 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("wrong", self.wrong >= 1, "at least 1")
        self._check("near", self.near >= self.wrong, f"at least {self.wrong}, the wrong fills")
        self._check("margin", self.margin > 0, "above 0")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What fills the blanks of these texts.

        Errors:
            DataError: all are the same, or have too few words.
        """
        from contrapose.views.texts.fills import Fills

        views = super().views_for(views, samples, encoder)
        make, read = varied(views, encoder), cast("TextEncoder", encoder).tokenizer.characters_read
        try:
            return Fills(cast("Texts", samples).texts, make, wrong=self.wrong, near=self.near, read=read)
        except ArgumentError as error:
            raise DataError(f"{samples.origin}: {error}") from error

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import CandidateScores
        from contrapose.objectives import candidate_margin

        def objective(right: Tensor, wrong: Tensor, known: Tensor, count: Tensor) -> Tensor:
            return candidate_margin(right, wrong, margin=self.margin, known=known, count=count)

        return CandidateScores(encoder, objective, chance=lambda pairing: self.margin)
