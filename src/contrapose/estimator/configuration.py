"""From an estimator's arguments to the configuration of its method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods import METHODS, Method
from contrapose.training.config import RunConfig
from contrapose.training.config_file import from_dictionary, to_dictionary
from contrapose.views import ImageViews

# Of what every run shares, this makes sense for a fit in memory and is not an argument of the estimator itself.
OF_EVERY_RUN = ("optimizer", "weight_decay", "schedule", "warmup_share", "gradient_clip")


def configure(method: str, options: Mapping[str, Any] | None, *, samples: int, batch_size: int, **run: Any) -> Method:
    """The configuration of a fit on so many samples.

    A batch larger than the data shrinks to the data. MoCo's queue, unless it was set, becomes the largest multiple of
    the batch within its default and the number of samples, for a longer one would hold samples twice.

    Arguments:
        method: a name from `contrapose.methods.METHODS`.
        options: the method's own fields, and those of `OF_EVERY_RUN`.
        run: other fields of the configuration.

    Errors:
        ArgumentError: an unknown method or option, or a value out of range.
    """
    kind = METHODS[method]
    options = dict(options or {})
    own = {field.name for field in fields(kind)} - {field.name for field in fields(RunConfig)}
    for name in options:
        if name not in own and name not in OF_EVERY_RUN:
            known = sorted([*own, *OF_EVERY_RUN])
            raise ArgumentError(
                f"method_options has {name!r}, which {method} does not take.{did_you_mean(name, known)}"
            )
    if isinstance(options.get("views"), ImageViews):
        options["views"] = to_dictionary(options["views"])
    where = f"the options of {method}"
    values = {**options, "batch_size": batch_size, **run}
    config = from_dictionary(kind, values, where=where)  # refuses what is out of range as it was given
    values["batch_size"] = batch = min(batch_size, samples)
    queue = getattr(config, "queue", None)
    if isinstance(queue, int) and "queue" not in options:
        values["queue"] = max(1, min(queue, samples) // batch) * batch
    return from_dictionary(kind, values, where=where)
