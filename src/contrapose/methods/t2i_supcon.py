"""Text to image with labels: supervised contrast while two towers are learned, and while a painter is."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from contrapose.methods.clip import OfPairs
from contrapose.methods.method import About, register
from contrapose.words import counted

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.training.stages import Context, Stage


@register("t2i-supcon")
@dataclass(frozen=True, kw_only=True)
class T2ISupCon(OfPairs):
    """Draws pictures for captions, and uses class labels twice to draw them better.

    In two stages. `represent` trains two towers: pictures match their captions, and pictures and captions of one class
    lie together (`--across`, `--within`). `paint` freezes them, and trains a small painter against a critic of pictures
    beside captions (hinge loss); what is drawn is to match its caption in the eyes of the frozen towers, and to lie
    with the captions and drawn pictures of its class (`--across-drawn`, `--within-drawn`). Each step sees a batch and
    as many partners of the same classes. `--contrast none|first|second|both` says where labels pull; `--guidance
    cross_entropy` has a class head besides.

    The run leaves `encoder/`, the two towers, for `search`, `evaluate --prompts` and the like, and `generator/`:
    `contrapose apply RUN CAPTIONS.txt`, or `--texts "a red three" "a green one"`, draws pictures. A share of the pairs
    is kept out (`--kept-out`); at its end the run draws for their captions and says, in `drawing.json` too, how far the
    drawn ones lie from real ones (Frechet distance), how many are of the class of their caption, and how much those of
    a class differ, all by a classifier that is trained for that alone.

    The paper's body could not be read: the equations here are a reconstruction from its abstract, from supervised
    contrast and from conditional GANs, and so are all weights. It wraps GANs of some hundred pixels; here painter and
    critic are small ones of the house's own, without word-level losses.

    What to expect: no gain, in what was measured. On captioned digits (1,300 pairs of 16 pixels, 240 steps in each
    stage) all drawn pictures were of the class of their caption with or without pull by labels; with it in both stages
    they lay further from real ones (Frechet distance 4.3 against 2.3) and differed less within a class (0.57 against
    0.90 times as much as real ones; `contrapose reproduce t2i-supcon`: *contrary here*). So compare with `--contrast
    none`, and look at the pictures of the report: a class that becomes one picture is no gain. Pictures must be small,
    alike and many.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="draws small pictures for captions: labels pull in the towers and while a painter learns",
        paper="Liu et al., 2024, https://arxiv.org/abs/2412.03957 (a reconstruction: its equations could not be read)",
        needs_targets=("label",),
    )
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one of each pair, and one of its partner: whole pictures, for crops would be drawn too"
    view_defaults: ClassVar[Mapping[str, Any]] = {"weak_crop_min": 1.0}
    pairing_note: ClassVar[str] = (
        "each picture with its own caption; with labels, pictures and captions of a class are each other's too"
    )

    contrast: Literal["none", "first", "second", "both"] = "both"
    """In which stages labels pull: while the towers are learned, while the painter is, or both. none: only matching."""
    guidance: Literal["none", "cross_entropy"] = "none"
    """cross_entropy: a class head on the picture tower besides, learned in the first stage, and asked of what is drawn
    in the second: the usual use of labels, to compare with."""
    temperature: float = 0.1
    """Sharpness of the supervised contrast. [design] 0.1."""
    across: float = 1.0
    """lambda_1: weight, in the first stage, of pulling captions and pictures of a class together. [design] 1."""
    within: float = 0.5
    """lambda_2: of pulling pictures of a class together, and captions. [design] 0.5."""
    across_drawn: float = 1.0
    """mu_1: weight, in the second stage, of pulling drawn pictures to captions of their class. [design] 1."""
    within_drawn: float = 0.2
    """mu_2: of pulling drawn pictures of a class together. [design] 0.2: more of it makes them one."""
    match_drawn: float = 1.0
    """Weight of matching drawn pictures with their own captions. [design] 1."""
    class_weight: float = 1.0
    """Weight of the class head, with --guidance cross_entropy. [design] 1."""
    real_anchors: bool = False
    """Real pictures stand beside the drawn ones that are pulled together, so that a class is pulled to what is real of
    it. [design]"""
    classes: int = 10
    """K, how many classes the labels name. Default: as many as the data have."""
    demand_partners: bool = False
    """Refuse data in which a class has one picture with one caption. Off: these are counted, and said."""
    represent_epochs: int = 20
    """Passes over the data of the first stage. [design] 20."""
    epochs: int = 50
    """Passes over the data of the second stage. [design] 50."""
    batch_size: int = 48
    """Pairs per process and step; each step sees as many partners besides. 48 [design], AttnGAN's as remembered."""
    painter_rate: float = 1e-3
    """Learning rate of the painter (Adam, betas 0 and 0.9), constant. [design] 1e-3 for small pictures."""
    critic_rate: float = 1.0
    """Learning rate of the critic, as a multiple of the painter's. [design] 1."""
    painter_width: int = 32
    """Channels of the painter at full size, and of the critic's first map. [design] 32."""
    noise: int = 32
    """Dimensions of the noise that a picture is drawn from. [design] 32."""
    decay: float = 0.99
    """Inertia of a moving average of the painter, which is what is left; 0: the painter as it is. [design] 0.99, of
    some thousand steps."""
    kept_out: float = 0.1
    """Share of the pairs that nothing is learned from, for whose captions pictures are drawn and measured. [design] a
    tenth; 0: nothing is measured."""
    judge_epochs: int = 20
    """Passes of the classifier that drawn pictures are measured by, over the pictures that were learned from. [design]
    20."""
    projection_layers: int = 1
    """Linear maps of the heads into the common space. 1, and no other number."""
    projection_dimension: int = 64
    """D of the common space. [design] 64; 256 in AttnGAN."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("contrast", ("none", "first", "second", "both"))
        self._check_choice("guidance", ("none", "cross_entropy"))
        for name in ("temperature", "painter_rate", "critic_rate"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("across", "within", "across_drawn", "within_drawn", "match_drawn", "class_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("represent_epochs", "painter_width", "noise", "judge_epochs"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("classes", self.classes >= 2, "at least 2: of one class labels say nothing")
        self._check("decay", 0 <= self.decay < 1, "in [0, 1)")
        self._check("kept_out", 0 <= self.kept_out <= 0.5, "a share from 0 to 0.5")
        self._check("projection_layers", self.projection_layers == 1, "1: the heads are linear")

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        return self if "classes" in given or len(names) < 2 else replace(self, classes=len(names))

    def remarks(self) -> list[str]:
        pull = {"none": "nowhere", "first": "in the towers", "second": "in the painter", "both": "in both stages"}
        head = "; a class head in both" if self.guidance == "cross_entropy" else ""
        painted = counted(self.epochs, "epoch")
        return [
            f"labels pull {pull[self.contrast]}{head}",
            f"towers: {counted(self.represent_epochs, 'epoch')}, then the painter: {painted}",
        ]

    def pulls(self, stage: Literal["first", "second"]) -> bool:
        """Whether labels pull in that stage."""
        return self.contrast in (stage, "both")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners.guided import GuidedTowers, GuidedWeights
        from contrapose.methods.t2i_supcon_stages import guide_of

        pull = self.pulls("first")
        weights = GuidedWeights(
            across=self.across if pull else 0.0,
            within=self.within if pull else 0.0,
            classes=self.class_weight if self.guidance == "cross_entropy" else 0.0,
        )
        return GuidedTowers(encoder, guide_of(self), classes=self.classes, weights=weights)

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.methods.t2i_supcon_stages import Parts, paint_stage, represent_stage

        self._check_views(1, 1, usual=1)
        parts = Parts.of(self, context)
        return [represent_stage(self, context, parts), paint_stage(self, context, parts)]
