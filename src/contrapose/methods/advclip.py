"""AdvCLIP: one patch that leads two frozen towers astray on every picture, before anybody knows what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, register
from contrapose.methods.on_run import Attack, OnPairs

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.encoders.perturbations import SavedPerturbation
    from contrapose.learners import Learner
    from contrapose.training.stages import Context, Stage


@register("advclip")
@dataclass(frozen=True, kw_only=True)
class AdvCLIP(Attack, OnPairs):
    """How much of what two towers can do is gone when one small patch is pasted on every picture?

    A network makes a patch of 3 % of the area, and a second one looks for it; the first is asked to move pictures away
    from themselves and from their words, and to tear neighbourhoods of samples. Labels and uses of the towers play no
    part. A share of the pairs is kept out; on these the run measures the towers without a patch, with a grey one, with
    noise, and with the one that was found (`attack.json`, and at the end of the run), and how far noise on the
    pictures, blur, fewer levels or pruning undo it. `contrapose apply RUN PICTURES` pastes it.

    What to expect: on made scenes of 24 pixels (three victims, 800 pairs, 4 x 4 pixels where no digit is) a linear
    probe took 65 % of the digits for others [57, 72] (noise: 24 %, grey: 12 %), and of the pictures that found their
    words 71 % no longer did (noise: 24 %); of digits and colours together 41 % [25, 56] were fooled, noise 12 %, where
    20 points and three times as much were asked (`contrapose reproduce advclip`: *not resolved here*). Blur and pruning
    undid little of a patch that knew of none, `contrapose repair patch-training` nearly all, of a new one too. Without
    the topology the patch was as good. Where the patch hides what pictures show, a grey one does the same: look at that
    row first. A small effect is no proof of safety.
    """

    about: ClassVar[About] = About(
        question="how fragile is an encoder, and is it poisoned?",
        purpose="one patch for all pictures that leads two towers astray, whatever they are used for",
        paper="Zhou et al., ACM MM 2023, https://arxiv.org/abs/2308.07026",
    )
    kinds_note: ClassVar[str] = "for it moves pictures away from their words"
    pairing_note: ClassVar[str] = (
        "each picture is moved away from itself without the patch and from its words, among those of the batch"
    )

    area: float = 0.03
    """Share of a picture that the patch takes. 0.03: the authors'."""
    margin: int | None = None
    """Pixels between the patch and the lower and right border. Default: 14 in 224, the authors'."""
    push: float = 10.0
    """Weight of moving pictures away from themselves and their words (alpha). 10: the authors' code."""
    topology: float = 1.0
    """Weight of tearing neighbourhoods (delta). 1: the authors' code; 0 leaves it out."""
    push_across: float = 5.0
    """What the words weigh in the push, pictures having 1 (beta). 5: the authors' code."""
    topology_across: float = 5.0
    """What the words weigh in the topology, pictures having 1 (gamma). 5: the authors' code."""
    temperature: float = 0.1
    """Of the push. 0.1: the authors' code."""
    codes: int = 16
    """Codes, drawn once, that the patch is made of. 16: the authors'."""
    width: int = 32
    """Channels of both networks next to the picture. [design] 32, for small pictures; 128 in the authors' code."""
    defence: Literal["none", "noise", "blur", "levels", "pruning"] = "none"
    """Learn the patch against towers behind a defence: an adaptive attacker. none: the towers as they are."""
    prune: float = 0.3
    """Share of the picture tower's weights that pruning takes away, the smallest ones. [design] 0.3."""
    epochs: int = 20
    """20: the authors' code."""
    batch_size: int = 16
    """Pairs per process and step. 16: the authors' code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("area", 0 < self.area < 1, "between 0 and 1")
        for name in ("margin", "push", "topology", "push_across", "topology_across"):
            self._check(name, getattr(self, name) is None or getattr(self, name) >= 0, "0 or more")
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("codes", self.codes >= 2, "at least 2")
        self._check("width", self.width >= 1, "at least 1")
        self._check("prune", 0 < self.prune < 1, "between 0 and 1")
        self._check_choice("defence", ("none", "noise", "blur", "levels", "pruning"))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from dataclasses import replace
        from functools import partial
        from typing import cast

        from contrapose.encoders import frozen
        from contrapose.encoders.pairs import Towers
        from contrapose.encoders.perturbations import PatchDiscriminator, PatchGenerator
        from contrapose.learners import PatchGame, PatchTerms
        from contrapose.methods.patching.defences import PRUNING, pruned_towers, to_learn_against
        from contrapose.objectives import pushed_apart, topology_deviation
        from contrapose.robustness import patch_mask

        self.check_given()
        image = cast("Towers", encoder).image
        mask = patch_mask(image.image_size, image.image_size, area=self.area, margin=self.margin)  # (1, H, W)
        side = int(mask.amax(dim=1).sum())
        maker = PatchGenerator(
            channels=image.channels, side=side, width=self.width, codes=self.codes, generator=generator
        )
        judge = PatchDiscriminator(channels=image.channels, image_size=image.image_size, width=self.width)
        terms = PatchTerms(
            partial(pushed_apart, across=self.push_across, temperature=self.temperature),
            partial(topology_deviation, across=self.topology_across),
            push_weight=self.push,
            topology_weight=self.topology,
        )
        given = replace(frozen(encoder), source=str(self.init))
        victim = given
        if self.defence == PRUNING:
            victim = replace(given, network=pruned_towers(given.network, self.prune))
        return PatchGame(maker, judge, victim, mask, terms, given=given, before=to_learn_against(self.defence))

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.methods.patching.trainer import PatchTrainer, kept_out
        from contrapose.training.stages import Stage

        known, test = kept_out(context.samples, self.holdout, context.generator("holdout"))
        learner, source = context.parts(samples=known)

        def job(context: Context) -> PatchTrainer:
            return PatchTrainer(
                learner,
                source,
                self,
                context.accelerator,
                describe=dict(context.describe),
                monitor=context.monitor,
                pairs=(known, test),
                defence=self.defence,
                prune=self.prune,
                made=lambda learner, facts: self._made(learner, facts, known.pictures),
            )

        return [Stage("train", self.epochs * source.steps_per_epoch, job)]

    def _made(self, learner: Any, facts: dict[str, Any], pictures: Any) -> SavedPerturbation:
        from contrapose.encoders.perturbations import SavedPerturbation, Victim

        victim = learner.victim
        return SavedPerturbation(
            kind="patch",
            channels=pictures.channels,
            image_size=pictures.image_size,
            victims=[Victim(victim.source, victim.name, victim.fingerprint)],
            bound={"area": float(learner.mask.mean()), "defence": self.defence},
            tensors={"patch": learner.canvas().detach().float(), "mask": learner.mask},
            preparation=pictures.preparation,
            extra=facts,
        )

    def remarks(self) -> list[str]:
        defended = "" if self.defence == "none" else f", learned against the towers behind {self.defence}"
        return [f"bound: at most {100 * self.area:.3g} % of the picture{defended}"]
