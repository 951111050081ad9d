"""The two stages of `t2i-supcon`: towers that labels guide, and a painter that draws for their texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from contrapose.data import PlainSource
    from contrapose.data.partners import WithPartners
    from contrapose.training.job import Job
    from contrapose.training.stages import Context, Stage

REPRESENT, PAINT = "represent", "paint"


@dataclass(frozen=True)
class Parts:
    """Pairs to learn from, and those that were kept out; None: none were.

    Arguments:
        said: what a person should know of them.
    """

    learned: Any
    kept: Any
    said: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Any, context: Context) -> Parts:
        """Cut the run's data class by class, always alike for one seed.

        Errors:
            DataError: pairs without a class, too few of them, or, where partners are demanded, a class of one picture
                with one caption.
        """
        from contrapose.data import split
        from contrapose.data.partners import PartnerTable

        pairs = context.samples
        PartnerTable(pairs)  # all have a class
        known = int(pairs.labels.max()) + 1
        if known > config.classes:
            raise ArgumentError(f"The labels name {known} classes, and classes is {config.classes}: leave it out.")
        learned, kept = pairs, None
        if config.kept_out:
            try:
                parts = split(pairs.labels, test_share=config.kept_out, seed=config.seed)
            except ArgumentError:
                parts = None
            if parts is None or len(parts.test) < 2:
                raise DataError(
                    f"{pairs.origin} has {counted(len(pairs), 'pair')}, too few to keep some out to measure on: give "
                    "more, or measure nothing with --kept-out 0."
                )
            learned, kept = pairs.subset(parts.train), pairs.subset(parts.test)
        return cls(learned, kept, _said_of_lone(config, learned, PartnerTable(learned).alone))


def _said_of_lone(config: Any, learned: Any, alone: Any) -> tuple[str, ...]:
    """A sentence on classes of one picture.

    Errors:
        DataError: partners are demanded, and one has one caption alone.
    """
    if not len(alone):
        return ()
    single = alone[learned.captions.lengths[alone] == 1]
    if config.demand_partners and len(single):
        number = int(learned.labels[single[0]])
        names = learned.class_names
        raise DataError(
            f"The class {names[number] if names else number!r} of {learned.origin} has one picture with one caption, "
            "and every pair needs a partner of its class: give another, or leave --demand-partners out."
        )
    return (
        f"classes with one picture to learn from, which is its own partner: {len(alone)}, {len(single)} of them with "
        "one caption; labels add nothing there",
    )


def guide_of(config: Any) -> Any:
    """The objectives of both stages."""
    from types import SimpleNamespace

    from contrapose.objectives import clip, contrast_across, contrast_within, hinge_loss, maker_loss

    t = config.temperature

    def within(rows_of: Tensor, labels: Tensor, things: Tensor, rows: Tensor | None) -> Tensor:
        return contrast_within(rows_of, labels, things, temperature=t, rows=rows)

    return SimpleNamespace(
        match=lambda v, w, temperature, rows: clip(v, w, temperature=temperature, rows=rows),
        across=lambda u, z, labels, rows: contrast_across(u, z, labels, temperature=t, rows=rows),
        within=within,
        critic=hinge_loss,
        maker=maker_loss,
    )


def represent_stage(config: Any, context: Context, parts: Parts) -> Stage:
    """The towers."""
    from contrapose.training.stages import Stage

    def job(context: Context) -> Job:
        config = replace(context.config, epochs=context.config.represent_epochs)
        context = replace(context, config=config, samples=parts.learned)
        for said in parts.said:
            context.monitor.say(f"note: {said}")
        learner, plain = context.parts()
        return context.trainer(learner, with_partners(plain))

    return Stage(REPRESENT, config.represent_epochs * context_steps(context, parts), job)


def paint_stage(config: Any, context: Context, parts: Parts) -> Stage:
    """The painter, in front of the towers of the first stage."""
    from contrapose.training.stages import Stage

    def job(context: Context) -> Job:
        from contrapose.methods.painting.trainer import PainterTrainer

        config: Any = context.config
        context = replace(context, samples=parts.learned)
        learner, plain = game_of(context)
        alone = replace(
            config,
            learning_rate=config.painter_rate,
            optimizer="adamw",
            schedule="constant",
            warmup_share=0.0,
            sam_radius=0.0,
            micro_batch=None,
            precision="float32",
        )
        return PainterTrainer(
            learner,
            with_partners(plain),
            alone,
            context.accelerator,
            describe=dict(context.describe),
            monitor=context.monitor,
            learned=parts.learned,
            kept=parts.kept,
            classes=config.classes,
            judge_epochs=config.judge_epochs,
        )

    return Stage(PAINT, config.epochs * context_steps(context, parts), job)


def context_steps(context: Context, parts: Parts) -> int:
    """Steps of an epoch of what is learned from."""
    return context.steps(samples=parts.learned) // context.config.epochs


def game_of(context: Context) -> tuple[Any, PlainSource]:
    """Painter and critic with first weights, before the frozen towers of the first stage; and its batches."""
    import torch

    from contrapose.encoders import load_encoder
    from contrapose.encoders.images.painter import Painter
    from contrapose.encoders.images.projection_critic import ProjectionCritic
    from contrapose.learners.guided import PaintingGame, PaintingWeights

    config: Any = context.config
    folder = context.artifacts[REPRESENT]
    towers: Any = load_encoder(folder / "encoder")
    assert context.assemble is not None
    _, views = context.assemble(config, context.samples, initial=towers)
    generator, pull = context.generator("painter"), config.pulls("second")
    headed = config.guidance == "cross_entropy"
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(generator.initial_seed())
        size = {"channels": towers.image.channels, "image_size": towers.image.image_size}
        painter = Painter(
            **size,
            text_dimension=towers.dimension,
            noise=config.noise,
            width=config.painter_width,
            preparation=towers.image.preparation,
        )
        critic = ProjectionCritic(**size, text_dimension=towers.dimension, width=config.painter_width)
    weights = PaintingWeights(
        match=config.match_drawn,
        across=config.across_drawn if pull else 0.0,
        within=config.within_drawn if pull else 0.0,
        classes=config.class_weight if headed else 0.0,
    )
    learner = PaintingGame(
        towers,
        painter,
        critic,
        guide_of(config),
        weights=weights,
        head=class_head(folder) if headed and config.class_weight else None,
        real_anchors=config.real_anchors,
        decay=config.decay,
        critic_rate=config.critic_rate,
        generator=generator,
    )
    learner.see_targets(context.samples.targets)
    return learner, context.source(views)


def class_head(folder: Any) -> nn.Linear:
    """The class head that the first stage left."""
    from torch import nn

    from contrapose.encoders.artifact import read_tensors
    from contrapose.learners.guided.towers import HEAD

    state = read_tensors(folder / f"{HEAD}.safetensors")
    classes, dimension = state["weight"].shape
    head = nn.Linear(dimension, classes)
    head.load_state_dict(state)
    return head


def with_partners(plain: PlainSource) -> WithPartners:
    """The same batches, with partners of the same classes beside them."""
    from contrapose.data.partners import WithPartners

    return WithPartners(plain, divided)


def divided(raw: Any, partners: Any, alone: Tensor) -> tuple[Any, Any]:
    """Pairs and partners; a pair that is its own partner shows every second caption in each, where it has several."""
    if not bool(alone.any()):
        return raw, partners
    halves = []
    for first, side in enumerate((raw, partners)):
        captions = tuple(
            some[first::2] if its_own and len(some) > 1 else some
            for some, its_own in zip(side.captions, alone.tolist(), strict=True)
        )
        halves.append(replace(side, captions=captions))
    return halves[0], halves[1]
