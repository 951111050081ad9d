"""What `contrapose data check` says: what is in some data, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.data.problems import Problem
    from contrapose.data.texts.near_copies import NearCopies

LARGEST = 10  # classes that are printed
PRINTED, LISTED = 10, 10_000  # near-duplicate pairs in print and in JSON


@dataclass(frozen=True)
class Sample:
    """One sample: what it is called, what a person recognises it by (the size of a picture in its file, the beginning
    of a text), and its class."""

    identifier: str
    shown: str
    label: str | None


@dataclass(frozen=True)
class NearPair:
    """Two samples that are nearly the same: how similar they are of 1, their rows, names and beginnings."""

    similarity: float
    rows: tuple[int, int]
    identifiers: tuple[str, str]
    excerpts: tuple[str, str]

    @classmethod
    def listed(cls, samples: Samples, near: NearCopies) -> list[NearPair]:
        """The pairs that are most alike, 10,000 at most."""
        found = []
        for (one, other), similarity in zip(near.rows[:LISTED].tolist(), near.similarity.tolist(), strict=False):
            names = (samples.identifiers[one], samples.identifiers[other])
            shown = (samples.excerpt(one) or "", samples.excerpt(other) or "")
            found.append(cls(round(similarity, 4), (one, other), names, shown))
        return found


@dataclass(frozen=True)
class DataReport:
    """What `data_check` found.

    Arguments:
        summary: one line.
        samples: three of the samples, evenly spaced.
        facts: what is in the data, in lines: the columns of a table, lengths and vocabulary of texts.
        classes: every class and its number of samples, largest first; `None` without labels.
        notes: what was decided on opening.
        problems: what a person should look at before training.
        views: of samples that are read: each of `samples` as training would vary it.
        sheet: the picture that was written, if any.
        near: near-duplicates, most alike first; counted in `problems` or `notes`.
        asks_itself: whether the data can be measured on without labels (`Modality.asks_itself`).
    """

    summary: str
    samples: Sequence[Sample]
    classes: Sequence[tuple[str, int]] | None
    notes: Sequence[str]
    problems: Sequence[Problem]
    facts: Sequence[str] = ()
    views: Sequence[Sequence[str]] = ()
    sheet: Path | None = None
    near: Sequence[NearPair] = ()
    asks_itself: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: all but the picture, of which the path."""
        return {
            **asdict(self),
            "classes": None if self.classes is None else dict(self.classes),
            "sheet": None if self.sheet is None else str(self.sheet),
        }

    def text(self) -> str:
        """Everything, as it is printed."""
        facts = [f"  {fact}" for fact in self.facts]
        return "\n".join(
            [self.summary, *self._sample_lines(), *facts, *self._class_lines(), *self._remarks(), *self._rest()]
        )

    def _sample_lines(self) -> list[str]:
        width = max(len(sample.identifier) for sample in self.samples)
        widest = max(11, *(len(sample.shown) for sample in self.samples))
        return [
            f"  {sample.identifier:<{width}}  {sample.shown:<{widest}}  {sample.label or '(no label)'}".rstrip()
            for sample in self.samples
        ]

    def _class_lines(self) -> list[str]:
        if self.classes is None:
            itself = "evaluate asks for what the data hold themselves"
            needs = itself if self.asks_itself else "evaluate needs class sub-folders, or a table's --label-column NAME"
            return [f"no labels: enough to train on; {needs}"]
        rest = self.classes[LARGEST:]
        shown = ", ".join(f"{name} ({count:,})" for name, count in self.classes[:LARGEST])
        more = f", and {len(rest):,} more with {sum(count for _, count in rest):,}" if rest else ""
        return [f"{counted(len(self.classes), 'class', 'classes')}: {shown}{more}"]

    def _remarks(self) -> list[str]:
        lines = [f"note: {note}" for note in self.notes]
        lines += [f"problem: {problem.text}" for problem in self.problems]
        if not self.problems:
            lines.append("no problems found")
        return [*lines, *([f"views drawn in {self.sheet}"] if self.sheet else [])]

    def _rest(self) -> list[str]:
        lines = ["near-duplicates, most alike first:"] if self.near else []
        for pair in self.near[:PRINTED]:
            width = max(map(len, pair.identifiers))
            shown = [f"{name:<{width}}  {text}" for name, text in zip(pair.identifiers, pair.excerpts, strict=True)]
            lines += [f"  {pair.similarity:.2f}  {shown[0]}", f"        {shown[1]}"]
        if len(self.near) > PRINTED:
            lines.append(f"  and {len(self.near) - PRINTED:,} more, which --json lists")
        for sample, views in zip(self.samples, self.views, strict=False):
            lines += [f"views of {sample.identifier}:", *(f"  {view}" for view in views)]
        return lines
