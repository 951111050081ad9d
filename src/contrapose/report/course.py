"""The course of training as plain values: curves, pictures that were left on the way, and both of each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pairs = Sequence[tuple[str, str]]
"""A name and what is said of it, in order."""


@dataclass(frozen=True)
class Absent:
    """A section that could not be made: why, and what to do about it."""

    why: str


@dataclass(frozen=True)
class Curve:
    """One number over the steps of training, with its chance value where it has one."""

    name: str
    meaning: str
    steps: Sequence[int]
    values: Sequence[float]
    chance: float | None = None


@dataclass(frozen=True)
class Curves:
    """All curves of a run, and the verdicts recorded on the way: step and sentence."""

    curves: Sequence[Curve]
    verdicts: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True)
class LeftPicture:
    """A picture that a job left for people.

    Arguments:
        source: the picture as a `data:` address.
        width: how wide it is drawn where there is room, in pixels of the page.
        enlarged: whether that is more than it has, so that its own pixels are seen.
        title, caption: what it is called, and a sentence or two on it.
    """

    source: str
    width: int
    enlarged: bool
    title: str
    caption: str


@dataclass(frozen=True)
class StagePart:
    """One of several stages of a run.

    Arguments:
        state: how far it came, in words.
        begun: whether it did a step.
        facts: name and value: steps, time, what it made.
    """

    name: str
    state: str
    begun: bool
    facts: Pairs
    curves: Curves | Absent
    pictures: Sequence[LeftPicture] | Absent = ()
