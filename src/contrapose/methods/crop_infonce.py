"""A corrupted text beside a crop of it, its tokens corrected: COCO-LM's objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.methods.method import About, register
from contrapose.methods.sentences import sentence_head
from contrapose.methods.token_method import TokenMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.encoders.texts import TextEncoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("crop-infonce")
@dataclass(frozen=True, kw_only=True)
class CropInfoNCE(TokenMethod):
    """A text with made-up tokens finds a crop of itself in the batch, while its tokens are corrected.

    `replaced-token` makes an encoder of tokens and no space of texts; here two terms more make one: tokens that stood
    there before are said, and the text with its errors is told, beside nine tenths of itself, from all others. The
    paper's numbers are of months of training; weights and forms are as remembered from it, and the temperature is this
    library's for sentences.

    What to expect: in a first look (2,000 texts of AG News, `--max-length 32 --vocabulary 3000 --epochs 5`, 155 steps,
    one seed) the ten nearest neighbours gave the right one of four classes to 44.6 % of 1,000 other texts, a linear
    classifier to 50.1 %; untrained 36.1 % and 41.1 %, word counts 75.5 % and 80.8 %. It was the contrast that learned:
    corrections were right 3 % of the time, and `replaced_auc` was 0.56.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="an encoder of tokens and of whole texts at once: errors are corrected, and a text finds its crop",
        paper="Meng et al., NeurIPS 2021, https://arxiv.org/abs/2102.08473",
    )
    view_count: ClassVar[int] = 2
    view_note: ClassVar[str] = "two, the whole text, into which other tokens are put, and what these make of it"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 0.9, "crop_max": 0.9, "delete": 0.0}

    projection_layers: int = 1
    """Linear maps of the projection head, with a tanh behind the last, as of `simcse`."""
    projection_dimension: int = 128
    """D, the dimension in which the loss compares. 128, as many as the encoders of texts have here."""
    temperature: float = 0.05
    """Sharpness of the softmax. [design] 0.05, as of the other methods of sentences."""
    contrast_weight: float = 1.0
    """Weight of the contrast of text and crop. 1: the authors'."""
    detection_weight: float = 50.0
    """Weight of finding replaced tokens. 50: ELECTRA's, and the authors'."""
    correction_weight: float = 1.0
    """Weight of saying which tokens had stood there. 1: the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("contrast_weight", self.contrast_weight > 0, "above 0: without it, take replaced-token")
        for name in ("detection_weight", "correction_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.texts.whole import WholeBeside

        prepare = getattr(views, "prepare", cast("TextEncoder", encoder).prepare)  # one that remembers, if there is one
        return WholeBeside(super().views_for(views, samples, encoder), prepare)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import CorrectedCrops
        from contrapose.learners.corrected_crops import TermWeights
        from contrapose.objectives import nt_xent, replaced_tokens

        def contrast(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(z, pairing, temperature=self.temperature, rows=rows)

        def detection(logits: Tensor, replaced: Tensor, mask: Tensor, count: Tensor) -> Tensor:
            return replaced_tokens(logits, replaced, mask, count=count)

        return CorrectedCrops(
            encoder,
            sentence_head(self, encoder),
            self.token_generator(encoder),
            contrast,
            detection,
            weights=TermWeights(self.contrast_weight, self.detection_weight, self.correction_weight),
            draws=generator,
        )
