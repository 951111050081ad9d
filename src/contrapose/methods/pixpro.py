"""PixPro: cells of two crops that show the same place agree, one of them smoothed by the cells that are like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.dense import DenseMethod
from contrapose.methods.method import About, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from contrapose.learners.dense_momentum import DenseObjective


@register("pixpro")
@dataclass(frozen=True, kw_only=True)
class PixPro(DenseMethod):
    """Cells of a crop predict those of the other crop by a slow copy that show the same place; nothing is pushed away.

    For maps that are used as maps (segmentation, detection, microscopy, remote sensing): `encoder/` is a backbone whose
    `feature_maps` are what was trained; its pooled embedding was not. Own departures: both crops are made alike, by the
    recipe for photographs of grey pictures too (the authors always blur one crop, and solarise the other at times), and
    the optimiser is AdamW unless told otherwise (theirs is LARS).

    What to expect: nothing yet of minutes. On 2,000 canvases of digits, 12 epochs and three seeds (`contrapose
    reproduce pixpro`: *contrary here*) a 1 x 1 probe that learned from 40 canvases has an mIoU of 13.3 %, 11.1 %
    without propagation; `simclr` on the same network 14.0 %, the untrained network 12.1 %, raw pixels 9.7 %. All are
    low: with so few labels, and maps of 12 x 12 cells, the probe tells the background from digits and little more.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="maps for segmentation and detection: cells of two crops that show the same place agree",
        paper="Xie et al., CVPR 2021, https://arxiv.org/abs/2011.10043",
    )

    pairing_note: ClassVar[str] = (
        "Cells of two crops of a picture are paired, by where they lie: those that show the same place agree, and "
        "nothing is pushed away. Labels play no part."
    )

    propagated: bool = True
    """Smooth the network's own cells by attention over the map before they are compared. Off: the ablation y = x."""
    sharpness: float = 2.0
    """Exponent of the similarities of that attention; 0 sums all cells alike. 2: the authors' scripts."""
    value_layers: int = 1
    """1 x 1 convolutions of what is summed; 0: the cells as they are. 1: the authors' scripts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("sharpness", self.sharpness >= 0, "0 or more")
        self._check("value_layers", self.value_layers >= 0, "0 or more")

    def objective(self) -> DenseObjective:
        from contrapose.objectives import pix_pro

        def compare(queries: Tensor, keys: Tensor, boxes: Tensor) -> Tensor:
            return pix_pro(queries, keys, boxes, threshold=self.threshold)

        return compare

    def propagation(self, dimension: int) -> nn.Module | None:
        from contrapose.encoders.dense import Propagation

        if not self.propagated:
            return None
        return Propagation(dimension, sharpness=self.sharpness, layers=self.value_layers)
