"""Runs set side by side: each metric with its interval, and what the others gain or lose against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contrapose.evaluation import Metric, metric_difference

FLOOR = " (floor)"
"""How the names of rows end that are no runs."""

CAUTION = (
    "Differences are to the baseline, in {units}, over the same items, with paired 95 % intervals; one that holds 0 is "
    "not resolved. Each interval is 95 % by itself, and of these trainings alone: the same training with another seed "
    "may differ by more."
)


@dataclass(frozen=True)
class Difference:
    """What a run gains over the baseline in one metric.

    Arguments:
        value, low, high: the mean difference and its 95 % interval.
        percent: whether the metric is a percentage.
        sign: 1 where more is better, -1 where less is (an error), 0 where that is not known.
    """

    value: float
    low: float
    high: float
    percent: bool
    sign: int = 1

    @classmethod
    def between(cls, metric: Metric, baseline: Metric) -> Difference | None:
        """`metric` minus `baseline`, item by item or draw by draw; None where it kept neither."""
        found = metric_difference(metric, baseline)
        return None if found is None else cls(*found, percent=metric.percent, sign=metric.sign)

    @property
    def verdict(self) -> str:
        """`better`, `worse` (or `higher`, `lower`), or `not resolved` where the interval holds 0."""
        if self.low <= 0 <= self.high:
            return "not resolved"
        words = ("better", "worse") if self.sign else ("higher", "lower")
        return words[0] if self.value * (self.sign or 1) > 0 else words[1]

    def __str__(self) -> str:
        if self.percent:
            return f"{100 * self.value:+.1f} [{100 * self.low:+.1f}, {100 * self.high:+.1f}] {self.verdict}"
        return f"{self.value:+.4g} [{self.low:+.4g}, {self.high:+.4g}] {self.verdict}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "verdict": self.verdict}


@dataclass(frozen=True)
class Comparison:
    """What `contrapose compare` found.

    Arguments:
        data: what was measured on, in a sentence.
        baseline: the name of the run that the others are compared with.
        rows: name -> metrics, the runs in order and then the floors.
        options: for each option in which the runs differ, name -> its value; a run whose method lacks it is absent.
        alike: `(run, other run) -> CKA` of their embeddings of the test part, when they were embedded.
        notes: what a reader should know, a sentence each without its full stop.
    """

    data: str
    baseline: str
    rows: Mapping[str, Mapping[str, Metric]]
    options: Mapping[str, Mapping[str, Any]]
    alike: Mapping[tuple[str, str], float]
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that every run has, in the baseline's order; a floor may lack some."""
        runs = [row for name, row in self.rows.items() if not name.endswith(FLOOR)]
        return [name for name in self.rows[self.baseline] if all(name in row for row in runs)]

    @property
    def caution(self) -> str:
        """What a reader of the differences should know."""
        percents = {self.rows[self.baseline][name].percent for name in self.metrics}
        units = {True: "points", False: "the units of each measure"}
        return CAUTION.format(units=" or ".join(units[percent] for percent in sorted(percents, reverse=True)))

    def difference(self, row: str, metric: str) -> Difference | None:
        """What `row` gains over the baseline; None for numbers that cannot be paired."""
        return Difference.between(self.rows[row][metric], self.rows[self.baseline][metric])

    def text(self) -> str:
        """For the screen: a block a metric, then the options that differ, likeness, and notes."""
        blocks = [self.data, *map(self._block, self.metrics), self.caution]
        if self.options:
            runs = list(dict.fromkeys(name for values in self.options.values() for name in values))
            table = [["options that differ", *runs]]
            table += [[key, *(_shown(values, run) for run in runs)] for key, values in self.options.items()]
            blocks.append(_aligned(table))
        if self.alike:
            table = [[f"{one} and {other}", f"{value:.3f}"] for (one, other), value in self.alike.items()]
            blocks.append("CKA of the test embeddings (1 = the same up to rotation and scale)\n" + _aligned(table))
        if self.notes:
            blocks.append("\n".join(f"Note: {note}." for note in self.notes))
        return "\n\n".join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows: dict[str, dict[str, Any]] = {}
        for row, metrics in self.rows.items():
            rows[row] = {}
            for name in filter(metrics.__contains__, self.metrics):
                found = None if row == self.baseline else self.difference(row, name)
                gain = None if found is None else found.to_dict()
                rows[row][name] = {**metrics[name].to_dict(), "difference": gain}
        return {
            "data": self.data,
            "baseline": self.baseline,
            "rows": rows,
            "options": {key: dict(values) for key, values in self.options.items()},
            "cka": [{"runs": list(pair), "value": value} for pair, value in self.alike.items()],
            "notes": [*self.notes, self.caution.rstrip(".")],
        }

    def _block(self, metric: str) -> str:
        table: list[list[str]] = []
        protocols: dict[str, list[str]] = {}
        for name, row in self.rows.items():
            if metric not in row:
                continue
            gain = self.difference(name, metric)
            last = "baseline" if name == self.baseline else "cannot be paired" if gain is None else str(gain)
            table.append([f"  {name}", str(row[metric]), last])
            protocols.setdefault(f"{row[metric].protocol}; n = {row[metric].count:,}", []).append(name)
        how = [text if len(protocols) == 1 else f"{text} ({', '.join(who)})" for text, who in protocols.items()]
        return "\n".join([metric, _aligned(table), *(f"    {line}" for line in how)])


def _shown(values: Mapping[str, Any], run: str) -> str:
    return str(values[run]) if run in values else "-"


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
