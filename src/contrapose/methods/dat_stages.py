"""The two stages of `dat`: what they learn from, and the jobs that train them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from contrapose.errors import DataError
from contrapose.methods.fit_to_data import class_names
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Images, Samples, Source
    from contrapose.encoders.heads import Question
    from contrapose.learners import DualAdversarial
    from contrapose.learners.dual_training import AttackedClassifier
    from contrapose.training.averaged import AveragedTrainer
    from contrapose.training.stages import Context, Stage

ROBUST, JOINT = "robust", "joint"
CALM = ("erase", "colour", "grey", "blur", "solarize", "thickness")
"""What views of the density do without: what is pasted over pictures would be drawn by ascents too."""

SHOWN_RADII = 4.0
"""Radius of the report's counterfactuals, in radii of attacks. [design] an attack's own is too small to be seen."""


def robust_stage(context: Context, *, epochs: int) -> Stage:
    """Adversarial training."""
    from contrapose.training.stages import Stage

    def job(context: Context) -> AveragedTrainer:
        from contrapose.training.averaged import AveragedTrainer

        config: Any = context.config
        config = replace(config, epochs=epochs, learning_rate=config.robust_rate, schedule="cosine")
        context = _labelled(replace(context, config=config))
        learner, source = context.parts()
        return AveragedTrainer(
            cast("AttackedClassifier", learner),
            source,
            config,
            context.accelerator,
            describe=dict(context.describe),
            monitor=context.monitor,
            question=_question(config, context.samples),
        )

    given = _labelled(context)
    return Stage(ROBUST, given.steps() // context.config.epochs * epochs, job)


def joint_stage(context: Context) -> Stage:
    """Classification and density, from the weights of the first stage where there was one.

    Errors:
        DataError: fewer seeds than a batch.
    """
    from contrapose.training.stages import Stage

    def job(context: Context) -> AveragedTrainer:
        from contrapose.training.ascents import Ascents
        from contrapose.training.averaged import AveragedTrainer

        context = _labelled(context)
        config, begun = context.config, seeds_of(context)
        learner, source = _joint_parts(context, begun)
        question = _question(config, context.samples)
        return AveragedTrainer(
            learner,
            source,
            config,
            context.accelerator,
            describe=dict(context.describe),
            monitor=context.monitor,
            question=question,
            draw=Ascents(
                begun,
                context.samples,
                question.classes,
                length=config.ascent_step,
                radius=SHOWN_RADII * config.attack_radius,
            ),
        )

    given = _labelled(context)
    block, seeds = context.config.batch_size * context.accelerator.num_processes, context.others.get("seeds")
    if seeds is not None and len(seeds) < block:
        raise DataError(
            f"{seeds.origin} holds {counted(len(seeds), 'seed')}, and a step begins {block} ascents: give more with "
            f"--seeds-data, or take a --batch-size of {len(seeds) // context.accelerator.num_processes} or less."
        )
    return Stage(JOINT, given.steps(), job)


def seeds_of(context: Context) -> Images:
    """Where ascents begin, as large as the data's pictures and of as many channels."""
    from contrapose.data import in_form_of, patch_shuffled
    from contrapose.data.images.made import fields
    from contrapose.data.images.seeds import MOST

    config, images = context.config, cast("Images", context.samples)
    if "seeds" in context.others:
        return in_form_of(cast("Images", context.others["seeds"]), images)
    if config.seeds == "shuffled":
        return patch_shuffled(images, seed=config.seed)
    count = min(MOST, max(len(images), config.batch_size * context.accelerator.num_processes))
    return fields(count, channels=images.channels, image_size=images.image_size, seed=config.seed)


def _joint_parts(context: Context, begun: Images) -> tuple[DualAdversarial, Source]:
    """The learner of the second stage, and the three batches of its steps."""
    from contrapose.data import Beside, derived_seed
    from contrapose.encoders import Encoder, load_encoder
    from contrapose.encoders.classifier_folder import FOLDER, load_heads
    from contrapose.learners import Curriculum, DualAdversarial
    from contrapose.learners.dual_training.dual_adversarial import CLASSIFIED, SEEDS
    from contrapose.modalities import modality_of

    config: Any = context.config
    before = context.artifacts[ROBUST] / FOLDER if ROBUST in context.artifacts else None
    initial = None if before is None else load_encoder(before)
    assert context.assemble is not None
    first, classified = context.assemble(config, context.samples, initial=initial)
    encoder = first.encoder
    assert isinstance(encoder, Encoder)
    batch = config.batch_size * context.accelerator.num_processes * config.accumulate
    learner = DualAdversarial(
        encoder,
        dimension=encoder.dimension,
        density=_density(config),
        curriculum=Curriculum(
            math.ceil(config.window / batch), threshold=config.raise_at, longest=config.longest, length=0
        ),
        attack=config.attack,
        heads=cast("AttackedClassifier", first).heads if before is None else load_heads(before).heads.train(),
        decay=config.decay,
        frozen_norms=config.frozen_norms,
        hold=config.when_diverging == "hold",
        seed=config.seed,
    )
    learner.see_targets(context.samples.targets)  # of other classes than the head's: said now
    plain = type(config.views)(count=1, recipe="none")
    calm = plain if context.own_views else replace(config.views, **{f"{name}_probability": 0.0 for name in CALM})
    views = modality_of(config).views
    others = {
        CLASSIFIED: context.source(classified, seed=derived_seed(config.seed, CLASSIFIED)),
        SEEDS: context.source(views(plain, begun, encoder), samples=begun, seed=derived_seed(config.seed, SEEDS)),
    }
    return learner, Beside(context.source(views(calm, context.samples, encoder)), others)


def _density(config: Any) -> Any:
    from contrapose.learners import Density
    from contrapose.objectives import energy_difference, log_density, real_or_made, slope_penalty

    return Density(
        value=log_density,
        objective=real_or_made if config.density_loss == "real-or-made" else energy_difference,
        step=config.ascent_step,
        noise=config.ascent_noise,
        climbs=config.climbs,
        slope=slope_penalty if config.slope_weight else None,
        slope_weight=config.slope_weight,
    )


def _labelled(context: Context) -> Context:
    """The context with those samples that have a class."""
    from contrapose.data import only_labelled

    return replace(context, samples=only_labelled(context.samples))


def _question(config: Any, samples: Samples) -> Question:
    from contrapose.training.averaged import question_of

    return question_of(config.label_column or "label", class_names(samples) or (), samples.labels)
