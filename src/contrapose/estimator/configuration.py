"""From an estimator's arguments to the configuration of its method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods import METHODS, Method, check_one_job
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.training.config_file import from_dictionary, to_dictionary

# Of what every run shares, this makes sense for a fit in memory and is not an argument of the estimator itself.
OF_EVERY_RUN = (
    *("optimizer", "weight_decay", "schedule", "warmup_share", "gradient_clip", "sam_radius", "sam_adaptive"),
    "micro_batch",
)


def configure(
    method: str,
    options: Mapping[str, Any] | None,
    *,
    samples: int,
    batch_size: int,
    modality: str = "image",
    classes: Sequence[str] | None = None,
    **run: Any,
) -> Method:
    """The configuration of a fit on so many samples.

    A batch larger than the data shrinks to the data, and so do defaults that were made for more of it (`fit_to_data`).

    Arguments:
        method: a name from `contrapose.methods.METHODS`.
        options: the method's own fields, `views`, and those of `OF_EVERY_RUN`.
        modality: the kind of data.
        classes: what the labels name, in the order of their numbers; None without labels.
        run: other fields of the configuration.

    Errors:
        ArgumentError: an unknown method or option, or a value out of range; a queue longer than the data; a method
            whose run is more than the training of a learner.
    """
    kind = METHODS[method].on(modality)
    options = dict(options or {})
    own = kind.own_options() | {"views"}
    for name in options:
        if name not in own and name not in OF_EVERY_RUN:
            known = sorted([*own, *OF_EVERY_RUN])
            raise ArgumentError(
                f"method_options has {name!r}, which {method} does not take.{did_you_mean(name, known)}"
            )
    if is_dataclass(options.get("views")):
        options["views"] = to_dictionary(options["views"])
    where = f"the options of {method}"
    # refuses what is out of range as it was given
    config = from_dictionary(kind, {**options, "batch_size": batch_size, **run}, where=where)
    config = replace(config, batch_size=min(batch_size, samples))
    check_one_job(config)
    return fit_to_data(config, samples=samples, given=options, classes=classes)[0]
