"""Defaults made for thousands of samples, fitted to fewer: a batch that the data fill, and what the method says."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contrapose.errors import OptionError
from contrapose.methods.extent import Extent
from contrapose.methods.method import Method
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Samples

MOST_CLASSES = 1_000_000  # numbers beyond it are dates or codes


def fit_to_data(
    config: Method,
    *,
    samples: int,
    processes: int = 1,
    given: Container[str] | None = None,
    classes: Sequence[str] | None = None,
) -> tuple[Method, list[str]]:
    """`config` as it can be run on so many samples, and a sentence on every option that had to change.

        batch_size: half of the samples (a process's share of them), where they do not fill one batch
        what depends on the length of the run: as `config.fits` says
        what depends on the labels: as `config.fit_to_classes` says

    Arguments:
        samples: N, all that the run trains on.
        given: names of options that were set; None = those that differ from their defaults. Only defaults change:
            what was set stays, or is refused.
        classes: what the labels name, in the order of their numbers; None = there are none, or nobody asks.

    Errors:
        ArgumentError: an option that was set and that the method can do nothing with in such a run; classes that it
            can make nothing of.
    """
    given = config.differences() if given is None else given
    config, notes = _classes(config, classes, given)
    changes: dict[str, Any] = {}
    batch = _batch(config, samples, processes, given)
    if batch != config.batch_size:
        changes["batch_size"] = batch
        where = f" on each of {processes} processes" if processes > 1 else ""
        why = f"{samples:,} samples do not fill one batch{where}"
        notes.append(f"batch_size is {batch} instead of {config.batch_size}: {why}")
    block = processes * batch
    if samples < block:
        return config, notes  # the loop refuses it
    steps = config.epochs * (samples // block // config.accumulate)
    for fit in config.fits(Extent(samples, batch, block, steps, config.accumulate)):
        if fit.option not in given:
            changes[fit.option] = fit.value
            notes.append(f"{fit.option} is {fit.value} instead of {getattr(config, fit.option)}: {fit.why}")
        elif fit.refusal is not None:
            raise OptionError(fit.refusal, fit.option)
    return (replace(config, **changes) if changes else config), notes


def class_names(samples: Samples) -> list[str] | None:
    """What the labels name, by number; None without labels, or where numbers are too large to count classes."""
    if samples.labels is None or int(samples.labels.max()) > MOST_CLASSES:
        return None
    names = list(samples.class_names or ())
    return names + [str(number) for number in range(len(names), int(samples.labels.max()) + 1)]


def _classes(config: Method, classes: Sequence[str] | None, given: Container[str]) -> tuple[Method, list[str]]:
    if classes is None or not config.about.needs_labels:
        return config, []
    fitted = config.fit_to_classes(classes, given)
    before, after = config.differences(), fitted.differences()
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    why = f"the labels name {counted(len(classes), 'class', 'classes')}"
    return fitted, [f"{name} is {value} instead of {getattr(config, name)}: {why}" for name, value in changed.items()]


def _batch(config: Method, samples: int, processes: int, given: Container[str]) -> int:
    share = samples // processes
    if share >= config.batch_size or share < 2 or "batch_size" in given:
        return config.batch_size
    return max(2, share // 2)  # two steps an epoch, with other samples side by side in each
