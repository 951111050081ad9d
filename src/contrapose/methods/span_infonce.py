"""Pieces of one text belong together: contrast of spans, DeCLUTR's objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from contrapose.errors import DataError
from contrapose.methods.method import About, name_of, register
from contrapose.methods.own_views import varied
from contrapose.methods.sentences import SentenceMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("span-infonce")
@dataclass(frozen=True, kw_only=True)
class SpanInfoNCE(SentenceMethod):
    """A piece of a text finds the mean of other pieces of it, beside, across or inside it, among those of other texts.

    For texts of several sentences: pieces of one share a subject and need not share words. Anchors are long and
    positives short, drawn anew each time. How long pieces are is counted in words between blanks, so that texts in a
    writing without blanks cannot be cut; texts of one word are told in the metrics (`texts_too_short`).

    Lengths, the mean of positives and the temperature are DeCLUTR's form as remembered, not its numbers for long
    documents.

    What to expect: in a first look (2,000 texts of AG News, `--max-length 32 --vocabulary 3000 --epochs 8`, one seed)
    the ten nearest neighbours gave the right one of four classes to 53.7 % of 1,000 other texts, a linear classifier to
    56.6 %; untrained 36.1 % and 41.1 %, word counts 75.5 % and 80.8 %.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="vectors of longer texts: pieces of one belong together, whichever words they have",
        paper="Giorgi et al., ACL 2021, https://arxiv.org/abs/2006.03659",
    )
    kinds_note: ClassVar[str] = "for it cuts pieces out of them"
    view_note: ClassVar[str] = "pieces of a text (--positives, --span-longest), which these options then vary"

    positives: int = 2
    """Pieces of a text whose mean is the anchor's partner. [design] 2; the paper found several better than one."""
    span_shortest: int = 8
    """Words of the shortest piece. [design] 8, a clause; the authors have 32 tokens of long documents."""
    span_longest: int = 48
    """Words of the longest piece. [design] 48, about what 64 tokens hold; the authors have 512 tokens."""
    place: Literal["any", "adjacent", "overlapping", "contained"] = "any"
    """Where positives lie: touching the anchor, sharing words with it, inside it, or any of these, as in DeCLUTR."""
    language_weight: float = 0.0
    """Weight of masked language modelling of the anchors, which are then read twice. 0: none; the authors add it with
    weight 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("positives", self.positives >= 1, "at least 1")
        self._check("span_shortest", self.span_shortest >= 1, "at least 1")
        self._check("span_longest", self.span_longest >= self.span_shortest, f"{self.span_shortest} or more")
        self._check("language_weight", self.language_weight >= 0, "0 or more")
        self._check_choice("place", ("any", "adjacent", "overlapping", "contained"))

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What cuts these texts.

        Errors:
            DataError: all are the same, or of one word.
        """
        from contrapose.views.texts.spans import SpanOptions, Spans

        views = super().views_for(views, samples, encoder)
        if all(len(text.split()) < 2 for text in cast("Texts", samples).texts):
            raise DataError(
                f"{samples.origin}: no text has two words between blanks, so that nothing can be cut. Take simcse, "
                "which reads whole texts, or name another column with --text-column."
            )
        options = SpanOptions(self.span_shortest, self.span_longest, self.positives, self.place)
        return Spans(options, varied(views, encoder))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders import check_capable
        from contrapose.learners import MaskedLanguage, SpanContrast
        from contrapose.objectives import OBJECTIVES, nt_xent

        language = None
        if self.language_weight:
            check_capable(encoder, "tokens in context", asker=f"{name_of(self)} with --language-weight")
            language = MaskedLanguage(encoder)

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(z, pairing, temperature=self.temperature, rows=rows)

        return SpanContrast(
            encoder,
            self.sentence_head(encoder),
            objective,
            language=language,
            weight=self.language_weight,
            draws=generator,
            chance=OBJECTIVES["nt_xent"].chance,
        )
