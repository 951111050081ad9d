"""SepCLR: common and salient patterns of a background and a target set, in two encoders."""

from __future__ import annotations

from collections.abc import Container, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from contrapose.errors import ArgumentError
from contrapose.methods.method import About, Method, register
from contrapose.methods.named_class import number_of_class
from contrapose.methods.second_encoder import second_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner

_NARROW = ("small_conv", "tiny_conv")
"""Encoders whose output can be made as narrow as the spaces are."""


@register("sepclr")
@dataclass(frozen=True, kw_only=True)
class SepCLR(Method):
    """Two representations by one bit: what targets and background vary in alike, and what only the targets have.

    Label the data with two classes, background (healthy) and target (patients). The run's `encoder/` is the common
    representation, `salient/` the other one: `contrapose evaluate RUN/salient --data LABELLED`. Probe both on targets
    alone, for what each should know and for what it should not. `small_conv` and `tiny_conv` are built with outputs as
    narrow as the spaces; of other encoders the features are wider, and may know more than the loss asks for.

    A batch in which one of the two sets is missing is learned from as far as the other set goes.

    What to expect: on 1,280 pictures of one or two digits laid over each other, batch 256, 40 epochs and five seeds
    (`contrapose reproduce sepclr`: *contrary here*), nothing is separated: each space knows the other's digit as well
    as its own or better, as two halves of one plain encoder do, and knows less of both. Look at what each space knows
    before you use it.
    """

    about: ClassVar[About] = About(
        question="what do two sets share, and what has only one?",
        purpose="a background and a target set (healthy, patients): one encoder for what both vary in, one for what "
        "only the targets have",
        paper="Louiset et al., ICLR 2024, https://arxiv.org/abs/2402.11928",
        needs_targets=("label",),
    )

    target: str | None = None
    """The class of the targets, by name or number; all others are background. Default: the second of two, by name."""
    projection_hidden: int = 128
    """Hidden units of both projection heads. 128: the authors'."""
    projection_dimension: int = 32
    """Dimensions of the common space. 32: the authors' (CIFAR-MNIST and medical sets; 16 on CelebA)."""
    salient_dimension: int = 32
    """Dimensions of the salient space. 32: the authors'; 16 on CelebA, 5 for five attributes."""
    temperature: float = 0.5
    """Squared distances are divided by twice this. 0.5: the authors'."""
    uniformity_weight: float = 2.0
    """Weight of spreading samples, beside that of making views alike. 2: the authors'."""
    salient_weight: float = 1000.0
    """Weight of the salient space's own term. 1000: the authors' for composed and natural pictures; 1 for medical
    ones."""
    null_weight: float = 1000.0
    """Weight of holding the background at 0 in the salient space. 1000: the authors' for composed and natural pictures;
    10 and 100 for medical ones."""
    independence_weight: float = 10.0
    """Weight of the joint entropy, which makes the two spaces independent. 10: the authors'."""
    null_zeroed: bool = True
    """Let targets be spread about a background that stands at 0. Off (with --null-weight 0): the salient space spreads
    every sample, as the common one does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("salient_dimension", "temperature"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("uniformity_weight", "salient_weight", "null_weight", "independence_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check_views(2, 2)

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        return {"embedding": self.projection_dimension} if self.encoder in _NARROW else {}

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        """With the number of the target class in the place of its name."""
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        if self.target is None:
            if len(names) == 2:
                return self
            raise ArgumentError(
                f"sepclr learns from two classes, background and target, and the data has {len(names)} ({some}). Say "
                "which one is the target with --target NAME; all others are then background."
            )
        return replace(self, target=str(number_of_class(names, self.target, "target")))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders import ProjectionHead
        from contrapose.learners import CommonSalient
        from contrapose.objectives import separation_terms

        if self.target is not None and not self.target.isdecimal():
            raise ArgumentError(f"target is {self.target!r}; without the names of the classes, give its number.")

        def objective(common: Tensor, salient: Tensor, target: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
            terms = separation_terms(
                common,
                salient,
                target,
                temperature=self.temperature,
                uniformity_weight=self.uniformity_weight,
                null_zeroed=self.null_zeroed,
                missing="skip",
            )
            loss = terms.weighted(
                salient_weight=self.salient_weight,
                null_weight=self.null_weight,
                independence_weight=self.independence_weight,
            )
            return loss, {f"{name}_term": value.detach() for name, value in vars(terms).items()}

        if self.init is None:
            narrow = {"embedding": self.salient_dimension} if encoder.name in _NARROW else {}
            salient = second_encoder(encoder, generator, **narrow)
        else:  # both begin with the weights that were asked for
            salient = deepcopy(encoder)
        return CommonSalient(
            encoder,
            self.head(encoder.dimension),
            objective,
            salient=salient,
            salient_head=ProjectionHead(
                salient.dimension,
                hidden_dimension=self.projection_hidden,
                output_dimension=self.salient_dimension,
                layers=self.projection_layers,
            ),
            target=1 if self.target is None else int(self.target),
        )
