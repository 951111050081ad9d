"""ImagiNet: early exits and two labels, to tell synthetic pictures from real ones, and what made them."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from contrapose.errors import ArgumentError, DataError
from contrapose.methods.method import About, Method, register
from contrapose.methods.named_class import number_of_class

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner

_SMALL = ("small_conv", "tiny_conv")
_RESIDUAL = ("resnet18", "resnet34", "resnet50")


@register("imaginet")
@dataclass(frozen=True, kw_only=True)
class ImagiNet(Method):
    """Tells synthetic pictures from real ones, and generators from each other, by traces that an eye does not see.

    Label the pictures by what made them, "real" among the classes (a folder for each generator and one called real), or
    real and synthetic with the generators in a column of their own (--family-column). Afterwards,

        contrapose train classifier --base RUN --data PICTURES --out HEAD    a head for detection or identification
        contrapose calibrate HEAD FEW --out CALIBRATED                       its scores, on a handful of the new domain
        contrapose evaluate HEAD --test-data OTHERS --task corruptions       under compression, resizing and blur

    What is looked for is destroyed by resizing: views are cut out of the picture and not resized, `small_conv`,
    `tiny_conv` and `resnet*` keep the full resolution through their first stage, and the pictures should be of one
    size, named with --image-size, so that opening them leaves them alone. Store real and synthetic pictures in the same
    format: else what is learned is the format.

    What to expect: on a stand-in, 2,000 scans of digits with the traces of made-up generators, 20 epochs and three
    seeds (`contrapose reproduce imaginet`: *not resolved here*), a linear probe tells real from made by a balanced
    accuracy of 78.4 %, 67.0 % without the families (--family-weight 0), 81.3 % after `supcon` on two views;
    cross-entropy end to end has 83.1 %, an untrained network 69.7 %. Of a generator held out the AUC is 94.3 %
    (cross-entropy 87.5 %; the seeds do not settle it). Which generator it was: 90.9 %, 81.1 % without the families.
    Forty pictures of another domain raise its balanced accuracy there by 3.7 points [-3.0, 10.3], the AUC stays as it
    is. With the same traces on 2,000 photographs of CIFAR-10, after 12 epochs and one seed, nothing was gained: 64.0 %
    real or made (untrained 63.4), 71.2 % which generator (untrained 73.0). No pictures of real generators ship with
    the package: nothing of this is forensics.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="pictures labelled real or by their generator: an encoder for detecting and attributing synthetic ones",
        paper="Boychev and Cholakov, 2024, https://arxiv.org/abs/2407.20020",
        needs_targets=("label",),
    )

    kinds: ClassVar[tuple[str, ...]] = ("image",)
    kinds_note: ClassVar[str] = "for it is in pixels that generators leave their traces"
    needs: ClassVar[tuple[str, ...]] = ("stages",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one of each picture: the exits take the place of others"
    view_defaults: ClassVar[Mapping[str, Any]] = {"recipe": "forensic"}

    real: str | None = None
    """The class of the real pictures, by name or number; all others are synthetic. Default: the one called real, else
    the first of two."""
    family_column: str | None = None
    """Column of a table, or array of an .npz, that names what made each synthetic picture, where the labels only tell
    real from synthetic. Default: the labels name it."""
    temperature: float = 0.07
    """Sharpness of the softmax. 0.07: the authors'."""
    base_temperature: float = 0.07
    """The loss is multiplied by the temperature divided by this. 0.07: the authors'."""
    exits: tuple[int, ...] = (1,)
    """Stages (from 0) with a head of their own. The second: the authors'."""
    origin_weight: float = 1.0
    """Weight of telling real from synthetic. 1: the authors'."""
    family_weight: float = 1.0
    """Weight of telling generators from each other, among the synthetic pictures alone. 1: the authors'; 0: detection
    only."""
    anchors: Literal["all", "sub-networks"] = "all"
    """Whose rows look for partners. sub-networks: those of the early exits alone (SelfCon's variant FG)."""
    chunk: int | None = None
    """Views that go through the encoder at a time: a large batch then needs the memory of so many, a third more time,
    and its gradient stays that of the whole but for batch normalisation, which sees the chunk. Default: all at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("temperature", "base_temperature"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("origin_weight", "family_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("exits", len(self.exits) > 0 and min(self.exits) >= 0, "one or more stages, counted from 0")
        self._check("chunk", self.chunk is None or self.chunk >= 2, "at least 2")
        self._check_choice("anchors", ("all", "sub-networks"))

    @property
    def shown_targets(self) -> tuple[str, ...]:
        from contrapose.learners.origin_and_family import FAMILY

        return (*super().shown_targets, FAMILY)

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """Encoders of the house look at every pixel in their first stage, and shrink the map after it."""
        if self.encoder in _SMALL:
            return {"strides": [1, 2, 2, 1]}
        return {"no_down": True} if self.encoder in _RESIDUAL else {}

    def read(self, open: Callable[..., Samples]) -> Samples:
        from contrapose.learners.origin_and_family import FAMILY

        samples = open()
        if self.family_column is None:
            return samples
        made_by = open(label_column=self.family_column)
        if made_by.labels is None or list(made_by.identifiers) != list(samples.identifiers):
            raise DataError(
                f"The column {self.family_column!r} of {samples.origin} does not name what made each picture: it holds "
                "no labels, or those of other pictures. Name another with --family-column."
            )
        return samples.with_classes(FAMILY, made_by.labels, made_by.class_names or ())

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        """With the number of the real class in the place of its name."""
        wanted = self.real or next((name for name in names if name.lower() == "real"), None)
        if wanted is None and len(names) != 2:
            some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise ArgumentError(
                f"imaginet learns to tell real from synthetic, and none of the {len(names)} classes is called real "
                f"({some}). Say which one it is with --real NAME; all others are then synthetic."
            )
        number = 0 if wanted is None else number_of_class(names, wanted, "real")
        return replace(self, real=str(number))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import OriginAndFamily
        from contrapose.objectives import multi_label_terms

        if self.real is not None and not self.real.isdecimal():
            raise ArgumentError(f"real is {self.real!r}; without the names of the classes, give its number.")

        def objective(
            z: Tensor, origins: Tensor, families: Tensor, rows: Tensor | None
        ) -> tuple[Tensor, Mapping[str, Tensor]]:
            terms = multi_label_terms(
                z,
                origins,
                families,
                temperature=self.temperature,
                base_temperature=self.base_temperature,
                sub_networks_only=self.anchors == "sub-networks",
                rows=rows,
            )
            loss = terms.weighted(origin_weight=self.origin_weight, family_weight=self.family_weight)
            return loss, {"origin_term": terms.origin.detach(), "family_term": terms.family.detach()}

        return OriginAndFamily(
            encoder,
            lambda dimension: self.head(dimension, norm=False),  # as the authors' heads
            objective,
            exits=self.exits,
            real=0 if self.real is None else int(self.real),
            chunk=self.chunk,
        )
