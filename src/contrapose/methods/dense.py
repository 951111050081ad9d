"""What methods share that compare the cells of two crops: whose maps, how the crops are made, who is copied slowly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.errors import ArgumentError, OptionError
from contrapose.methods.method import Method, name_of
from contrapose.methods.widths import NARROW

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder, Staged
    from contrapose.encoders.dense import DenseProjection
    from contrapose.learners import InstanceBranch, Learner
    from contrapose.learners.dense_momentum import DenseObjective


@dataclass(frozen=True, kw_only=True)
class DenseMethod(Method):
    """A method that compares cells of maps. Inherit this in place of `Method`."""

    needs: ClassVar[tuple[str, ...]] = ("stages",)
    kinds: ClassVar[tuple[str, ...]] = ("image",)
    kinds_note: ClassVar[str] = "for what is cropped must have a place"
    view_defaults: ClassVar[Mapping[str, Any]] = {"recipe": "natural"}

    encoder: str = "dense_conv"
    """Backbone, a convolutional one: dense_conv (a cell for every 4 pixels), small_conv, tiny_conv, micro_conv,
    resnet18, resnet34, resnet50. All pairs of cells are compared: beyond 96 pixels take a resnet. [design] dense_conv;
    ResNet-50 with 7 x 7 cells in the paper."""
    threshold: float = 0.7
    """Cells match that lie nearer to each other than so many diagonals of the larger one. 0.7: the paper's."""
    momentum: float = 0.99
    """Inertia of the slow copy at the start, from where it rises to 1 as a cosine. 0.99: the paper's."""
    pixel_weight: float = 1.0
    """Weight of the loss of cells. 0 with an instance weight is BYOL on the same network and crops: what cells add."""
    instance_weight: float = 0.0
    """Weight of a loss of whole crops beside that of cells (BYOL's, on their mean cells). Off: the authors' default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("threshold", self.threshold > 0, "above 0")
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")
        for name in ("pixel_weight", "instance_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        if not self.pixel_weight and not self.instance_weight:
            raise OptionError(
                "pixel_weight and instance_weight are both 0, so there is nothing to learn: raise one.",
                "pixel_weight",
                "instance_weight",
            )
        self._check_views(2, 2)

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """Of encoders whose pooling has weights, which nothing here would train, the mean of the cells instead."""
        return {"embedding": 0, "pool": 1} if self.encoder in NARROW else {}

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        return self.check_own_views(views)

    def check_own_views(self, views: MakeViews) -> MakeViews:
        """A maker of views that says where they lie.

        Errors:
            ArgumentError: a transform of one's own, of which nobody knows that.
        """
        from contrapose.views import ViewGenerator

        if not isinstance(views, ViewGenerator):
            raise ArgumentError(
                f"{name_of(self)} must know where in its picture each view lies, and a transform of your own does not "
                "say. Leave it out (views=None), and set crop, flip and colour by --views.NAME (views=ImageViews(...))."
            )
        return views.with_boxes()

    @abstractmethod
    def objective(self) -> DenseObjective:
        """What compares cells."""

    def propagation(self, dimension: int) -> torch.nn.Module | None:
        """What becomes of the network's own cells before; nothing by default."""
        return None

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import DenseMomentum

        width = cast("Staged", encoder).stage_dimensions[-1]
        projector = self._projector(width) if self.pixel_weight else None
        return DenseMomentum(
            encoder,
            projector,
            self.objective(),
            propagation=None if projector is None else self.propagation(projector.output_dimension),
            instance=self._instance(width) if self.instance_weight else None,
            weight=self.pixel_weight,
            instance_weight=self.instance_weight,
            momentum=self.momentum,
        )

    def _projector(self, input_dimension: int) -> DenseProjection:
        from contrapose.encoders.dense import DenseProjection

        return DenseProjection(
            input_dimension,
            hidden_dimension=self.projection_hidden,
            output_dimension=self.projection_dimension,
            layers=self.projection_layers,
        )

    def _instance(self, input_dimension: int) -> InstanceBranch:
        from contrapose.learners import InstanceBranch

        projector = self.head(input_dimension)
        return InstanceBranch(projector, self.head(projector.output_dimension))
