"""What stands on the page of a repair, as plain values: what was found, why, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contrapose.report.course import Absent, LeftPicture


@dataclass(frozen=True)
class Rise:
    """How many pictures of all were taken for a class before and after a disturbance without aim, as shares.

    Arguments:
        suspect: whether it stands out, or is among the first where none does.
    """

    name: str
    before: float
    after: float
    suspect: bool

    @property
    def width(self) -> float:
        """The length of its bar, in percent: no bar where the share fell."""
        return max(0.0, 100 * (self.after - self.before))


@dataclass(frozen=True)
class Repaired:
    """A repair: its verdict, the suspicion behind it, the trigger, and the encoder before and after.

    Arguments:
        found: whether a planted trigger was found.
        verdict: the same in words. reasons: why, as sentences.
        rises: of the classes that rose most, the first one first. suspicion: how they were found, and what is left out.
        candidates: of the classes that were looked into: columns, and a row each.
        pictures: of the search and of the trigger.
        table: columns, and rows: before and after.
        tuned: what was changed of the encoder, in a sentence.
    """

    found: bool
    verdict: str
    reasons: Sequence[str]
    rises: Sequence[Rise]
    suspicion: str
    candidates: tuple[Sequence[str], Sequence[tuple[str, Sequence[str]]]]
    pictures: Sequence[LeftPicture] | Absent
    table: tuple[Sequence[str], Sequence[tuple[str, Sequence[str]]]]
    tuned: str
