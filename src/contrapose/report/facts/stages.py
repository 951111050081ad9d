"""Of a run of several stages, what there is to say of each: how far it came, how long it took, what it made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contrapose.encoders import architecture_of
from contrapose.encoders.stage_folder import FACTS, FOLDER, all_stages
from contrapose.errors import RunError
from contrapose.report.course import Absent, Curves, Pairs, StagePart
from contrapose.report.facts.curves import curves_of
from contrapose.report.facts.left_pictures import left_pictures_of
from contrapose.report.facts.run import size_in_words
from contrapose.shell import shell_command
from contrapose.training.pace import in_words
from contrapose.training.run_folder import RunFolder
from contrapose.words import counted

_OF_THE_RUN = {"config.json", "metrics.jsonl", "checkpoints", "initial", FOLDER}
_LATER = {"evaluation.json", "evaluation_items.npz", "report.html", "pictures", FACTS}


def stages_of(folder: RunFolder) -> list[StagePart]:
    """The stages of a run, in their order; empty where it has one only, and of the folder of a stage."""
    if folder.stage is not None:
        return []
    every = list(folder.metrics())
    told = dict.fromkeys(str(row["stage"]) for row in every if "stage" in row)
    names = list(dict.fromkeys((*all_stages(folder.path), *told)))
    parts, before = [], 0
    for name in names:
        rows = [row for row in every if row.get("stage") == name]
        stage = _Stage(folder.path, name, rows, last=name == names[-1], before=before)
        parts.append(stage.part())
        before += stage.steps[0]
    return parts


@dataclass(frozen=True)
class _Stage:
    """A stage as its files have it.

    Arguments:
        rows: its lines of metrics.
        last: whether what it made is the run's own.
        before: the steps of earlier stages.
    """

    run: Path
    name: str
    rows: Sequence[Mapping[str, Any]]
    last: bool
    before: int

    @property
    def place(self) -> Path:
        """Where what it made lies."""
        return self.run if self.last else self.run / FOLDER / self.name

    @cached_property
    def steps(self) -> tuple[int, int | None]:
        """Those that are done, as far as is known, and those planned: known of a stage that is done or exports."""
        with suppress(RunError, OSError, KeyError, TypeError, ValueError):
            if self.last:
                extra = architecture_of(self.place / "encoder").extra
                return int(extra["step"]), int(extra["total_steps"])
            steps = int(json.loads((self.place / FACTS).read_bytes())["steps"])
            return steps, steps
        return (int(self.rows[-1].get("step", 0)) - self.before if self.rows else 0), None

    def part(self) -> StagePart:
        """What the page says of it."""
        done, planned = self.steps
        there = self.last or planned is not None
        facts = [("Steps", f"{self.before + 1:,} to {self.before + done:,} of the run"), *_time(self.rows)]
        facts += _made(self.place, last=self.last) if there else []
        if not self.last and (self.place / "encoder").is_dir():
            command = shell_command("embed", self.place, "DATA", "--out", "embeddings.parquet")
            facts.append(("By itself", f"{command}; evaluate, search and report take {self.place} too"))
        curves = curves_of(self.rows, others=True) if self.rows else Absent("It wrote no line of metrics.")
        if there and isinstance(curves, Absent):
            curves = Curves(())  # it had nothing to draw, and nothing is missing
        pictures = left_pictures_of(self.place) if there else ()
        return StagePart(self.name, self._state(), done > 0, facts, curves, pictures)

    def _state(self) -> str:
        """How far it came, in words."""
        done, planned = self.steps
        if planned is None:
            return f"begun, {counted(done, 'step')} or more" if done else "not begun"
        return f"done, {counted(done, 'step')}" if done >= planned else f"half-finished, {done:,} of {planned:,} steps"


def _time(rows: Sequence[Mapping[str, Any]]) -> Pairs:
    found: list[tuple[str, str]] = []
    if rows and isinstance(seconds := rows[-1].get("seconds"), int | float):
        found.append(("Time", in_words(seconds)))
    rates = [(key, value) for row in rows for key, value in row.items() if key.endswith("_per_second") and value]
    if rates:
        key, value = rates[-1]
        found.append(("Speed", f"{value:,.0f} {key.removesuffix('_per_second')} a second"))
    return found


def _made(place: Path, *, last: bool) -> Pairs:
    """What lies in its folder, but for what belongs to the run, and what others put there."""
    left_out = _LATER | (_OF_THE_RUN if last else set())
    entries = sorted(place.iterdir()) if place.is_dir() else []
    words = [_described(entry) for entry in entries if entry.name not in left_out and not entry.name.startswith(".")]
    return [("Made", ", ".join(filter(None, words)) or "nothing that is kept")]


def _described(entry: Path) -> str:
    """`encoder/ (256 dimensions)`, `generator/`, `clusters.npy (1.2 kB)`; empty of a folder without files."""
    if entry.is_file():
        return f"{entry.name} ({size_in_words(entry.stat().st_size)})"
    files = [file for file in entry.rglob("*") if file.is_file()]
    if not files:
        return ""
    try:
        return f"{entry.name}/ ({counted(architecture_of(entry).dimension, 'dimension')})"
    except RunError:
        return f"{entry.name}/ ({size_in_words(sum(file.stat().st_size for file in files))})"
