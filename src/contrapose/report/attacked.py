"""What stands on the page of an attack, as plain values: what was found, what it makes an encoder answer, and how that
compares with noise of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contrapose.report.cards import Card
from contrapose.report.course import Absent, Curves, LeftPicture, Pairs, StagePart
from contrapose.report.page import Head, Setup


@dataclass(frozen=True)
class Perturbed:
    """What was found.

    Arguments:
        title: "The patch", "The delta" or "The generator".
        sentence: what it is, how much it may change, and what it is for.
        facts: name and value: its bound, its victims.
        pictures: itself, enlarged.
    """

    title: str
    sentence: str
    facts: Pairs
    pictures: Sequence[LeftPicture]


@dataclass(frozen=True)
class Answer:
    """What was answered about a picture before and after; whether that was right, None where it is not known."""

    question: str
    before: str
    after: str
    right_before: bool | None = None
    right_after: bool | None = None

    @property
    def changed(self) -> bool:
        """Whether it is another one."""
        return self.before != self.after


@dataclass(frozen=True)
class Asked:
    """A picture as it was, what became of it, the change itself made stronger, and the answers.

    `truth` is what is known of it, in words: its class, one of its captions; empty where nothing is.
    """

    name: str
    truth: str
    before: Card
    after: Card
    change: Card
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Numbers:
    """A table in words: what was measured, of what, row by row.

    Arguments:
        folded: whether it is shown on request only.
    """

    title: str
    sentence: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    folded: bool = False


@dataclass(frozen=True)
class Shown:
    """Some pictures before and after, how they were asked about, and the numbers of all that were asked about."""

    method: str
    asked: Sequence[Asked]
    numbers: Numbers


@dataclass(frozen=True)
class AttackPage:
    """Everything on the page of an attack; what could not be made is `Absent` and says why."""

    head: Head
    perturbed: Perturbed
    shown: Shown | Absent
    measured: Sequence[Numbers] | Absent
    curves: Curves | Absent
    setup: Setup
    stages: Sequence[StagePart] = ()
