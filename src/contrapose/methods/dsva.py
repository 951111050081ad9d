"""dSVA: a generator of perturbations that public, self-supervised encoders teach, for whatever classifier comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, register
from contrapose.methods.on_run import Attack
from contrapose.methods.with_base import WithBase

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder, Frozen
    from contrapose.encoders.perturbations import SavedPerturbation
    from contrapose.learners import Learner
    from contrapose.methods.extent import Extent, Fit
    from contrapose.training.stages import Context, Stage


@register("dsva")
@dataclass(frozen=True, kw_only=True)
class DSVA(Attack, WithBase):
    """How exposed is a classifier to somebody who has public encoders alone, and no labels?

    A network learns to change pictures within a radius so that two frozen vision transformers see something else in
    their patches: RUN, trained by contrast (its keys), and `--base`, trained by hiding patches (`mae`; its queries).
    `contrapose analyse perturbation RUN --on CLASSIFIER --data LABELLED` says what that takes from classifiers that
    were never asked, beside noise of the same size: what is lost rests on features that everybody can learn.
    `contrapose apply RUN PICTURES` writes the pictures. Without `--base` RUN is alone. To compare, take as RUN a
    transformer that was trained with labels (a run of `classifier`), the last block (`--layer`, `--facet token`), or a
    convolutional network (`--facet token`: the map at the end of a stage). The projection options have no part in it.

    What to expect: on 900 digits of 16 pixels, within 48/255, four classifiers that were not asked lost 40 points
    [18, 62] to both surrogates together, 53 [42, 64] to the contrastive one alone, 28 to the masked one, 47 to one
    that learned by labels, 24 to noise as large (`contrapose reproduce dsva`: *contrary here*): the masked encoder knew
    less of digits (a probe: 16 %) than an untrained one. Look at a probe of each first. The authors train on a million
    pictures; with a thousand, others found less than half of the effect. A small effect is no proof of safety.
    """

    about: ClassVar[About] = About(
        question="how fragile is an encoder, and is it poisoned?",
        purpose="a generator of small changes that lead unseen classifiers astray, taught by frozen encoders alone",
        paper="Wu et al., ICCV 2025, https://arxiv.org/abs/2506.21046",
    )
    needs: ClassVar[tuple[str, ...]] = ("layers",)
    kinds: ClassVar[tuple[str, ...]] = ("image",)
    kinds_note: ClassVar[str] = "for it changes their pixels"
    base_is_needed: ClassVar[bool] = False
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one: pictures as they are"
    view_defaults: ClassVar[Mapping[str, Any]] = {"recipe": "none"}

    pairing_note: ClassVar[str] = (
        "No samples are paired: each is changed until frozen encoders see something else in it."
    )

    base: str | None = None
    """A second frozen encoder, trained by hiding patches (mae): a run or an encoder's folder. Default: none."""
    radius: float = 10 / 255
    """How far a value may be changed, white being 1. 10/255: the authors' code; 16/255: the paper's comparisons.
    Pictures of 32 pixels need more."""
    facet: Literal["query", "key", "value", "token"] = "key"
    """What is read of RUN's patches: of a block's attention, or what the block gives. key: the authors', of DINO. A
    convolutional network has token alone, the map at the end of a stage."""
    layer: int | None = None
    """The block of RUN (or stage), from 0. Default: the last but one (the 11th of 12 is the authors')."""
    base_facet: Literal["query", "key", "value", "token"] = "query"
    """The same of --base. query: the authors', of MAE."""
    base_layer: int | None = None
    """The block of --base. Default: the last but one."""
    share: float = 0.5
    """Weight of RUN's similarity in the loss, that of --base has the rest. 0.5: both alike."""
    attention: Literal["none", "row", "column"] = "none"
    """Weigh patches by how much the class token looks at them (row), or they at it (column). none: the authors'
    default; encoders without a class token have no other."""
    width: int = 16
    """Channels of the generator at full size. [design] 16, for small pictures; 64 in the authors' code."""
    blocks: int = 2
    """Its residual blocks. [design] 2; 6 in the authors' code."""
    dropout: float = 0.5
    """Within them, while it learns. 0.5: the authors' code."""
    identity_steps: int = 50
    """First steps in which it learns to give the picture back: else most of what it makes lies outside the radius,
    where no gradient passes. [design] 50, and at most a tenth of all steps."""
    batch_size: int = 32
    """Pictures per process and step. 32: the authors' code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_radius(self.radius)
        self._check("share", 0 <= self.share <= 1, "in [0, 1]")
        self._check("width", self.width >= 1, "at least 1")
        for name in ("blocks", "identity_steps"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("dropout", 0 <= self.dropout < 1, "in [0, 1)")
        for name in ("facet", "base_facet"):
            self._check_choice(name, ("query", "key", "value", "token"))
        self._check_choice("attention", ("none", "row", "column"))

    def fits(self, extent: Extent) -> list[Fit]:
        from contrapose.methods.extent import Fit

        most = extent.steps // 10
        why = f"the run has {extent.steps} steps, and most of them are to attack"
        return [Fit("identity_steps", most, why)] if self.identity_steps > most else []

    def learner(self, encoder: Encoder, *, generator: torch.Generator, base: Frozen | None = None) -> Learner:
        if base is None and self.base is not None:
            base = self.frozen()
        return self.learner_beside(None if base is None else base.beside(encoder), encoder, generator=generator)

    def learner_beside(self, base: Frozen | None, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders.perturbations import PerturbationGenerator
        from contrapose.learners.feature_attack import FeatureAttack
        from contrapose.objectives import feature_similarity
        from contrapose.robustness import kept_near

        self.check_given()
        made = PerturbationGenerator(
            channels=encoder.form["channels"], width=self.width, blocks=self.blocks, dropout=self.dropout
        )

        def bound(x: Tensor, made: Tensor) -> Tensor:
            return kept_near(x, made, self.radius)

        return FeatureAttack(
            made, self._surrogates(encoder, base), feature_similarity, bound, identity_steps=self.identity_steps
        )

    def _surrogates(self, encoder: Encoder, base: Frozen | None) -> list[Any]:
        from dataclasses import replace

        from contrapose.encoders import frozen
        from contrapose.learners.feature_attack import Surrogate

        given = replace(frozen(encoder), source=str(self.init))
        how: dict[str, Any] = {"attention": self.attention}
        share = 1.0 if base is None else self.share
        first = Surrogate(given, _block(given, self.layer), self.facet, weight=share, **how)
        if base is None:
            return [first]
        return [first, Surrogate(base, _block(base, self.base_layer), self.base_facet, weight=1 - share, **how)]

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.training.perturbing import PerturbationTrainer
        from contrapose.training.stages import Stage

        learner, source = context.parts()

        def job(context: Context) -> PerturbationTrainer:
            return PerturbationTrainer(
                learner,
                source,
                self,
                context.accelerator,
                describe=dict(context.describe),
                monitor=context.monitor,
                samples=context.samples,
                made=lambda learner, facts: self._made(learner, facts, context.samples),
            )

        return [Stage("train", self.epochs * source.steps_per_epoch, job)]

    def _made(self, learner: Any, facts: dict[str, Any], samples: Any) -> SavedPerturbation:
        from contrapose.encoders.perturbations import SavedPerturbation, Victim

        frozen = [surrogate.frozen for surrogate in learner.surrogates]
        return SavedPerturbation(
            kind="generator",
            channels=samples.channels,
            image_size=samples.image_size,
            victims=[Victim(one.source, one.name, one.fingerprint) for one in frozen],
            bound={"norm": "linf", "radius": self.radius},
            tensors=learner.encoder.state_dict(),
            arguments=learner.encoder.arguments,
            preparation=samples.preparation,
            extra={**facts, "learned_from": _learned_from(samples, [one.source for one in frozen])},
        )

    def remarks(self) -> list[str]:
        alone = "" if self.base is not None else "; without --base it is alone"
        return [f"bound: no value changes by more than {255 * self.radius:.3g}/255 of white{alone}"]


def _learned_from(samples: Any, surrogates: Sequence[str]) -> dict[str, Any]:
    """Fingerprints of the pictures, and of what each surrogate learned from (None: it does not say): by these one sees
    whether a victim has seen the same."""
    from contrapose.errors import RunError
    from contrapose.training.run_folder import RunFolder

    def of(place: str) -> str | None:
        try:
            found = RunFolder(place).read_record().get("data", {}).get("fingerprint")
        except (RunError, OSError):
            return None
        return found if isinstance(found, str) else None

    return {"pictures": samples.fingerprint, "surrogates": [of(place) for place in surrogates]}


def _block(frozen: Frozen, layer: int | None) -> int:
    """The block or stage that is read: the one named, else the last but one."""
    if layer is not None:
        return layer
    from contrapose.learners.feature_attack import layers_to_read

    return max(0, len(layers_to_read(frozen.network)) - 2) if hasattr(frozen.network, "layers") else 0
