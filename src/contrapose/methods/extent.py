"""How long a run is, and which of a method's options do not fit that: what methods tell `fit_to_data`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Extent:
    """A run in numbers.

    Arguments:
        samples: N, all that it trains on.
        batch: samples of a process in a batch.
        block: samples of all processes in a batch.
        steps: of the optimiser, in the whole run.
        accumulate: batches a step.
    """

    samples: int
    batch: int
    block: int
    steps: int
    accumulate: int = 1


@dataclass(frozen=True)
class Fit:
    """An option that does not fit a run.

    Arguments:
        option: its name.
        value: what fits.
        why: what it is that the default does not fit, for people.
        refusal: what is said, in whole sentences, where the option was set; None: then it stays as it is.
    """

    option: str
    value: Any
    why: str
    refusal: str | None = None


def fitting_queue(queue: int, extent: Extent) -> list[Fit]:
    """A queue of samples (0: none) as whole batches of all processes, and no longer than the data.

    From the second epoch on, a queue of K of N samples holds an older key of the query itself with probability
    (K / N)² / 2 while K <= N, since epochs are shuffled: 1/8 at half of the data, 1/2 at all, and from 2 N on 1.
    """
    samples, block = extent.samples, extent.block
    fitting = max(1, min(queue, samples) // block) * block
    if queue == 0 or queue == fitting:
        return []
    refusal = (
        f"queue is {queue}, but there are {samples} samples: it would hold samples twice, and most would meet their "
        f"own earlier embeddings in it. Take --queue {fitting} or less, or give more data."
    )
    # where only the batch does not divide it, the learner refuses it, and says what fits
    why = f"whole batches of {block}, and no more than the {samples:,} samples"
    return [Fit("queue", fitting, why, refusal if queue > samples else None)]
