"""What was measured of a patch, for people: the table that ends a run, and what a record holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from contrapose.evaluation.answers import BY_PICTURE, BY_WORDS, FOOLED, PROBE, RIGHT
from contrapose.methods.patching.defences import UNDEFENDED
from contrapose.methods.patching.effect import CLEAN, PATCHED, Row, Tables

SHOWN = (BY_PICTURE, BY_WORDS, FOOLED)


def rows_of(tables: Tables, learned_against: str) -> list[tuple[str, Row]]:
    """The rows of all tables, one after the other; behind a defence, whether the patch knew of it.

    Arguments:
        learned_against: the defence that it was learned against.
    """
    rows = list(tables[UNDEFENDED].items())
    for name, table in tables.items():
        if name != UNDEFENDED:
            stale = "it knows of it" if name == learned_against else "stale"
            rows += [(f"{name}: {CLEAN}", table[CLEAN]), (f"{name}: {PATCHED} ({stale})", table[PATCHED])]
    return rows


def in_columns(rows: list[tuple[str, Row]]) -> list[str]:
    """Lines of a table in percent: captions where they were asked for, and for each target how many classes are right,
    by neighbours and by a probe."""
    first = rows[0][1]
    targets = [name for name in first if name.endswith(f" {RIGHT}")]
    titles = {**{name: name for name in SHOWN if name in first}, **{name: _short(name) for name in targets}}
    width = max(len(name) for name, _ in rows)
    lines = ["  ".join((" " * width, *titles.values()))]
    for name, row in rows:
        cells = (f"{100 * row[column]:.1f}".rjust(len(title)) for column, title in titles.items())
        lines.append("  ".join((name.ljust(width), *cells)))
    return lines


def _short(name: str) -> str:
    """`label right` is that of neighbours, `label probe right` that of a probe."""
    target = name.removesuffix(f" {RIGHT}")
    return f"{target.removesuffix(f' {PROBE}')}, probe" if target.endswith(f" {PROBE}") else f"{target}, kNN"


def finite(rows: Mapping[str, Row]) -> dict[str, Any]:
    """Rows for JSON, which has no NaN: None where nothing could be lost."""
    return {
        row: {name: value if math.isfinite(value) else None for name, value in cells.items()}
        for row, cells in rows.items()
    }
