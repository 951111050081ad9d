"""Arms beside each other: one row an arm, one column a metric, the protocols below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.evaluation.metric import Metric

if TYPE_CHECKING:
    from rich.table import Table

Rows = Sequence[tuple[str, Mapping[str, Metric]]]
"""`(arm, {column: metric})` pairs, in the order in which they are shown."""

BETWEEN, UNCHANGED = "; ", "as they are"
"""Between the name of a metric and the condition it was measured under, and what the row without one is called."""

ABSENT = "-"
"""What an arm shows that lacks a metric: never 0 for "not measured"."""


def results_table(rows: Rows, *, title: str | None = None) -> Table:
    """The arms and their metrics as a rich table; the protocols are its caption.

    Arguments:
        rows: arms in order; columns appear in the order in which the arms first name them.
        title: shown above.

    Errors:
        ArgumentError: no arms, or none of them has a metric.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    header, *body = _cells(rows)
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    for position, name in enumerate(header):
        # Text, not str: an arm called "[x]" is not markup
        table.add_column(Text(name), justify="right" if position else "left", no_wrap=True)
    for cells in body:
        table.add_row(*map(Text, cells))
    table.caption = Text("\n".join(_protocols(rows)))
    return table


def results_text(
    rows: Rows, *, style: Literal["plain", "markdown"] = "plain", across: Literal["metrics", "arms"] = "metrics"
) -> str:
    """The same table as aligned text, or as Markdown for a README.

    Arguments:
        rows: as in `results_table`.
        style: `"plain"` or `"markdown"`.
        across: what the columns are; `"arms"` is narrower when there are many metrics.

    Errors:
        ArgumentError: an unknown style or direction, and what `results_table` refuses.
    """
    for option, value, known in (("style", style, ("plain", "markdown")), ("across", across, ("metrics", "arms"))):
        if value not in known:
            raise ArgumentError(f"Unknown {option} {value!r}.{did_you_mean(str(value), known)}")
    cells = _cells(rows)
    if across == "arms":
        cells = [list(column) for column in zip(*cells, strict=True)]
    if style == "markdown":
        cells = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    aligned = [
        [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        for row in cells
    ]
    if style == "markdown":
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = ["| " + " | ".join(row) + " |" for row in (aligned[0], rule, *aligned[1:])]
        return "\n".join([*lines, "", *(f"- {protocol}" for protocol in _protocols(rows))])
    rule = ["-" * width for width in widths]
    lines = ["  ".join(row).rstrip() for row in (aligned[0], rule, *aligned[1:])]
    return "\n".join([*lines, "", *_protocols(rows)])


def conditions_in_rows(arms: Mapping[str, Mapping[str, Metric]]) -> Mapping[str, Mapping[str, Metric]]:
    """One arm that was measured under several conditions, its metrics called `METRIC; CONDITION` there: a row for each.

    Several arms stay as they are, and so does one without conditions.
    """
    if len(arms) != 1:
        return arms
    (metrics,) = arms.values()
    if not any(BETWEEN in name for name in metrics):
        return arms
    rows: dict[str, dict[str, Metric]] = {}
    for name, metric in metrics.items():
        plain, _, condition = name.partition(BETWEEN)
        rows.setdefault(condition or UNCHANGED, {})[plain] = metric
    return rows


def _columns(rows: Rows) -> list[str]:
    names = list(dict.fromkeys(name for _, metrics in rows for name in metrics))
    if not names:
        raise ArgumentError(f"There is nothing to show: {len(rows)} arm(s) without a metric. Measure one first.")
    return names


def _cells(rows: Rows) -> list[list[str]]:
    names = _columns(rows)
    body = [[arm, *(str(metrics[name]) if name in metrics else ABSENT for name in names)] for arm, metrics in rows]
    return [["", *names], *body]


def _protocols(rows: Rows) -> list[str]:
    """A line for each metric; where arms were measured differently, a line for each way, with its arms."""
    lines = []
    for name in _columns(rows):
        arms: dict[str, list[str]] = {}
        for arm, metrics in rows:
            if name in metrics:
                arms.setdefault(f"{metrics[name].protocol}; n = {metrics[name].count:,}", []).append(arm)
        for protocol, who in arms.items():
            lines.append(f"{name}: {protocol}" if len(arms) == 1 else f"{name} ({', '.join(who)}): {protocol}")
    return [*lines, "In brackets: 95 % intervals."]
