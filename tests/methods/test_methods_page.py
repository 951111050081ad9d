"""Whoever registers a method says what it does, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contrapose.methods import METHODS, methods_of
from contrapose.methods.about import QUESTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "methods.md").read_text()


def test_every_method_has_its_row_and_its_cost() -> None:
    costs = _costs()
    for name in METHODS:
        trains = METHODS[name].verb == "train"
        assert (f"\n| `{name}` " if trains else f"\n- `{name}`") in PAGE
        assert name in costs or not trains


def test_the_costs_on_the_page_are_those_that_were_measured() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:3] == "| `"]
    assert len(rows) > len(methods_of("train"))
    for first, *_, time, memory, _ in rows:
        name = first.replace("`", "").replace("(", "").replace(")", "")  # "multiview mv_info_nce"
        row = _costs().get(name) or _costs()[name.split()[0]]
        assert (time, memory) == (f"{row['time_ratio']:.2f}", f"{row['memory_ratio']:.2f}"), first
    simclr = _costs()["simclr"]
    assert f"`simclr`'s {simclr['seconds']:.2f} s and {simclr['peak_bytes'] / 2**20:.0f} MiB" in PAGE


def _costs() -> dict[str, dict[str, Any]]:
    # of a method in several, the row of the joint run
    names = ("stages", "text", "items", "later", "sequences", "mae", "graph", "guided", "pairs")
    files = (*(f"method_cost_{name}.json" for name in names), "method_cost.json")
    found = [json.loads((ROOT / "results/benchmarks" / name).read_text())["rows"] for name in files]
    return {row["method"]: row for rows in found for row in rows}


def test_every_question_has_an_answer() -> None:
    assert {kind.about.question for kind in METHODS.values()} == set(QUESTIONS)
