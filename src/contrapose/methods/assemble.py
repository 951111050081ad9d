"""From a configuration and its data to the parts of a run: a learner with first weights, and a maker of views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contrapose.data import Images
from contrapose.encoders import ImageEncoder, Start, build, starting_point
from contrapose.errors import ArgumentError
from contrapose.learners import Learner
from contrapose.methods.method import Method
from contrapose.training.config import RunConfig
from contrapose.views import ViewAdapter, ViewGenerator


def assemble(
    config: Method, images: Images, views: Callable[..., Any] | None = None, *, initial: ImageEncoder | None = None
) -> tuple[Learner, Callable[..., Any]]:
    """The learner and the view maker of a run.

    Arguments:
        config: the method's configuration; its seed draws the first weights and memory.
        images: what it is going to train on; a new encoder carries their mean and standard deviation.
        views: the user's own view maker; None = the batched views of the configuration.
        initial: the encoder to train; None = the one of `config.init`, or a new one.

    Errors:
        ArgumentError: pictures of other channels, or of another size, than the weights take.
    """
    encoder = initial or _encoder(config, images)
    if images.channels != encoder.channels:
        raise ArgumentError(
            f"The weights to start from take pictures of {encoder.channels} channel(s), and these have "
            f"{images.channels}. Open the data with channels={encoder.channels}."
        )
    encoder.preparation = images.preparation
    learner = config.new_learner(encoder)
    if isinstance(views, ViewGenerator | ViewAdapter):
        return learner, views
    if views is not None:
        return learner, ViewAdapter(views, count=config.views.count)
    options = config.views.resolve(images.channels, images.image_size)
    return learner, ViewGenerator(options, channels=images.channels, image_size=images.image_size)


def begun_with(config: Method, start: Start | None) -> Method:
    """`config` with the encoder of the weights that it starts from.

    Errors:
        ArgumentError: another encoder was asked for.
    """
    if start is None or config.encoder == start.name:
        return config
    if config.encoder != RunConfig.encoder:
        raise ArgumentError(
            f"--encoder {config.encoder} and --init {start.source} contradict each other: those are weights of a "
            f"{start.name}. Leave out one of the two."
        )
    return replace(config, encoder=start.name)


def _encoder(config: Method, images: Images) -> ImageEncoder:
    """The encoder that the configuration names, for these pictures."""
    if config.init is not None:
        return starting_point(config.init).encoder(images.image_size)
    mean, std = images.statistics()
    return build(
        config.encoder,
        channels=images.channels,
        image_size=images.image_size,
        mean=mean,
        std=std,
        seed=config.seed,
        **config.encoder_arguments,
    )
