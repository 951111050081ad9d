"""Whoever registers a method says what it does, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path

from contrapose.methods import METHODS
from contrapose.methods.method import QUESTIONS

ROOT = Path(__file__).parents[2]


def test_every_method_has_its_row_and_its_cost() -> None:
    page = (ROOT / "docs" / "methods.md").read_text()
    costs = {row["method"] for row in json.loads((ROOT / "results/benchmarks/method_cost.json").read_text())["rows"]}
    for name in METHODS:
        assert f"\n| `{name}` " in page
        assert name in costs


def test_every_question_has_an_answer() -> None:
    assert {kind.about.question for kind in METHODS.values()} == set(QUESTIONS)
