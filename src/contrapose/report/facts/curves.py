"""The curves of a run, from the lines of its `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contrapose.data.samples import evenly_spaced
from contrapose.report.page import Absent, Curve, Curves

MOST_POINTS = 1000  # a curve has no more pixels than that

KNOWN = (
    ("loss", "Loss", "What training lowers. Dashed: what it costs to know nothing (chance)."),
    ("learning_rate", "Learning rate", "How far a step goes."),
    ("gradient_norm", "Gradient norm", "How hard the loss pulls; spikes are steps that went wrong."),
    ("spread", "Spread", "1 = embeddings point everywhere alike; below 0.1 they have collapsed."),
    ("effective_rank", "Effective rank", "How many dimensions the embeddings of a batch use."),
)


MOST_OTHERS = 6  # numbers of a method's own that are drawn
_NO_CURVES = {*(key for key, *_ in KNOWN), "step", "epoch", "seconds", "chance", "embedding_norm"}


def curves_of(rows: Iterable[Mapping[str, Any]], *, others: bool = False) -> Curves | Absent:
    """Every known number that was ever recorded; lines in which it is null are passed over.

    Arguments:
        others: also what the method tells by itself: the first six such numbers that were recorded twice at least.
    """
    rows = list(rows)
    curves = [curve for key, name, meaning in KNOWN if (curve := _curve(rows, key, name, meaning)) is not None]
    if others:
        keys = dict.fromkeys(
            key for row in rows for key in row if not (key in _NO_CURVES or key.endswith("_per_second"))
        )
        own = (_curve(rows, key, _named(key), f"{key} in metrics.jsonl, as the method tells it.") for key in keys)
        curves += [curve for curve in own if curve is not None and len(curve.steps) > 1][:MOST_OTHERS]
    verdicts = list(dict.fromkeys((int(row.get("step", 0)), str(row["verdict"])) for row in rows if row.get("verdict")))
    if not curves and not verdicts:
        return Absent("metrics.jsonl holds no numbers: the run stopped before its first line of metrics.")
    return Curves(curves, verdicts)


def _curve(rows: Sequence[Mapping[str, Any]], key: str, name: str, meaning: str) -> Curve | None:
    found = [row for row in rows if _is_number(row.get(key)) and _is_number(row.get("step"))]
    if not found:
        return None
    last = len(found) - 1  # the end of a curve is what one looks for, and even spacing leaves it out
    kept = [found[place] for place in dict.fromkeys((*evenly_spaced(len(found), MOST_POINTS).tolist(), last))]
    chances = [row["chance"] for row in found if key == "loss" and _is_number(row.get("chance"))]
    return Curve(
        name,
        meaning,
        steps=[int(row["step"]) for row in kept],
        values=[float(row[key]) for row in kept],
        chance=float(chances[-1]) if chances else None,
    )


def _named(key: str) -> str:
    """`critic_loss` -> `Critic loss`."""
    words = key.replace("_", " ").strip() or key
    return words[:1].upper() + words[1:]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
