"""Defaults made for thousands of samples, fitted to fewer: a batch, a queue no longer than the data, a warm-up that
ends."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contrapose.errors import ArgumentError
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
        queue:      at most the number of samples, in whole batches of all processes
        mix_after:  a tenth of the steps, where the run would end before its first mixture
        freeze_prototypes: at most a tenth of the steps
        classes:    as many as the labels name

    From the second epoch on, a queue of K of N samples holds an older key of the query itself with probability
    (K / N)² / 2 while K <= N, since epochs are shuffled: 1/8 at half of the data, 1/2 at all, and from 2 N on 1.

    Arguments:
        samples: N, all that the run trains on.
        given: names of options that were set; None = those that differ from their defaults. Only defaults change:
            what was set is refused.
        classes: what the labels name, in the order of their numbers; None = there are none, or nobody asks.

    Errors:
        ArgumentError: a queue longer than the data, or a run that ends before its first mixture or before its queue
            is used, as it was set; classes that the method can make nothing of.
    """
    given = config.differences() if given is None else given
    config, told = _classes(config, classes, given)
    changes, notes = _batch(config, samples, processes, given)
    notes = told + notes
    config = replace(config, **changes) if changes else config
    block = processes * config.batch_size
    if samples < block:
        return config, told  # the loop refuses it
    steps = config.epochs * (samples // block // config.accumulate)
    for change, note in (
        _queue(config, samples, block, given),
        _mix_after(config, steps, given),
        _frozen(config, steps, given),
    ):
        changes |= change
        notes += note
    _check_queue_used(config, steps, block)
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


def _batch(config: Method, samples: int, processes: int, given: Container[str]) -> tuple[dict[str, Any], list[str]]:
    share = samples // processes
    if share >= config.batch_size or share < 2 or "batch_size" in given:
        return {}, []
    fitting = max(2, share // 2)  # two steps an epoch, with other samples side by side in each
    why = f"{samples:,} samples do not fill one batch" + (f" on each of {processes} processes" if processes > 1 else "")
    changes: dict[str, Any] = {"batch_size": fitting}
    notes = [f"batch_size is {fitting} instead of {config.batch_size}: {why}"]
    negatives = getattr(config, "negatives", 0)  # of a method that compares with some of the batch only
    if "negatives" not in given and negatives >= fitting:
        changes["negatives"] = fitting - 1
        notes.append(f"negatives is {fitting - 1} instead of {negatives}: a batch of {fitting} has no more")
    return changes, notes


def _queue(config: Method, samples: int, block: int, given: Container[str]) -> tuple[dict[str, int], list[str]]:
    queue = getattr(config, "queue", 0)
    fitting = max(1, min(queue, samples) // block) * block
    if queue == 0 or queue == fitting:
        return {}, []
    if "queue" not in given:
        why = f"whole batches of {block}, and no more than the {samples:,} samples"
        return {"queue": fitting}, [f"queue is {fitting} instead of {queue}: {why}"]
    if queue <= samples:
        return {}, []  # not a multiple of the batch, which the learner refuses
    raise ArgumentError(
        f"queue is {queue}, but there are {samples} samples: it would hold samples twice, and most would meet their "
        f"own earlier embeddings in it. Take --queue {fitting} or less, or give more data."
    )


def _mix_after(config: Method, steps: int, given: Container[str]) -> tuple[dict[str, int], list[str]]:
    mix_after = getattr(config, "mix_after", None)
    mixes = getattr(config, "pair_mixes", 0) + getattr(config, "query_mixes", 0)
    if mix_after is None or mixes == 0 or mix_after < steps:
        return {}, []
    tenth = steps // 10
    if "mix_after" not in given:
        return {"mix_after": tenth}, [f"mix_after is {tenth} instead of {mix_after}: the run has {steps} steps"]
    raise ArgumentError(
        f"mix_after is {mix_after}, but the run has {steps} steps: nothing would ever be mixed. Take --mix-after "
        f"{tenth}, or train longer; without mixtures it is the method moco."
    )


def _frozen(config: Method, steps: int, given: Container[str]) -> tuple[dict[str, int], list[str]]:
    frozen, tenth = getattr(config, "freeze_prototypes", 0), steps // 10
    if frozen <= tenth or "freeze_prototypes" in given:
        return {}, []
    return {"freeze_prototypes": tenth}, [
        f"freeze_prototypes is {tenth} instead of {frozen}: the run has {steps} steps"
    ]


def _check_queue_used(config: Method, steps: int, block: int) -> None:
    """A queue that starts empty serves once it is full."""
    after, queue = getattr(config, "queue_after", None), getattr(config, "queue", 0)
    filling = -(-queue // (block * config.accumulate))  # steps, rounded up
    if after is None or queue == 0 or after + filling < steps:
        return
    raise ArgumentError(
        f"The queue of {queue} starts after {after} steps and is full {filling} steps later, but the run has {steps} "
        "steps: it would never be used. Take a shorter --queue, a smaller --queue-after, or train longer."
    )
