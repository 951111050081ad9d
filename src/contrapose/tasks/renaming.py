"""Renamed programs: does an encoder find a function again once k of its variables have other names?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from contrapose.data import derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.errors import DataError
from contrapose.evaluation import Metric, found_again
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.views.texts.programs.parts import parts_of
from contrapose.views.texts.programs.python_names import local_names, renamed_one_by_one
from contrapose.words import counted

MOST = 8
"""Variables that are renamed at most, as in the paper's figure."""
SHOWN = (0, 1, 2, 4, 8)
"""Of which these are printed; with `full` all."""
LIMIT = 1_000
"""Programs that are asked, evenly spaced over all [design]: each is embedded ten times."""
FEWEST = 10
LOOKED_AT = 50


@dataclass(frozen=True)
class Renamed:
    """Programs, and copies of them with 0 to 8 variables renamed.

    Arguments:
        originals: N programs without their docstrings, as `ast.unparse` writes them.
        copies: for each k such programs with min(k, n) of their n variables renamed; those of a smaller k are among
            those of a larger one.
        variables: `(N,)`, n, at most 8.
        rows: `(N,)`, which of the texts they were.
    """

    originals: list[str]
    copies: dict[int, list[str]]
    variables: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], *, seed: int = 0, least: int = 1, pool: Sequence[str] = ()) -> Renamed:
        """Of those texts that are Python with `least` variables or more; each different program once.

        Arguments:
            seed: draws which variables.
            pool: names that they get; v0, v1, ... without.
        """
        found: dict[str, int] = {}
        for row, text in enumerate(texts):
            parts = parts_of(text)
            if parts.python and len(local_names(parts.program)) >= least:
                found.setdefault(parts.program, row)
        steps = [
            renamed_one_by_one(text, np.random.default_rng([seed, row]), most=MOST, pool=pool)
            for text, row in found.items()
        ]
        copies = {0: [*found]}
        for k in range(1, MOST + 1):
            copies[k] = [
                own[min(k, len(own)) - 1].text if own else text for own, text in zip(steps, found, strict=True)
            ]
        counts = np.asarray([len(own) for own in steps], np.int64)
        return cls([*found], copies, counts, np.asarray([*found.values()], np.int64))


class _RenamedPrograms(Measurement):
    """Functions looked for by their renamed copies."""

    noun = "program"
    named = False

    def __init__(self, given: Given) -> None:
        samples = given.samples
        if given.test_data is not None:
            raise DataError("Nothing is learned from renamed programs, so --test-data has no place: give --data alone.")
        texts = samples.batch(np.arange(len(samples)))
        found = Renamed.of([texts[row] for row in evenly_spaced(len(texts), LIMIT)], seed=given.seed)
        if len(found.originals) < FEWEST:
            raise DataError(
                f"{samples.origin} has {counted(len(found.originals), 'different program')} of Python with a variable "
                f"that could be renamed: give {FEWEST} or more."
            )
        self.found, self.seed, self.full = found, given.seed, given.full
        self.copies = {k: given.bring(copies) for k, copies in found.copies.items()}
        self.known = self.copies[0]
        self.data = f"{samples.origin}, {counted(len(self.known), 'program')} without docstrings"
        self.setting = Setting("renamed programs", {"seed": given.seed}, Identity.of(self.known, found.variables))
        self._unknown = 0

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (N, D)
        changed = {k: rows if k == 0 else embed(copies) for k, copies in self.copies.items()}
        found = found_again(rows, changed, generator=derived_generator(self.seed, INTERVALS))
        self._unknown = max(self._unknown, found.count - found.known)
        shown = found.curve if self.full else {k: found.curve[k] for k in SHOWN}
        metrics = [replace(metric, name=f"found again, {k} renamed") for k, metric in shown.items()]
        metrics.append(replace(found.area, name=f"found again, mean of 1 to {MOST}"))
        return {metric.name: self._pairable(metric, found.known) for metric in metrics}, rows

    def _pairable(self, metric: Metric, known: int) -> Metric:
        """Without items where some programs were left out: those of another arm may be others."""
        return metric if known == len(self.known) else replace(metric, items=None)

    @property
    def notes(self) -> tuple[str, ...]:
        fewer = int((self.found.variables < MOST).sum())
        notes = [
            f"new names are v0, v1, ...; {fewer:,} of {len(self.known):,} programs have fewer than {MOST} variables, "
            "and all of theirs were renamed from there on"
        ]
        if self._unknown:
            notes.append(
                f"up to {counted(self._unknown, 'program')} not found unchanged left out, as each metric's count says"
            )
        return tuple(notes)


class _Renaming(Task):
    name = "renaming"
    needs = (
        "functions of Python with variables to rename (.py files and folders of them, python-functions, or a column of "
        "such texts), and --task renaming where these have labels"
    )
    uses = ("labels",)  # whether there are any, where no task was named
    modalities = ("text",)

    def fits(self, given: Given) -> bool:
        asked = given.targets
        if asked.label or asked.number or not self.takes(given) or given.pairs is not None:
            return False
        unlabelled = given.samples.labels is None or asked.without_labels
        return unlabelled and given.usual_column is None and self.possible(given)

    def prepare(self, given: Given) -> Measurement:
        return _RenamedPrograms(given)

    def possible(self, given: Given) -> bool:
        """Whether most of some samples are such functions."""
        if not self.takes(given) or given.pairs is not None:
            return False
        samples = given.samples
        some = samples.batch(evenly_spaced(len(samples), LOOKED_AT))
        return sum(bool(local_names(text)) for text in some) > len(some) / 2


RENAMING = _Renaming()
