"""Sets of scored pairs in a folder, a table a set or several: the benchmarks that are told by name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.files.names import expanded
from contrapose.data.tables.named import HUB, TABLES, is_saved
from contrapose.data.tables.pairs import PairColumns, ScoredPairs, pair_columns, read_pairs
from contrapose.data.tables.sources import Source, of_table
from contrapose.words import counted

BENCHMARKS = {
    **{f"sts{year}": f"STS{year}" for year in range(12, 17)},
    **{f"sts20{year}": f"STS{year}" for year in range(12, 17)},
    **dict.fromkeys(("stsb", "stsbenchmark"), "STS-B"),
    **dict.fromkeys(("sick", "sickr", "sick2014"), "SICK-R"),
}
"""The seven usual sets by what their files are called, letters and digits alone: `STS-B.csv`, `sick_r_test.parquet`."""
YEARS = {str(2000 + year): f"STS{year}" for year in range(12, 17)}
"""The same by a column `year` of a file that is called sts and something."""
NAMED_BY = ("dataset", "subset")
TEST = "test"


def read_pair_sets(
    spec: Any, modality: str, *, asked: Sequence[str] | None = None, score: str | None = None
) -> ScoredPairs | None:
    """The scored pairs of all tables of a folder that have some; None where there is no such folder.

    A set is a table, called by its file, or what a column `dataset` or `subset` calls so; one called sts, with a column
    of the years 2012 to 2016, is a set a year. Of a table whose column `split` has a part `test`, that part is taken,
    as benchmarks are meant. Scores of different sets may be on different scales, so they are never pooled.

    Arguments:
        asked, score: as in `pair_columns`, of all tables alike.

    Errors:
        ArgumentError, DataError: as of `pair_columns` and `read_pairs`.
    """
    if modality != "text" or not isinstance(spec, str | os.PathLike) or os.fspath(spec).startswith(HUB):
        return None
    folder = expanded(os.fspath(spec))
    if not folder.is_dir() or is_saved(folder):
        return None
    sets = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLES):
        table = of_table([path])
        columns = pair_columns(table.kinds, modality, asked=asked, score=score, origin=table.origin)
        if columns is not None:
            sets.append(_sets_of(path, table, columns))
    if not sets:
        return None
    names = np.concatenate([found.subsets for found in sets if found.subsets is not None])  # (N,)
    known = list(dict.fromkeys(names.tolist()))
    usual = [name for name in dict.fromkeys(BENCHMARKS.values()) if name in known]
    usual += [name for name in known if name not in usual]
    order = np.argsort([usual.index(name) for name in names], kind="stable")  # (N,), in the order that they are named
    return ScoredPairs(
        [text for found in sets for text in found.first],
        [text for found in sets for text in found.second],
        np.concatenate([found.scores for found in sets]),
        names,
        f"{counted(len(known), 'set')} of pairs in {folder}",
        tuple(dict.fromkeys(note for found in sets for note in found.notes)),
        pooled=False,
    ).subset(order)


def _sets_of(path: Path, table: Source, columns: PairColumns) -> ScoredPairs:
    """The pairs of a table, each with the name of its set; its test part where it has one."""
    found = read_pairs(table, columns)
    notes = [f"{path.name}: {found.notes[0]}"]
    if found.splits is not None and TEST in found.splits.tolist():
        rows = np.flatnonzero(found.splits == TEST)  # (n,)
        if len(rows) < len(found.scores):
            notes.append(f"{path.name}: {len(rows):,} of {len(found.scores):,} pairs, its test part")
        found = found.subset(rows)
    own = re.sub(r"[^a-z0-9]", "", path.stem.lower())
    name = BENCHMARKS.get(own.removesuffix(TEST), path.stem)
    names = np.full(len(found.scores), name, object)  # (n,)
    by_column = found.subsets is not None and columns.subset is not None
    if by_column and str(columns.subset).lower() in NAMED_BY:
        assert found.subsets is not None
        names = np.array([BENCHMARKS.get(re.sub(r"[^a-z0-9]", "", one.lower()), one) for one in found.subsets], object)
    elif by_column and own.startswith("sts") and {*found.subsets.tolist()} <= {*YEARS}:  # type: ignore[union-attr]
        names = np.array([YEARS[year] for year in found.subsets], object)  # type: ignore[union-attr]
    return ScoredPairs(found.first, found.second, found.scores, names, found.origin, tuple(notes), pooled=False)
