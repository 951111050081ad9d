"""A row of the table: what is measured, beside whom, and what was aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Settings = Mapping[str, Any]
Call = Callable[[], Any]
"""One call of what is timed. What the first returns is its answer: names to numbers and arrays."""

OURS = "contrapose"


@dataclass(frozen=True)
class Arm:
    """One contender of a row.

    Arguments:
        prepare: settings -> the call; imports its packages, makes the data, and warms up on something small. Runs in
            a process of its own.
        needs: settings -> bytes that a call is known to take, for one that may be more than the machine has.
        beside: whether it does the same as ours, so that a ratio says something.
    """

    prepare: Callable[[Settings], Call]
    needs: Callable[[Settings], int] | None = None
    beside: bool = True


@dataclass(frozen=True)
class Target:
    """What was aimed at: a number of the measured row, and its limit.

    Arguments:
        words: as the table says it.
        number: the record of the row -> the number; None where it was not measured.
    """

    words: str
    number: Callable[[Mapping[str, Any]], float | None]
    at_most: float | None = None
    at_least: float | None = None

    def hit(self, number: float) -> bool:
        return (self.at_most is None or number <= self.at_most) and (self.at_least is None or number >= self.at_least)


@dataclass(frozen=True)
class Row:
    """A figure, and all that is needed to measure it again.

    Arguments:
        figure: what it is, as the table says it.
        arms: ours first, then the peers.
        settings: what the arms are prepared with, ready for JSON.
        quick: the settings that differ in a look of seconds.
        targets: what was aimed at.
        seconds: time for the timed rounds of all arms together; three rounds are done even so, where a call is short.
        rounds: at most so many.
        patience: seconds of a call from which on an arm is not asked again, and its first call counts.
        memory: whether the first call's is measured; not where `prepare` does the same work before, or others do.
        threads: of each arm; None: as many as there are cores.
        tolerances: name of an answer -> how far a peer's may be off, relative to the largest of the answer.
        derive: adds numbers to the record that follow from several arms.
    """

    name: str
    figure: str
    arms: Mapping[str, Arm]
    settings: Settings
    quick: Settings
    targets: tuple[Target, ...] = ()
    seconds: float = 20.0
    rounds: int = 15
    patience: float = 20.0
    memory: bool = True
    threads: int | None = 1
    tolerances: Mapping[str, float] = field(default_factory=dict)
    derive: Callable[[Mapping[str, Any]], dict[str, float]] | None = None


def time_of(peer: str) -> Callable[[Mapping[str, Any]], float | None]:
    """Our time over the peer's, the median over rounds."""
    return lambda record: _ratio(record, peer, "time")


def times_faster(peer: str) -> Callable[[Mapping[str, Any]], float | None]:
    """The peer's time over ours."""
    return lambda record: None if not (time := _ratio(record, peer, "time")) else 1 / time


def memory_of(peer: str) -> Callable[[Mapping[str, Any]], float | None]:
    """Our extra memory over the peer's."""
    return lambda record: _ratio(record, peer, "memory")


def own_megabytes(record: Mapping[str, Any]) -> float | None:
    """What our call took beside what was held before."""
    peak = record["arms"].get(OURS, {}).get("peak_bytes")
    return None if peak is None else peak / 1e6


def derived(name: str) -> Callable[[Mapping[str, Any]], float | None]:
    """A number that `Row.derive` added."""
    return lambda record: record["derived"].get(name)


def _ratio(record: Mapping[str, Any], peer: str, of: str) -> float | None:
    ratio = record["ratios"].get(peer, {})
    if of == "time":
        return ratio.get("median")
    return ratio.get("memory")
