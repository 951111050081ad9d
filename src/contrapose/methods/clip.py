"""CLIP: a picture finds its words among all words of the batch, and words find their picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@dataclass(frozen=True, kw_only=True)
class OfPairs(Method):
    """A method for pairs of a picture and its words, with two towers."""

    modality: ClassVar[str] = "pairs"
    kinds: ClassVar[tuple[str, ...]] = ("pairs",)
    kinds_note: ClassVar[str] = "for it compares two sides of a sample"
    needs: ClassVar[tuple[str, ...]] = ("two towers",)
    pairing_note: ClassVar[str] = "each picture with its own caption; all other captions of the batch are its negatives"

    weight_decay: float = 0.1
    """Decoupled. 0.1: the improved recipe (arXiv 2305.08675); CLIP took 0.2."""
    learning_rate: float = 1e-3
    """Peak learning rate. [design] between CLIP's 5e-4 and the 3e-3 of the improved recipe."""
    text_dropout: float = 0.0
    """Chance of each number in the text tower to become 0 while training, in strong views alone where there are such.
    Off, as in CLIP."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("text_dropout", 0 <= self.text_dropout < 1, "in [0, 1)")

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        return {"width": self.projection_dimension, "text_dropout": self.text_dropout}


@register("clip")
@dataclass(frozen=True, kw_only=True)
class CLIP(OfPairs):
    """Pictures and captions of a batch attract their partner and repel all others, in both directions.

    Learns from pairs: `--data TABLE` with a column of pictures and one of captions, a folder of `x.jpg` beside
    `x.txt`, a COCO caption file, tars, or `made:scenes`. `contrapose evaluate RUN --data TEST` measures retrieval both
    ways; `contrapose search RUN "a red three" --in pictures/` looks for pictures by words.

    What to expect: a few hundred pairs are learned by heart. With 400 pairs of made scenes, digits of unseen scans were
    named by sentences in 12.6 % [11.2, 14.0] (untrained: 9.4 %, chance 10 %), after four times as long in 13.3 %;
    `clip-rocket` is for that (`contrapose reproduce vlp-baselines`: *reproduced here*).
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="pictures and their words in one space: search by words, classes by prompts; the baseline for pairs",
        paper="Radford et al., ICML 2021, https://arxiv.org/abs/2103.00020",
    )
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "1, as in CLIP: what a picture is compared with is its caption; further ones are strong"

    loss: Literal["softmax", "sigmoid"] = "softmax"
    """softmax: each finds its partner among all of the batch (CLIP); sigmoid: each combination is a question of its own
    (SigLIP, arXiv 2303.15343), which is better in small batches."""
    projection_layers: int = 1
    """Linear maps of the heads into the common space. 1: CLIP's, and no other number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("loss", ("softmax", "sigmoid"))
        self._check("projection_layers", self.projection_layers == 1, "1: the heads of CLIP are linear")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners.two_towers import TwoTowerContrast
        from contrapose.objectives import OBJECTIVES, clip, over_views, siglip

        sigmoid = self.loss == "sigmoid"

        def objective(
            weak: Tensor, strong: Tensor | None, scales: Tensor, bias: Tensor | None, rows: Tensor | None
        ) -> Tensor:
            def one(first: Tensor, second: Tensor) -> Tensor:
                if bias is not None:
                    return siglip(first, second, temperature=1 / scales[0], bias=bias, rows=rows)
                return clip(first, second, temperature=1 / scales[0], rows=rows)

            return over_views(one(weak[0], weak[1]), one, strong)

        chance = None if sigmoid else OBJECTIVES["clip"].chance
        return TwoTowerContrast(encoder, objective, sigmoid=sigmoid, chance=chance)
