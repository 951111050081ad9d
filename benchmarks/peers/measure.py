"""A row measured: all arms in processes of their own, asked in turns, their answers compared.

Every round asks each arm for the same work, forwards and backwards by turns, so that a busy moment meets all alike; a
ratio is of two arms in the same round, and what is reported is the median of these with the least and the most. The
first call of each arm is not among the rounds, unless there is no time for a second: its memory is what is measured,
above what its process held before (packages, data, a call on something small).
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from peers.row import OURS, Row, Settings

LEAST_SECONDS = 0.2  # a short call is repeated for so long
BRIEF = 10.0  # seconds of a call that is asked for in three rounds at least
MEMORY_SHARE = 0.6  # of the machine's, above which an arm that says what it takes is not begun


class Asked(Protocol):
    """A `Child`, or what stands in for one."""

    def ask(self, line: str) -> dict[str, Any]: ...
    def answers(self) -> dict[str, np.ndarray]: ...
    def stop(self) -> None: ...


Start = Callable[[str, str, Settings, Path], Asked]


def measure(row: Row, start: Start, failed: type[Exception], *, quick: bool = False) -> dict[str, Any]:
    """The record of a row, ready for JSON, but for where it was measured."""
    settings = {**row.settings, **(row.quick if quick else {}), "threads": row.threads or os.cpu_count() or 1}
    begun = time.monotonic()
    arms: dict[str, dict[str, Any]] = {name: {} for name in row.arms}
    with tempfile.TemporaryDirectory() as folder:
        children: dict[str, Asked] = {}
        try:
            for name, arm in row.arms.items():
                reason = _too_much(arm.needs(settings)) if arm.needs else None
                if reason:
                    arms[name]["skipped"] = reason
                    continue
                children[name] = start(row.name, name, settings, Path(folder))
            _ask_all(children, arms, "prepare", failed)
            _ask_all(children, arms, "first", failed)
            seconds = 1.0 if quick else row.seconds
            asked = {name: child.answers() for name, child in children.items()}
            most, patience = 2 if quick else row.rounds, row.patience
            rounds = _rounds(children, arms, seconds, most, patience, failed)
        finally:
            for child in children.values():
                child.stop()
    record = {
        "row": row.name,
        "figure": row.figure,
        "quick": quick,
        "settings": settings,
        "arms": {name: _summary(found, rounds.get(name, [])) for name, found in arms.items()},
        "ratios": {
            peer: ratio
            for peer, arm in row.arms.items()
            if peer != OURS and arm.beside and (ratio := _ratios(arms, rounds, peer))
        },
        "answers": {
            name: {what: float(value) for what, value in found.items() if value.ndim == 0}
            for name, found in asked.items()
        },
        "agreement": agree(asked, row.tolerances),
    }
    record["derived"] = row.derive(record) if row.derive else {}
    record["targets"] = [_judged(target, record) for target in row.targets]
    record["seconds_taken"] = round(time.monotonic() - begun, 1)
    return record


def _too_much(needed: int) -> str | None:
    held = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed <= MEMORY_SHARE * held:
        return None
    most = f"{MEMORY_SHARE:.0%} of this machine's memory is {MEMORY_SHARE * held / 1e9:.1f} GB"
    return f"does not fit: it takes {needed / 1e9:,.1f} GB, {most}"


def _ask_all(children: dict[str, Asked], arms: dict[str, dict[str, Any]], line: str, failed: type[Exception]) -> None:
    """One after the other; those that cannot are told of in the record, and asked no more."""
    for name in list(children):
        try:
            arms[name] |= children[name].ask(line)
        except failed as error:
            arms[name]["skipped"] = str(error)
        if "skipped" in arms[name]:
            children.pop(name).stop()


def _rounds(
    children: dict[str, Asked],
    arms: dict[str, dict[str, Any]],
    seconds: float,
    most: int,
    patience: float,
    failed: type[Exception],
) -> dict[str, list[dict[str, Any]]]:
    """What each arm took in each round. A slow arm takes part in few, spread over all of them."""
    first = {name: arms[name]["seconds"] for name in children}
    calls = {name: max(1, min(1000, round(LEAST_SECONDS / max(spent, 1e-6)))) for name, spent in first.items()}
    share = seconds / max(1, len(children))
    own = {name: _own_rounds(spent, share / calls[name], most, patience) for name, spent in first.items()}
    number = max(own.values(), default=0)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in children}
    for turn in range(number):
        for name in list(children) if turn % 2 == 0 else list(reversed(children)):
            if own[name] and (turn * own[name]) // number != ((turn - 1) * own[name]) // number:
                try:
                    found[name].append({"round": turn, **children[name].ask(f"again {calls[name]}")})
                except failed as error:
                    arms[name]["stopped"] = str(error)
                    children.pop(name).stop()
    for name, spent in first.items():
        if not found[name]:  # the first call stands for an arm that there was no time to ask again
            found[name] = [{"round": None, "seconds": spent, "processor": arms[name]["processor"]}]
    return found


def _own_rounds(spent: float, share: float, most: int, patience: float) -> int:
    if spent > patience:
        return 0
    return min(most, max(3 if spent < BRIEF else 1, int(share / spent)))


def _summary(found: Mapping[str, Any], rounds: list[dict[str, Any]]) -> dict[str, Any]:
    kept = {name: found[name] for name in ("peak_bytes", "skipped", "stopped") if name in found}
    if not rounds:
        return kept
    return {
        "seconds": statistics.median(one["seconds"] for one in rounds),
        "processor_seconds": statistics.median(one["processor"] for one in rounds),
        "rounds": [round(one["seconds"], 6) for one in rounds],
        "first_seconds": round(found["seconds"], 6),
        **kept,
    }


def _ratios(
    arms: dict[str, dict[str, Any]], rounds: dict[str, list[dict[str, Any]]], peer: str
) -> dict[str, Any] | None:
    """Our time over the peer's, of rounds that both did; of medians where a call of one is all there is."""
    ours, theirs = rounds.get(OURS), rounds.get(peer)
    if not ours or not theirs:
        return None
    of_round = {one["round"]: one["seconds"] for one in theirs}
    ratios = [one["seconds"] / of_round[one["round"]] for one in ours if one["round"] in of_round]
    if not ratios:
        middle = [statistics.median(one["seconds"] for one in some) for some in (ours, theirs)]
        ratios = [middle[0] / middle[1]]
    memory = [arms[name].get("peak_bytes") for name in (OURS, peer)]
    return {
        "median": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "rounds": len(ratios),
        "memory": memory[0] / memory[1] if memory[0] is not None and memory[1] else None,
    }


def agree(answers: Mapping[str, Mapping[str, np.ndarray]], tolerances: Mapping[str, float]) -> dict[str, Any]:
    """How far each peer's answers are from ours, and whether that is near enough."""
    ours = answers.get(OURS, {})
    compared: dict[str, Any] = {}
    for peer, theirs in answers.items():
        differences = {
            name: _difference(ours[name], theirs[name])
            for name in tolerances
            if peer != OURS and name in ours and name in theirs
        }
        if differences:
            near = all(differences[name] <= tolerances[name] for name in differences)
            compared[peer] = {"differences": differences, "agrees": near}
    return compared


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest, relative to the largest of ours; of whole numbers, which are names, the share that differs."""
    if ours.ndim and np.issubdtype(ours.dtype, np.integer):
        return float((ours != theirs).mean())
    return float(np.abs(theirs - ours).max() / (np.abs(ours).max() or 1.0))


def _judged(target: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    number = target.number(record)
    limits = {name: value for name in ("at_most", "at_least") if (value := getattr(target, name)) is not None}
    return {"words": target.words, **limits, "measured": number, "hit": None if number is None else target.hit(number)}
