"""The stages of CDvG: a classifier that leans on what is easy, a translator, and the classifier that is wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from contrapose.methods.cdvg_parts import (
    check_labelled,
    class_names_of,
    difficulty,
    new_translation,
    translates,
    weights_of,
)
from contrapose.methods.method import Method

if TYPE_CHECKING:
    from contrapose.data import Images, PlainSource, Samples
    from contrapose.encoders.images.translator import Translator
    from contrapose.training.job import Job
    from contrapose.training.stages import Context, Stage

EARLY, TRANSLATE, CLASSIFY = "early", "translate", "classify"


def early_stage(config: Any, context: Context) -> Stage:
    """A classifier of a few epochs, which has learned what is easiest."""
    from contrapose.training.stages import Stage

    source = _plain(context)
    return Stage(EARLY, config.early_epochs * source.steps_per_epoch, lambda context: _early(context))


def translate_stage(config: Any, context: Context) -> Stage:
    """The translator: trained, or brought from elsewhere."""
    from contrapose.training.stages import Stage

    check_labelled(context.samples)
    if config.translator is not None:
        return Stage(TRANSLATE, 1, _brought)
    source = _for_turns(config, context)
    return Stage(TRANSLATE, _epochs(config, source) * source.steps_per_epoch, _translating)


def classify_stage(config: Any, context: Context) -> Stage:
    """The classifier."""
    from contrapose.training.stages import Stage

    check_labelled(context.samples)
    return Stage(CLASSIFY, config.epochs * _plain(context).steps_per_epoch, _classifying)


def _plain(context: Context) -> PlainSource:
    """Batches of the samples as they are stored: views are made after translation."""
    from contrapose.data.embedded_samples import as_they_are

    return context.source(as_they_are)


def _for_turns(config: Any, context: Context) -> PlainSource:
    """The same in small batches, one for each turn of the critic."""
    from contrapose.data.embedded_samples import as_they_are

    steps = context.accelerator.num_processes * config.accumulate * config.critic_turns
    size = max(1, min(config.translator_batch, len(context.samples) // steps))
    return context.source(as_they_are, batch_size=size, turns=config.critic_turns)


def _epochs(config: Any, source: PlainSource) -> int:
    return -(-config.translator_steps // source.steps_per_epoch)


def _early(context: Context) -> Job:
    from contrapose.learners import ClassHeads
    from contrapose.training.heads import HeadTrainer, questions_of

    assert context.assemble is not None
    config, samples = context.config, context.samples
    assembled, views = context.assemble(config, samples)
    encoder, fresh = assembled.encoder, replace(config, epochs=config.early_epochs)
    learner = ClassHeads(encoder, dimension=encoder.dimension, frozen=False)  # type: ignore[arg-type]
    learner.see_targets(samples.targets)
    return HeadTrainer(
        learner,
        context.source(views),
        fresh,
        context.accelerator,
        describe=dict(context.describe),
        monitor=context.monitor,
        questions=questions_of(samples, (_question(config),)),
    )


def _translating(context: Context) -> Job:
    from contrapose.training.translation import TranslatorTrainer

    config, images = context.config, cast("Images", context.samples)
    learner = new_translation(config, images, generator=context.generator("translator"))
    source = _for_turns(config, context)
    alone = replace(
        config,
        epochs=_epochs(config, source),
        learning_rate=config.translator_rate,
        optimizer="adamw",
        schedule="constant",
        warmup_share=0.0,
        sam_radius=0.0,
        micro_batch=None,
        precision="float32",
    )
    return TranslatorTrainer(
        learner,
        source,
        alone,
        context.accelerator,
        describe=dict(context.describe),
        monitor=context.monitor,
        samples=images,
    )


def _brought(context: Context) -> Job:
    from contrapose.training.translation import BroughtTranslator

    config = context.config
    assert config.translator is not None
    translator = _from_elsewhere(config.translator, context.samples)
    facts = {**context.describe, "brought_from": config.translator}
    return BroughtTranslator(translator, samples=context.samples, describe=facts)


def _from_elsewhere(place: str, samples: Samples) -> Translator:
    """The translator that `--translator` names.

    Errors:
        ArgumentError: it is for other pictures or classes.
        RunError: there is none.
    """
    from contrapose.encoders.generator_folder import check_fits, found_generator, read_translator

    images = cast("Images", samples)
    translator = read_translator(found_generator(place))
    names = class_names_of(samples, len(samples.class_names or translator.classes))
    check_fits(translator, channels=images.channels, image_size=images.image_size, classes=names, source=place)
    return translator


def _classifying(context: Context) -> Job:
    from contrapose.learners import TranslatedHeads
    from contrapose.training.heads import HeadTrainer, embeddings_of, questions_of

    config, samples = context.config, context.samples
    learner, usual = context.parts()
    assert isinstance(learner, TranslatedHeads)
    device = context.accelerator.device
    learner.vary = usual.views
    if config.translate:
        learner.translated_by(translates(context.artifacts[TRANSLATE], context.monitor.say, device))
    if config.upweight == "early":
        learner.difficulty = difficulty(context.artifacts[EARLY], samples, device)
    if config.upweight == "column":
        learner.sample_weights = weights_of(samples)
    if config.init is not None:
        learner.heads.standardise(embeddings_of(learner.encoder, samples, device).cpu())  # type: ignore[arg-type]
    return HeadTrainer(
        learner,
        _plain(context),
        config,
        context.accelerator,
        describe=dict(context.describe),
        monitor=context.monitor,
        questions=questions_of(samples, (_question(config),)),
    )


def _question(config: Method) -> str:
    return config.label_column or "label"
