"""`docs/benchmarks.md`, as the records have it: nothing in the table is written by hand but why a target was missed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from peers.growth import GROWTH, table
from peers.row import OURS
from peers.rows import ROWS

COLUMNS = ("figure", "contrapose", "peers", "ours over theirs: median [least, most]", "memory", "aimed at", "")
HEAD = f"| {' | '.join(COLUMNS)} |\n|{len(COLUMNS) * '---|'}"

INTRODUCTION = """# Beside peers

Each row was measured in one run: every contender in a process of its own, asked in turns, on the same data, in the same
precision, on one thread (pretraining: as many as there are cores); a ratio is of two contenders in the same round.
Memory is what a call took beside what its process held before. Values (losses, gradients, weights, predictions) were
compared, and where they were not near enough the row says so. This page is made from the records in
`results/benchmarks/peers` by `python benchmarks/peers --page`; a row is measured again by the command below its figure,
all of them by `python benchmarks/peers --all`, which makes its own environment first.
"""


def records(folder: Path) -> list[dict[str, Any]]:
    """Of all rows that were measured, in the order of the table; quick looks are none."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json")) if path.stem in ROWS}
    reasons = folder / "reasons.json"
    why: dict[str, str] = json.loads(reasons.read_text()) if reasons.exists() else {}
    kept = [found[name] for name in ROWS if name in found and not found[name]["quick"]]
    return [{**record, "why": why.get(record["row"])} for record in kept]


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return f"{INTRODUCTION}\nNo row has been measured yet.\n"
    parts = [INTRODUCTION, _machines(rows), "\n".join([HEAD, *map(line, rows)]), _missed(rows), table(GROWTH)]
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def line(record: Mapping[str, Any]) -> str:
    """A row of the table."""
    arms = record["arms"]
    peers = {name: arm for name, arm in arms.items() if name != OURS}
    cells = [
        f"{record['figure']}<br>`python benchmarks/peers {record['row']}`",
        _spent(arms[OURS]),
        _each((name, _spent(arm)) for name, arm in peers.items()),
        _each((name, _ratio(record, name)) for name in peers if name in record["ratios"]),
        _each((name, _memory(arm)) for name, arm in arms.items() if arm.get("peak_bytes") is not None),
        "<br>".join(_aim(target) for target in record["targets"]),
        "<br>".join(_verdict(target) for target in record["targets"]),
    ]
    return f"| {' | '.join(cells)} |"


def _each(pairs: Iterable[tuple[str, str]]) -> str:
    return "<br>".join(f"{name}: {said}" for name, said in pairs)


def _spent(arm: Mapping[str, Any]) -> str:
    if "seconds" not in arm:
        return str(arm.get("skipped", "not measured"))
    seconds = arm["seconds"]
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def _ratio(record: Mapping[str, Any], peer: str) -> str:
    ratio = record["ratios"][peer]
    said = f"{ratio['median']:.3g}"
    if ratio["rounds"] > 1:
        said += f" [{ratio['least']:.3g}, {ratio['most']:.3g}]"
    agrees = record["agreement"].get(peer, {}).get("agrees", True)
    return said if agrees else f"{said}, **values differ**"


def _memory(arm: Mapping[str, Any]) -> str:
    megabytes = arm["peak_bytes"] / 1e6
    return f"{megabytes / 1e3:.2f} GB" if megabytes >= 1e3 else f"{megabytes:.3g} MB"


def _aim(target: Mapping[str, Any]) -> str:
    most = "at_most" in target
    return f"{target['words']}: {'at most' if most else 'at least'} {_short(target['at_most' if most else 'at_least'])}"


def _verdict(target: Mapping[str, Any]) -> str:
    if target["hit"] is None:
        return "not measured"
    return f"{_short(target['measured'])}: {'hit' if target['hit'] else '**missed**'}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _machines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where and with what; once where all rows are of one, else each with its rows."""
    found: dict[str, list[str]] = {}
    for record in rows:
        found.setdefault(_where(record["environment"]), []).append(record["row"])
    if len(found) == 1:
        return f"{next(iter(found))}\n"
    return "\n".join(f"- {', '.join(f'`{name}`' for name in names)}: {where}" for where, names in found.items()) + "\n"


def _where(environment: Mapping[str, Any]) -> str:
    machine, versions = environment["machine"], environment["versions"]
    peers = ", ".join(f"{name} {version}" for name, version in environment["peers"].items())
    held = f", {machine['memory_gib']:.0f} GiB" if machine["memory_gib"] else ""
    names = ("torch", "numpy", "scikit-learn")
    own = ", ".join([f"Python {versions['python']}", *(f"{name} {versions[name]}" for name in names)])
    cores = f"{machine['processor']}, {machine['cores']} cores{held}"
    return f"{cores}; {own}, {peers}; commit {environment['commit']}."


def _missed(rows: Sequence[Mapping[str, Any]]) -> str:
    """By how much, and why."""
    lines = [
        f"- `{record['row']}`, {target['words']}: {_short(target['measured'])} where {_limit(target)} was aimed at, "
        f"{_by(target)} off.{' ' + record['why'] if record.get('why') else ''}"
        for record in rows
        for target in record["targets"]
        if target["hit"] is False
    ]
    return "\n".join(["\n## Missed\n", *lines]) if lines else ""


def _limit(target: Mapping[str, Any]) -> str:
    return _aim(target).rpartition(": ")[2]


def _by(target: Mapping[str, Any]) -> str:
    limit = target.get("at_most", target.get("at_least"))
    assert limit is not None
    return f"{abs(target['measured'] / limit - 1):.0%}"
