"""The table of what was measured, from the metrics of every arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contrapose.evaluation import Metric
from contrapose.evaluation.table import ABSENT, conditions_in_rows
from contrapose.report.page import Results


def results_of(
    data: str,
    arms: Mapping[str, Mapping[str, Metric]],
    *,
    notes: Sequence[str] = (),
    limits: Sequence[str] = (),
    diagnosis: Mapping[str, Any] | None = None,
    task: str = "",
) -> Results:
    """Arms (the trained encoder and its floors), or the conditions of one arm, in rows, metrics in columns.

    Arguments:
        data: what was evaluated on, in a sentence.
        arms: arm -> name of the metric -> metric.
        notes: what a reader of the numbers should know.
        limits: what the numbers do not show.
        diagnosis: a `Diagnosis` as a dictionary, when one was made.
        task: the name of what was measured.
    """
    arms = conditions_in_rows(arms)
    columns = list(dict.fromkeys(name for metrics in arms.values() for name in metrics))
    rows = [
        (arm, [str(metrics[name]) if name in metrics else ABSENT for name in columns]) for arm, metrics in arms.items()
    ]
    protocols = dict.fromkeys(
        f"{name}: {metric.protocol}; n = {metric.count:,}."
        for metrics in arms.values()
        for name, metric in metrics.items()
    )
    found = diagnosis or {"values": {}, "settings": {}, "findings": ()}
    return Results(
        data=f"{data}, task {task}" if task else data,
        columns=columns,
        rows=rows,
        notes=["In brackets: 95 % intervals.", *protocols, *notes],
        limits=limits,
        diagnosis=[(name, f"{value:.4g}", str(found["settings"][name])) for name, value in found["values"].items()],
        findings=[str(finding) for finding in found["findings"]],
    )
