from __future__ import annotations

import io

import pytest
from rich.console import Console

from contrapose.errors import ArgumentError
from contrapose.evaluation import Metric, results_table, results_text

KNN = Metric("kNN", 0.843, 0.821, 0.864, "top-1, k = 20", 2000)
LOW = Metric("kNN", 0.093, 0.081, 0.104, "top-1, k = 20", 2000)
PROBE = Metric("linear probe", 0.9, 0.88, 0.92, "strength 0.1", 2000)
OTHER = Metric("linear probe", 0.5, 0.48, 0.52, "strength 1", 1000)
ROWS = [
    ("raw [pixels]", {"kNN": LOW}),
    ("a|b", {"kNN": KNN, "linear probe": PROBE}),
    ("c", {"linear probe": OTHER}),
]


def test_plain_text_is_aligned_and_leaves_out_what_was_not_measured() -> None:
    assert results_text(ROWS).splitlines() == [
        "                              kNN         linear probe",
        "------------  -------------------  -------------------",
        "raw [pixels]    9.3 % [8.1, 10.4]                    -",
        "a|b           84.3 % [82.1, 86.4]  90.0 % [88.0, 92.0]",
        "c                               -  50.0 % [48.0, 52.0]",
        "",
        "kNN: top-1, k = 20; n = 2,000",
        "linear probe (a|b): strength 0.1; n = 2,000",
        "linear probe (c): strength 1; n = 1,000",
        "In brackets: 95 % intervals.",
    ]


def test_markdown_is_a_table_that_survives_pipes() -> None:
    lines = results_text(ROWS, style="markdown").splitlines()
    assert len({len(line) for line in lines[:5]}) == 1
    assert lines[1].startswith("| ----")
    assert lines[1].endswith("-: |")
    assert lines[3].startswith("| a\\|b ")
    assert lines[6] == "- kNN: top-1, k = 20; n = 2,000"


def test_the_rich_table_shows_every_cell_and_reads_no_markup() -> None:
    stream = io.StringIO()
    Console(file=stream, width=120).print(results_table(ROWS, title="Omniglot"))
    shown = stream.getvalue()
    for text in (
        "Omniglot",
        "raw [pixels]",
        "84.3 % [82.1, 86.4]",
        "50.0 % [48.0, 52.0]",
        "linear probe (c): strength 1",
    ):
        assert text in shown


def test_nothing_to_show_and_unknown_styles_are_errors() -> None:
    with pytest.raises(ArgumentError, match=r"1 arm\(s\) without a metric"):
        results_text([("raw", {})])
    with pytest.raises(ArgumentError, match="Did you mean 'markdown'"):
        results_text(ROWS, style="markdwn")  # type: ignore[arg-type]


def test_many_metrics_are_shown_with_the_arms_across() -> None:
    upright, turned = (results_text(ROWS, across=across).splitlines() for across in ("metrics", "arms"))
    table = [line.split("  ") for line in turned[: turned.index("")]]
    assert table[0][-1] == ROWS[-1][0]
    assert [row[0] for row in table[2:]] == list(dict.fromkeys(name for _, metrics in ROWS for name in metrics))
    assert turned[turned.index("") :] == upright[upright.index("") :]
    with pytest.raises(ArgumentError, match=r"Unknown across 'arm'\. Did you mean 'arms'"):
        results_text(ROWS, across="arm")  # type: ignore[arg-type]
