"""What is told of tables before training: columns that say nothing, or twice, or drown the rest; and what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contrapose.data.rows import open_rows
from contrapose.data.rows.facts import row_facts
from contrapose.data.rows.problems import row_problems

N = 200
RANDOM = np.random.default_rng(0)
CLEAN = {
    "age": RANDOM.integers(18, 90, N).tolist(),
    "height": RANDOM.normal(170, 9, N).tolist(),
    "city": RANDOM.choice(["Rome", "Oslo", "Bonn"], N).tolist(),
    "label": RANDOM.choice(["yes", "no"], N).tolist(),
}


def told(**columns: Any) -> dict[str, str]:
    rows = open_rows({**CLEAN, **columns})
    return {problem.kind: problem.text for problem in row_problems(rows)}


def changed(values: list[Any], **at: Any) -> list[Any]:
    return [at.get(f"row{row}", value) for row, value in enumerate(values)]


def test_a_clean_table_has_no_problems() -> None:
    assert told() == {}


@pytest.mark.parametrize(
    ("column", "kind", "text"),
    [
        ({"number": list(range(7, 7 + N))}, "identifier", r"'number' looks like a name of each row (7, 8, ...)"),
        (
            {"customer_id": (RANDOM.permutation(N) * 7 + 3).tolist()},
            "identifier",
            "leave it out with --ignore-columns customer_id",
        ),
        ({"name": [f"n{row % 150}" for row in range(N)]}, "identifier", "'name' looks like a name of each row"),
        ({"cabin": [None if row % 4 else row * 0.37 for row in range(N)]}, "missing", "no value in 75 % of the rows"),
        ({"flag": changed([0] * N, row3=1)}, "hardly varies", "'flag' is 0 in 99.5 % of the rows"),
        (
            {"old": changed(CLEAN["age"], row5=-999, row6=-999)},
            "mark",
            "'old' is -999 in 2 rows, far from all else",
        ),
        ({"feet": [value / 30.48 for value in CLEAN["height"]]}, "twins", "'height' and 'feet'"),
        ({"answer": [5 if one == "yes" else 2 for one in CLEAN["label"]]}, "leak", "'answer' is the target"),
    ],
)
def test_each_column_that_harms_is_named(column: dict[str, list[Any]], kind: str, text: str) -> None:
    found = told(**column)
    assert list(found) == [kind]
    assert text in found[kind]


def test_a_number_far_from_all_others_is_named() -> None:
    values = np.random.default_rng(1).normal(0, 1, 2000)
    values[9] = 1e9
    (problem,) = row_problems(open_rows({"pay": values, "age": np.random.default_rng(2).normal(0, 1, 2000)}))
    assert problem.kind == "far"
    assert "1e+09 in row 9" in problem.text


def test_a_column_that_is_the_number_to_predict_is_told() -> None:
    price = np.random.default_rng(1).normal(0, 1, N)
    rows = open_rows({**CLEAN, "price": price, "euros": price * 0.9 + 1}, number_column="price")
    assert next(problem.text for problem in row_problems(rows) if problem.kind == "leak").startswith("'euros' is the")


def test_classes_that_are_rather_a_number_are_told() -> None:
    found = told(label=[row % 90 for row in range(N)])
    assert "The labels are 90 different numbers in 200 rows" in found["number"]
    assert "number" not in told(label=[row % 9 for row in range(N)])


def test_copies_are_told() -> None:
    rows = open_rows({name: [*values, values[3]] for name, values in CLEAN.items()})
    assert ["3 = 200 (" in problem.text for problem in row_problems(rows)] == [True]


def test_few_rows_are_not_judged_by_chance() -> None:
    assert list(row_problems(open_rows({"id": [1, 2, 3], "b": [2.0, 4.0, 6.0]}))) == []


def test_a_line_a_column_says_what_it_holds() -> None:
    lines = row_facts(
        open_rows({"age": [1.0, 2.0, None, 9.0], "income": [0.0, 1e6, 2e6, 3e6], "city": ["b", "a", "b", None]})
    )
    assert lines[0] == "age     number    1 to 9, median 2, 25 % missing"
    assert lines[2] == "city    category  2 values: b 67 %, a 33 %, 25 % missing"
    assert "differ by a factor of 3" in lines[3]
    many = row_facts(open_rows(np.random.default_rng(0).normal(size=(30, 40))))
    assert many[-1] == "and 10 columns more"
