"""The part of the page on growing data: what `benchmarks/growth.py` has recorded, and whether it is flat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peers.environment import ROOT

GROWTH = ROOT / "results" / "benchmarks" / "growth.json"
FLAT = 1.1
"""What a sample costs among the most data, over what it costs among the fewest: at most so much."""


def table(record: Path) -> str:
    """A row for each kind of work; nothing where it was not measured."""
    if not record.exists():
        return ""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(record.read_text())["rows"]:
        found.setdefault(row["work"], []).append(row)
    counts = ", ".join(f"{row['pictures']:,}" for row in next(iter(found.values())))
    text = f"""
## As data grow

What a picture (of a training: a step) costs among {counts} of them, and the memory that the process holds by itself;
aimed at: flat within 10 %. `python benchmarks/growth.py --out results/benchmarks/growth.json`

| work | ms each | the dearest over the first | MB | the most over the first |
|---|---|---|---|---|
"""
    return text + "\n".join(_line(work, rows) for work, rows in found.items())


def _line(work: str, rows: list[dict[str, Any]]) -> str:
    held = [row["anonymous_bytes"] / 1e6 for row in rows]
    each = ", ".join(f"{row['milliseconds_each']:.3g}" for row in rows)
    grown = max(row["flat"] for row in rows)
    megabytes = ", ".join(f"{one:,.0f}" for one in held)
    return f"| {work} | {each} | {_judged(grown)} | {megabytes} | {_judged(max(held) / max(1.0, held[0]))} |"


def _judged(ratio: float) -> str:
    return f"{ratio:.3g}: {'hit' if ratio <= FLAT else '**missed**'}"
