"""Hidden words guessed through the slots of the other sequences of a text: Cross-Thought's objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.methods.method import About, register
from contrapose.methods.own_views import OwnViews

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("cross-sequence")
@dataclass(frozen=True, kw_only=True)
class CrossSequence(OwnViews):
    """A text is cut into sequences, and words hidden in one are guessed with what the slots of all of them hold.

    Slots are copies of the token before every text ([CLS]), told apart by their places; the embedding is their mean,
    and stays so in the encoder that is exported. For texts of several sentences: a sequence of three words says nothing
    that another one needs. Beside it, `--no-slot-attention` is masked language modelling of the same sequences, to see
    what the slots are good for. The form is the paper's as remembered, its sizes are not.

    What to expect: nothing of a short run from new weights. In a first look (2,000 texts of AG News, `--max-length 32
    --vocabulary 3000 --epochs 8`, 248 steps, one seed) hidden words were guessed no better than by their frequency (4 %
    right), and the slots were worse than untrained ones: ten nearest neighbours right for 29.3 % of 1,000 other texts
    of four classes, a linear classifier for 38.3 %; untrained 34.0 % and 42.1 %, word counts 75.5 % and 80.8 %. Longer
    runs were not measured.
    """

    about: ClassVar[About] = About(
        question="what if there are no pairs at all?",
        purpose="vectors of longer texts: what they hold helps to guess hidden words elsewhere in the text",
        paper="Wang et al., EMNLP 2020, https://arxiv.org/abs/2010.03652",
    )
    kinds_note: ClassVar[str] = "for it cuts them into sequences of words"
    needs: ClassVar[tuple[str, ...]] = ("tokens in context",)
    view_note: ClassVar[str] = "the sequences of a text (--sequences), which these options then vary"

    sequences: int = 3
    """Sequences that a text is cut into. [design] 3, of texts of 40 words; the authors cut long documents."""
    slots: int = 3
    """Tokens before each sequence that hold what it says. [design] 3; `hf:` encoders have their one [CLS]."""
    slot_attention: bool = True
    """Whether hidden words are guessed with the help of slots. Without: masked language modelling alone, in which
    nothing asks slots to hold anything."""
    mask_share: float = 0.15
    """Share of the tokens that are hidden. 0.15: BERT's."""
    heads: int = 4
    """Heads of the attention to slots. [design] 4, as in the small transformer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("sequences", self.sequences >= 2, "at least 2: one has nobody to ask")
        self._check("slots", self.slots >= 1, "at least 1")
        self._check("slots", self.slots == 1 or not self.encoder.startswith("hf:"), "1 with hf: encoders (--slots 1)")
        self._check("mask_share", 0 < self.mask_share < 1, "between 0 and 1")
        self._check("heads", self.heads >= 1, "at least 1")

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """Slots are the embedding, where an encoder has tokens at all."""
        if self.encoder == "transformer":
            return {"pooling": "token", "slots": self.slots}
        return {"pooling": "token"} if self.encoder.startswith("hf:") else {}

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.texts.sequences import Sequences

        make = super().views_for(views, samples, encoder)
        return Sequences(lambda texts, generator: make(texts, generator=generator)[0], count=self.sequences)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import CrossSequence as Learned
        from contrapose.learners import MaskedLanguage

        language = MaskedLanguage(encoder, self.mask_share)
        return Learned(encoder, language, heads=self.heads, attend=self.slot_attention, draws=generator)
