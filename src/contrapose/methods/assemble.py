"""From a configuration and its data to the parts of a run: a learner with first weights, and a maker of views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contrapose.data import Images
from contrapose.encoders import build
from contrapose.learners import Learner
from contrapose.methods.method import Method
from contrapose.views import ViewAdapter, ViewGenerator


def assemble(
    config: Method, images: Images, views: Callable[..., Any] | None = None
) -> tuple[Learner, Callable[..., Any]]:
    """The learner and the view maker of a run.

    Arguments:
        config: the method's configuration; its seed draws the first weights and memory.
        images: what it is going to train on; the encoder carries their mean and standard deviation.
        views: the user's own view maker; None = the batched views of the configuration.
    """
    mean, std = images.statistics()
    encoder = build(
        config.encoder,
        channels=images.channels,
        image_size=images.image_size,
        mean=mean,
        std=std,
        seed=config.seed,
        preparation=images.preparation,
    )
    learner = config.new_learner(encoder)
    if isinstance(views, ViewGenerator | ViewAdapter):
        return learner, views
    if views is not None:
        return learner, ViewAdapter(views, count=config.views.count)
    options = config.views.resolve(images.channels, images.image_size)
    return learner, ViewGenerator(options, channels=images.channels, image_size=images.image_size)
