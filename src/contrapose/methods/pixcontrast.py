"""PixContrast: cells of two crops that show the same place against those that show another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.dense import DenseMethod
from contrapose.methods.method import About, register

if TYPE_CHECKING:
    from torch import Tensor

    from contrapose.learners.dense_momentum import DenseObjective


@register("pixcontrast")
@dataclass(frozen=True, kw_only=True)
class PixContrast(DenseMethod):
    """Cells of a crop find those of the other crop, by a slow copy, that show the same place, among all of its cells.

    `pixpro` with negatives in the place of propagation: they are cells of the same picture, so what is told apart is
    places, not pictures. What its `encoder/` is good for is said there.

    What to expect: nothing yet of minutes. On 2,000 canvases of digits, 12 epochs and three seeds (`contrapose
    reproduce pixpro`: *contrary here*) a 1 x 1 probe that learned from 40 canvases has an mIoU of 12.9 %; `simclr` on
    the same network 14.0 %, the untrained network 12.1 %.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="maps for segmentation and detection: cells that show the same place against the picture's others",
        paper="Xie et al., CVPR 2021, https://arxiv.org/abs/2011.10043",
    )

    pairing_note: ClassVar[str] = (
        "Cells of two crops of a picture are paired, by where they lie: those that show the same place are positives, "
        "and the other cells of that picture are negatives. Labels play no part."
    )

    temperature: float = 0.3
    """Sharpness of the softmax over cells. 0.3: recalled from the paper, and not verified."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")

    def objective(self) -> DenseObjective:
        from contrapose.objectives import pix_contrast

        def compare(queries: Tensor, keys: Tensor, boxes: Tensor) -> Tensor:
            return pix_contrast(queries, keys, boxes, temperature=self.temperature, threshold=self.threshold)

        return compare
