"""The table in sentences: what each change takes beside noise of its size, and whether the towers look poisoned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.evaluation.paired import metric_difference
from contrapose.robustness.backdoors import Limits, Suspects
from contrapose.tasks.robustness_table.changes import Change
from contrapose.tasks.task import Metrics

GAIN = Limits().least_gain
"""How many pictures of others have to go over to a class before it is named as suspect: as `repair invertune` asks."""
LOOKED_AWAY = (
    "not looked for: changes made for one picture each, changes of words, larger sizes, longer searches, triggers that "
    "are no patch. What was found bounds from below what could be found; a small effect is no proof of safety"
)

NO_BETTER = "no better than chance, or than always naming the largest class"


def losses(clean: Metrics, rows: Mapping[str, Metrics]) -> list[dict[str, Any]]:
    """What each row takes of each metric, with the interval of the paired difference."""
    found = []
    for name, metrics in rows.items():
        for metric, value in metrics.items():
            lost = metric_difference(clean[metric], value)
            if lost is not None:
                found.append({"row": name, "metric": metric, "lost": lost.value, "low": lost.low, "high": lost.high})
    return found


def above_chance(clean: Metrics, chances: Mapping[str, float]) -> list[str]:
    """The metrics that are better than chance before anything is changed: from others nothing can be taken."""
    return [name for name, metric in clean.items() if metric.low > chances.get(name, 0.0)]


def in_sentences(
    changes: Sequence[Change], lost: Sequence[Mapping[str, Any]], clean: Metrics, alive: Sequence[str]
) -> list[str]:
    """The worst corruption, and each found or saved change beside noise and grey of its size, by the first metric that
    is better than chance; and which ones are not."""
    dead = [f"{name} ({clean[name]})" for name in clean if name not in alive]
    if not alive:
        return [f"nothing can be lost: before anything is changed, {', '.join(dead)} is {NO_BETTER}"]
    metric = alive[0]
    by_row = {one["row"]: one for one in lost if one["metric"] == metric}
    told = []
    worst = max(
        (one for one in changes if one.of == "corruption" and one.name in by_row),
        key=lambda one: by_row[one.name]["lost"],
        default=None,
    )
    if worst is not None:
        told.append(f"of the corruptions {worst.name} takes most of {metric}: {_points(by_row[worst.name])}")
    for change in changes:
        if change.of not in ("found", "saved") or change.name not in by_row:
            continue
        beside = [one for one in changes if one.beside == change.name and one.name in by_row]
        others = "; ".join(f"{one.name.split(' for ')[0]} as large {_points(by_row[one.name])}" for one in beside)
        told.append(f"{change.name} takes {_points(by_row[change.name])} of {metric}{'; ' if others else ''}{others}")
    if dead:
        told.append(f"{NO_BETTER}, before anything is changed, so that nothing can be lost: {', '.join(dead)}")
    return told


def scanned(names: Sequence[str], before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """How the towers' answers move under the patch that has no aim: `before` and `after` are class numbers `(N,)`."""
    found = Suspects.of(torch.from_numpy(before), torch.from_numpy(after), len(names))
    first = found.order[0]
    return {
        "class": names[first],
        "before": float(found.before[first]),
        "after": float(found.after[first]),
        "stands_out": bool(found.clear and found.gained[first] >= GAIN),
    }


def scan_in_words(scan: Mapping[str, Any]) -> str:
    """A suspicion, which is no verdict."""
    where = f"{scan['class']!r}, {100 * scan['before']:.1f} to {100 * scan['after']:.1f} % of the answers"
    if scan["stands_out"]:
        return (
            f"poisoned? Under the patch without aim answers pile up on {where}: a suspicion and no verdict. contrapose "
            "repair invertune RUN --data CLEAN_PAIRS looks for a trigger, and how easy one of other classes is"
        )
    return (
        f"poisoned? Under the patch without aim to no class {100 * GAIN:.0f} % of the others go over (the first is "
        f"{where}; those of clean towers pile up somewhere, too), which is no proof that nothing was planted; "
        "contrapose repair invertune RUN --data CLEAN_PAIRS looks further"
    )


def repair_in_words(repair: Mapping[str, Any], run: str) -> str:
    """What `repair.json` says; of other towers it says nothing of these."""
    if repair.get("these_towers") is False:
        return (
            f"poisoned? {run} looked into other towers, so what it found says nothing of these: contrapose repair "
            "invertune RUN --data CLEAN_PAIRS looks into them"
        )
    reasons = "; ".join(map(str, repair.get("reasons", ())))
    if repair["found"]:
        before, after = (repair.get(when, {}).get("trigger_success") for when in ("before", "after"))
        known = before is not None and after is not None
        shares = (
            ""
            if not known
            else f": of other pictures it took {100 * before:.1f} % before the repair, {100 * after:.1f} % after"
        )
        return f"poisoned? {run} found a trigger of {repair['target']!r}{shares}"
    return f"poisoned? {run} found no trigger{f' ({reasons})' if reasons else ''}, which is no proof that there is none"


def _points(lost: Mapping[str, Any]) -> str:
    value, low, high = (100 * lost[name] for name in ("lost", "low", "high"))
    return f"{value:.1f} points [{low:.1f}, {high:.1f}]"
