"""The two tasks of programs: copies with renamed variables, and one side of a pair that looks for the other."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.embedder import Embedder
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import TASKS, Given, Targets, task_for
from contrapose.tasks.renaming import MOST, Renamed
from contrapose.views.texts.programs.python_names import local_names

FUNCTIONS = [
    f'def {word}(left, right, third):\n    """What {word} does."""\n'
    f"    middle = left\n    return middle, right, third.{word}\n"
    for word in ("red", "green", "blue", "small", "large", "old", "new", "dog", "cat", "bird", "house", "tree")
]


def test_copies_are_nested_without_docstrings_and_say_how_many_variables_there_were() -> None:
    found = Renamed.of([*FUNCTIONS, FUNCTIONS[0], "not a program", "def f():\n    return 1\n"], seed=1)
    assert len(found.originals) == 12
    assert found.variables.tolist() == [4] * 12
    assert found.rows.tolist() == list(range(12))
    assert sorted(found.copies) == list(range(MOST + 1))
    assert found.copies[0] == found.originals
    for row, original in enumerate(found.originals):
        assert ast.get_docstring(ast.parse(original).body[0]) is None
        own = set(local_names(original))
        kept = [own & set(local_names(found.copies[k][row])) for k in range(MOST + 1)]
        assert [len(names) for names in kept] == [4, 3, 2, 1, 0, 0, 0, 0, 0]
        assert all(less <= more for more, less in pairwise(kept))
    assert len(Renamed.of(FUNCTIONS, least=5).originals) == 0
    borrowed = Renamed.of(FUNCTIONS, pool=["one", "two", "three", "four"]).copies[8][0]
    assert set(local_names(borrowed)) == {"one", "two", "three", "four"}
    assert Renamed.of(FUNCTIONS, seed=1).copies == Renamed.of(FUNCTIONS, seed=1).copies


def test_an_encoder_that_reads_names_alone_loses_what_is_renamed(
    given: Callable[..., Given], of_texts: Encoder
) -> None:
    found = given(of_texts, FUNCTIONS)
    assert task_for(found) is TASKS["renaming"]
    measurement = TASKS["renaming"].prepare(found)

    def by_names(samples: Any) -> np.ndarray:
        """Rows by the names of variables, and by the function's."""
        texts = samples.batch(np.arange(len(samples)))
        rows = np.zeros((len(texts), 13))
        for row, text in enumerate(texts):
            intact = "left" in text and "right" in text and "third" in text and "middle" in text
            word = ast.parse(text).body[0].name  # type: ignore[attr-defined]
            own = [name.split("(")[0].split()[-1] for name in FUNCTIONS].index(word)
            rows[row, own if intact else 12] = 1
        return rows

    metrics, _ = measurement(by_names)
    values = {name: metric.value for name, metric in metrics.items()}
    assert values["found again, 0 renamed"] == 1.0
    assert values["found again, 1 renamed"] == values["found again, mean of 1 to 8"] == 0.0
    assert any("12 of 12 programs have fewer than 8 variables" in note for note in measurement.notes)
    metrics, _ = measurement(Embedder(of_texts).embed)
    assert metrics["found again, 0 renamed"].count == 12


def test_too_few_programs_and_other_texts_are_refused(given: Callable[..., Given], of_texts: Encoder) -> None:
    with pytest.raises(DataError, match=r"has 9 different programs .* give 10 or more"):
        TASKS["renaming"].prepare(given(of_texts, FUNCTIONS[:9]))
    with pytest.raises(DataError, match="The task renaming needs functions of Python"):
        task_for(given(of_texts, ["some words", "other words"]), "renaming")
    labelled = {"text": FUNCTIONS, "label": ["a", "b"] * 6}
    assert task_for(given(of_texts, labelled)).name == "labelled-table"
    assert task_for(given(of_texts, labelled), "renaming").name == "renaming"


def test_each_comment_looks_for_its_program_and_equal_programs_are_one(
    given: Callable[..., Given], of_texts: Encoder
) -> None:
    table = {"about": ["a", "b", "c", "d"], "body": ["a", "b", "b", None], "n": [1, 2, 3, 4]}
    found = given(of_texts, table, targets=Targets(pair_columns=("about", "body")))
    measurement = TASKS["paired-search"].prepare(found)

    def embed(samples: Any) -> np.ndarray:
        texts = samples.batch(np.arange(len(samples)))
        return np.asarray([{"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [0.9, 0.1]}[text] for text in texts])

    metrics, rows = measurement(embed)
    assert rows.shape == (6, 2)
    assert metrics["MRR"].value == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert metrics["recall@1"].value == pytest.approx(2 / 3)
    assert set(metrics) == {"MRR", "recall@1"}
    assert measurement.notes[1] == "1 row without one of the sides left out"
    blank, _ = measurement(lambda samples: np.zeros((6, 2), np.float32))
    assert 0 < blank["MRR"].value < 1, "texts without known words are near nothing, not near each other"


def test_which_columns_are_pairs(given: Callable[..., Given], of_texts: Encoder) -> None:
    table = {"language": ["x", "y"], "code": ["a b", "c d"], "docstring": ["a", "c"]}
    assert task_for(given(of_texts, table)).name == "paired-search"
    assert "'docstring' and 'code'" in TASKS["paired-search"].prepare(given(of_texts, table)).data
    with pytest.raises(ArgumentError, match="nothing"):
        task_for(given(of_texts, table, targets=Targets(pair_columns=("nothing", "code"))))
    torch.manual_seed(0)
