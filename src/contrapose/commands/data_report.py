"""What `contrapose data check` says: what is in some data, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contrapose.data.problems import Problem

LARGEST = 10  # classes that are printed


@dataclass(frozen=True)
class Sample:
    """One sample: what it is called, what a person recognises it by (the size of a picture in its file, the beginning
    of a text), and its class."""

    identifier: str
    shown: str
    label: str | None


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
    """

    summary: str
    samples: Sequence[Sample]
    classes: Sequence[tuple[str, int]] | None
    notes: Sequence[str]
    problems: Sequence[Problem]
    facts: Sequence[str] = ()
    views: Sequence[Sequence[str]] = ()
    sheet: Path | None = None

    def text(self) -> str:
        """Everything, as it is printed."""
        facts = [f"  {fact}" for fact in self.facts]
        return "\n".join(
            [self.summary, *self._sample_lines(), *facts, *self._class_lines(), *self._remarks(), *self._view_lines()]
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
            return ["no labels: enough to train on; evaluate needs class sub-folders, or a table's --label-column NAME"]
        rest = self.classes[LARGEST:]
        shown = ", ".join(f"{name} ({count:,})" for name, count in self.classes[:LARGEST])
        more = f", and {len(rest):,} more with {sum(count for _, count in rest):,}" if rest else ""
        return [f"{len(self.classes):,} classes: {shown}{more}"]

    def _remarks(self) -> list[str]:
        lines = [f"note: {note}" for note in self.notes]
        lines += [f"problem: {problem.text}" for problem in self.problems]
        if not self.problems:
            lines.append("no problems found")
        return [*lines, *([f"views drawn in {self.sheet}"] if self.sheet else [])]

    def _view_lines(self) -> list[str]:
        lines = []
        for sample, views in zip(self.samples, self.views, strict=False):
            lines += [f"views of {sample.identifier}:", *(f"  {view}" for view in views)]
        return lines
