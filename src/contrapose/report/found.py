"""What was found near something, as plain values: neighbours, confused classes, the other side of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contrapose.report.cards import Card
from contrapose.report.course import Absent


@dataclass(frozen=True)
class Neighbour:
    """A sample near a query; `hit` says whether it is of the query's class, `None` without labels."""

    card: Card
    name: str
    similarity: float
    label: str | None = None
    hit: bool | None = None


@dataclass(frozen=True)
class Query:
    """A sample and its neighbours, nearest first."""

    card: Card
    name: str
    label: str | None
    neighbours: Sequence[Neighbour]


@dataclass(frozen=True)
class Confusion:
    """A class taken for another: how often, of how many, with examples."""

    truth: str
    taken_for: str
    count: int
    of: int
    examples: Sequence[Card]


@dataclass(frozen=True)
class Gallery:
    """Neighbours of some queries, how they were found, and the classes most often confused."""

    queries: Sequence[Query]
    method: str
    confusions: Sequence[Confusion] | Absent


@dataclass(frozen=True)
class Sought:
    """A caption that looked for its picture, or a picture for its words.

    Arguments:
        found: the nearest of the other side; `hit` says which of them are right.
        rank: of the first right one, from 1.
        own: the first right one, where it is not among those.
    """

    card: Card
    name: str
    found: Sequence[Neighbour]
    rank: int
    own: Neighbour | None = None


@dataclass(frozen=True)
class Direction:
    """What one side found of the other: in numbers, in some that found theirs first, and some that did not."""

    title: str
    sentence: str
    hits: Sequence[Sought]
    misses: Sequence[Sought]


@dataclass(frozen=True)
class Sides:
    """Retrieval between the two sides of pairs both ways, and the classes that prompts confuse most often."""

    directions: Sequence[Direction]
    confusions: Sequence[Confusion] | Absent
    prompts: str = ""
