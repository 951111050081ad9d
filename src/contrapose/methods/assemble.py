"""From a configuration and its data to the parts of a run: a learner with first weights, and a maker of views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from contrapose.data import Samples
from contrapose.encoders import Encoder, Frozen, Start
from contrapose.errors import ArgumentError, in_group
from contrapose.learners import Learner
from contrapose.methods.fit_to_data import class_names
from contrapose.methods.method import Method, name_of
from contrapose.modalities import MODALITIES, modality_of


def assemble(
    config: Method,
    samples: Samples,
    views: Callable[..., Any] | None = None,
    *,
    initial: Encoder | None = None,
    base: Frozen | None = None,
) -> tuple[Learner, Callable[..., Any]]:
    """The learner and the view maker of a run.

    Arguments:
        config: the method's configuration; its seed draws the first weights and memory.
        samples: what it is going to train on; a new encoder carries what was fitted to them (statistics, vocabulary).
        views: the user's own view maker; None = the batched views of the configuration.
        initial: the encoder to train; None = the one of `config.init`, or a new one.
        base: the frozen encoder, for a method that asks one; None = the one of `config.base`.

    Errors:
        ArgumentError: samples of another form than the weights take, or another number of views than the method.
    """
    modality = modality_of(config)
    encoder = initial or _encoder(config, samples)
    modality.settle(encoder, samples)
    learner = config.new_learner(encoder, **({} if base is None else {"base": base}))
    learner.check_micro_batch(config.micro_batch)
    names = class_names(samples)
    if names is not None:
        learner.see_classes(names)
    learner.see_targets(samples.targets)
    if config.varied:
        _check_views(learner, config)
    if views is None:
        with in_group("views"):
            made = config.views_for(modality.views(config.views, samples, encoder), samples, encoder)
        learner.see_views(made)
        return learner, made
    return learner, config.check_own_views(modality.own_views(views, config.views, encoder))


def _check_views(learner: Learner, config: Method) -> None:
    """Pass options that make as many views as the learner takes.

    Errors:
        ArgumentError: they do not; said here, before there is a run folder, as its first batch would say it.
    """
    try:
        learner.check_views(config.views.total())
    except ArgumentError as error:
        raise ArgumentError(f"{error} Set it with --views.count (views=).") from None


def begun_with(config: Method, start: Start | None) -> Method:
    """`config` with the encoder of the weights that it starts from.

    Errors:
        ArgumentError: another encoder was asked for, or weights of another kind of data.
    """
    if start is None:
        return config
    if start.modality == "pairs" and config.modality == "image":
        option = "base" if config.start_option == "--base" else "init"
        raise ArgumentError(
            f"{name_of(config)} asks for one encoder of pictures, and {start.source} holds two towers. Its "
            f"picture tower alone is handed over in Python: {option}=contrapose.load({start.source!r}).encoder.image"
        )
    if start.modality != config.modality:
        theirs, ours = (MODALITIES[name].plural for name in (start.modality, config.modality))
        remedy = f"Start from a run on {ours}, or leave {config.start_option} out."
        if config.verb != "train":
            remedy = f"Give a run on {ours}."
        raise ArgumentError(
            f"{config.start_option} {start.source} are weights for {theirs}, and these data are {ours}. {remedy}"
        )
    usual = next(option.default for option in fields(config) if option.name == "encoder")
    if start.name != config.encoder != usual:
        raise ArgumentError(
            f"--encoder {config.encoder} and {config.start_option} {start.source} contradict each other: those are "
            f"weights of a {start.name}. Leave out one of the two."
        )
    return replace(config, encoder=start.name)


def _encoder(config: Method, samples: Samples) -> Encoder:
    """The encoder that the configuration names, for these samples."""
    modality = modality_of(config)
    if config.init is None:
        return modality.encoder(config, samples)
    return modality.started(modality.start(config.init, config), samples)
