"""C-PGC: one small change of all pictures and one word for all texts, which part pairs before two frozen towers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.methods.method import About, register
from contrapose.methods.on_run import Attack, OnPairs

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.encoders.perturbations import SavedPerturbation
    from contrapose.learners import Learner
    from contrapose.methods.pairing_attack.trainer import PairTrainer
    from contrapose.training.stages import Context, Stage


@register("cpgc")
@dataclass(frozen=True, kw_only=True)
class CPGC(Attack, OnPairs):
    """How many pictures do two towers no longer find by their words once all carry one change that nobody sees?

    Two networks learn, against frozen towers, one delta within a radius for all pictures and one word for all captions;
    each is asked to part pairs, to pull samples to the farthest of another batch, and to move embeddings. Labels play
    no part. A share of the pairs is kept out; on these the run measures which right answers are gone with the delta,
    the word and both, beside noise of the same radius and random words (`attack.json`, and at the end of the run), for
    the towers and for those of `--others`, which nothing is learned on. `contrapose apply RUN PICTURES` adds the delta.
    The text tower must be one of words' vectors: bag_of_words, transformer, word_conv.

    What to expect: on made scenes (three victims, 24/255, 236 steps) the delta alone took 36 % [12, 59] of the right
    answers at rank 1 of the towers attacked (noise as large: 16 %) and 73 % of two others' (noise: 59 %). Its parts
    were worth nothing measurable: without contrast, with random positives or without condition it took as much
    (`contrapose reproduce cpgc`: *contrary here*). A word took nine in ten, and a random one did, too, for captions
    there are short: look at that row first. After a hundred steps nine in ten values lie at the bound, where nothing
    more is learned. A small effect is no proof of safety.
    """

    about: ClassVar[About] = About(
        question="how fragile is an encoder, and is it poisoned?",
        purpose="one small change of all pictures and one word for all texts that part pairs before two towers",
        paper="Fang et al., ICCV 2025, https://arxiv.org/abs/2406.05491",
    )
    kinds_note: ClassVar[str] = "for it parts pictures from their words"
    view_note: ClassVar[str] = "one: pairs as they are; it makes its own of them, at several scales"
    pairing_note: ClassVar[str] = (
        "each picture is moved away from its words and towards those of a picture of a second batch; each text alike"
    )

    others: tuple[str, ...] = ()
    """Towers that the result is measured on besides, and that nothing is learned on: runs or encoders' folders."""
    radius: float = 12 / 255
    """How far a value may be changed, white being 1. 12/255: the authors'. Pictures of 16 or 24 pixels need more."""
    contrast: float = 1.0
    """Weight of parting pairs. 1: the authors'; 0 leaves it out."""
    shift: float = 0.1
    """Weight of moving embeddings (lambda). 0.1: the authors' code; 0 leaves it out."""
    temperature: float = 0.1
    """Of parting pairs. 0.1: the authors' code."""
    positives: Literal["farthest", "random"] = "farthest"
    """What samples are pulled to: the farthest of the second batch, or any."""
    condition: Literal["batch", "none"] = "batch"
    """What the networks are told: what the batch means on the other side (batch), or nothing, as in GAP (none)."""
    scales: tuple[float, ...] = (1.0, 0.5, 0.75, 1.25, 1.5)
    """At what sizes pictures are looked at; the first is 1. Five: the authors'."""
    captions: int = 2
    """Captions of each picture that are looked at in a step. [design] 2; the authors' data have 5."""
    width: int = 16
    """Channels of both networks next to the end. [design] 16, for small pictures; 32 in the authors' code."""
    epochs: int = 40
    """40: the authors' code."""
    batch_size: int = 16
    """Pairs per process and step; of the second batch as many. [design] 16; 4 in the authors' code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_views(1, 1, usual=1)
        self._check_radius(self.radius)
        for name in ("contrast", "shift"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("contrast", self.contrast + self.shift > 0, "above 0 where shift is 0: nothing else is asked for")
        self._check("temperature", self.temperature > 0, "above 0")
        self._check_choice("positives", ("farthest", "random"))
        self._check_choice("condition", ("batch", "none"))
        good = bool(self.scales) and self.scales[0] == 1 and min(self.scales) > 0
        self._check("scales", good, "numbers above 0, of which the first is 1")
        for name in ("captions", "width"):
            self._check(name, getattr(self, name) >= 1, "at least 1")

    def views_seen(self) -> int:
        return max(len(self.scales), self.captions)

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """Pictures under noise at several scales, with captions in turn."""
        return self._views(encoder, radius=self.radius, scales=self.scales)

    def _views(self, encoder: Encoder, **how: Any) -> MakeViews:
        from contrapose.views.pairs.at_scales import PairsAtScales

        return PairsAtScales(cast("Any", encoder).text.prepare, captions=self.captions, **how)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from dataclasses import replace
        from functools import partial

        from contrapose.distributed import world_size
        from contrapose.encoders import frozen
        from contrapose.encoders.perturbations import DeltaGenerator, ReplacedWord, WordGenerator
        from contrapose.learners import PairAttack, PairTerms
        from contrapose.objectives import squared_shift, to_farthest

        self.check_given()
        given = replace(frozen(encoder), source=str(self.init))
        towers: Any = given.network
        words = ReplacedWord(towers)
        rows = self.batch_size * world_size()
        how: dict[str, Any] = {
            "codes": len(self.scales) * rows,
            "context": towers.dimension if self.condition == "batch" else 0,
            "width": self.width,
            "generator": generator,
        }
        image = towers.image
        delta = DeltaGenerator(channels=image.channels, image_size=image.image_size, **how)
        terms = PairTerms(
            partial(to_farthest, temperature=self.temperature),
            self._choose(),
            squared_shift,
            contrast_weight=self.contrast,
            shift_weight=self.shift,
        )
        word = WordGenerator(dimension=words.table.shape[1], **how)
        size: dict[str, Any] = {"scales": len(self.scales), "rows": rows, "captions": self.captions}
        return PairAttack(delta, word, given, words, terms, radius=self.radius, **size)

    def _choose(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        from contrapose.objectives import farthest_owners

        return farthest_owners if self.positives == "farthest" else _at_the_same_place

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.data import derived_seed
        from contrapose.data.source import Beside
        from contrapose.encoders import frozen
        from contrapose.learners.pair_attack import TARGETS
        from contrapose.methods.pairing_attack.trainer import PairTrainer
        from contrapose.methods.patching.trainer import kept_out
        from contrapose.training.stages import Stage

        known, test = kept_out(context.samples, self.holdout, context.generator("holdout"))
        others = {one: frozen(one) for one in self.others}
        for one in others.values():
            one.check_kind(self.modality)
        learner, main = context.parts(samples=known)
        towers = cast("Any", learner).victim.network
        second = self._views(towers, radius=0.0, scales=(1.0,))
        seed = derived_seed(self.seed, TARGETS)
        source = Beside(main, {TARGETS: context.source(second, samples=known, turns=1, seed=seed)})

        def job(context: Context) -> PairTrainer:
            return PairTrainer(
                learner,
                source,
                self,
                context.accelerator,
                describe=dict(context.describe),
                monitor=context.monitor,
                test=test,
                others=others,
                made=lambda learner, facts: self._made(learner, facts, known.pictures),
            )

        return [Stage("train", self.epochs * source.steps_per_epoch, job)]

    def _made(self, learner: Any, facts: dict[str, Any], pictures: Any) -> SavedPerturbation:
        from contrapose.encoders.perturbations import SavedPerturbation, Victim

        victim, vector = learner.victim, learner.vector().detach().float()
        return SavedPerturbation(
            kind="pair",
            channels=pictures.channels,
            image_size=pictures.image_size,
            victims=[Victim(victim.source, victim.name, victim.fingerprint)],
            bound={"norm": "linf", "radius": self.radius, "words": 1},
            tensors={"delta": learner.canvas().detach().float(), "word": vector},
            arguments={"word": learner.words.nearest(vector)},
            preparation=pictures.preparation,
            extra=facts,
        )

    def remarks(self) -> list[str]:
        return [f"bound: no value changes by more than {255 * self.radius:.3g}/255 of white, and one word a text"]


def _at_the_same_place(anchors: Tensor, others: Tensor, owners: Tensor) -> Tensor:
    """Any of a second batch that was drawn independently: the one that happens to stand at an anchor's place."""
    import torch

    return torch.arange(len(anchors), device=anchors.device) % (int(owners.max()) + 1)  # (B,)
