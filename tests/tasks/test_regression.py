"""Regression as a task: what it reads, what it refuses, and that right embeddings answer rightly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.compare import compare
from contrapose.commands.report import report
from contrapose.data import Samples
from contrapose.data.rows import Rows, open_rows
from contrapose.data.samples import NUMBER
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import Given, Measurement, Targets
from contrapose.tasks.regression import MEAN, REGRESSION

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


def prepared(given: Callable[..., Given], encoder: Encoder, data: Any, **options: Any) -> Measurement:
    targets = Targets(number_column=options.pop("number_column", "age"), numbers=options.pop("numbers", None))
    return REGRESSION.prepare(given(encoder, data, targets=targets, **options))


def test_embeddings_that_know_the_number_have_the_closed_form(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    found = prepared(given, of_rows, rows)

    def knows(samples: Samples) -> np.ndarray:
        return samples.targets[NUMBER][:, None]

    metrics, test = found(knows)
    assert metrics["MAE"].value < 0.01
    assert metrics["R2"].value > 0.999
    assert metrics["order score"].value == pytest.approx(1)
    mean = found.floors()[MEAN]
    assert len(test) == 12
    assert mean["R2"].value <= 0
    known, wanted = found.known.targets[NUMBER], test[:, 0]
    assert mean["MAE"].value == pytest.approx(np.abs(wanted - known.mean()).mean())
    assert mean["RMSE"].value == pytest.approx(np.sqrt(np.square(wanted - known.mean()).mean()))


def test_embeddings_that_are_all_alike_have_no_order_and_say_so(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    found = prepared(given, of_rows, rows)
    metrics, _ = found(lambda samples: np.ones((len(samples), 2)))
    assert metrics["R2"].value == pytest.approx(found.floors()[MEAN]["R2"].value)
    assert "order score" not in metrics
    assert any(note.startswith("no order score: All distances of embeddings are equal") for note in found.notes)


def test_rows_without_a_number_are_left_out_and_copies_kept_together(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    age = rows["age"].copy()
    age[:10] = np.nan
    twice = {name: np.concatenate([values, values]) for name, values in {**rows, "age": age}.items()}
    found = prepared(given, of_rows, twice)
    assert "20 of 120 rows have no number, and are left out" in found.notes
    assert any("copies were kept in one part" in note for note in found.notes)
    assert found.setting.test.count + len(found.known) == 100
    bank = {row.tobytes() for row in found.known.contents()}
    assert len(bank) == len(found.known) // 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda age: np.full(60, 3.0), r"numbers of a dict to learn from are 3: there is nothing to predict"),
        (lambda age: np.full(60, np.nan), "holds no number"),
        (lambda age: np.where(np.arange(60) < 4, age, np.nan), "has 4 numbers, and a regression needs 3 to learn from"),
        (lambda age: np.where(np.arange(60) < 4, np.inf, age), "infinite numbers"),
    ],
)
def test_numbers_that_tell_nothing_are_refused(
    change: Callable[..., Any], said: str, given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    with pytest.raises(DataError, match=said):
        prepared(given, of_rows, {**rows, "age": change(rows["age"])})


def test_a_column_that_is_not_there_is_named(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    with pytest.raises(ArgumentError, match=r"has no column 'aeg'.*Did you mean 'age'"):
        prepared(given, of_rows, rows, number_column="aeg")
    with pytest.raises(ArgumentError, match="has no column 'age'"):
        prepared(given, of_rows, rows, test_data={name: rows[name] for name in "abc"})


def test_numbers_from_python(given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]) -> None:
    data = {name: rows[name] for name in "abc"}
    found = prepared(given, of_rows, data, number_column=None, numbers=rows["age"].tolist())
    column = prepared(given, of_rows, rows)
    assert found.setting == column.setting
    with pytest.raises(DataError, match="59 numbers for 60 rows: give one for each"):
        prepared(given, of_rows, data, number_column=None, numbers=rows["age"][1:])
    with pytest.raises(ArgumentError, match="test_data need some too"):
        prepared(given, of_rows, data, number_column=None, numbers=rows["age"], test_data=data)
    opened = open_rows(rows, number_column="age")
    assert isinstance(opened, Rows)
    carried = REGRESSION.prepare(given(of_rows, opened, trained_for="number"))
    assert carried.setting.test.labels == column.setting.test.labels


def test_test_data_that_were_learned_from_are_told(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    found = prepared(given, of_rows, rows, test_data={name: values[:20] for name, values in rows.items()})
    assert found.leaked == 20
    assert any("20 of 20 test rows are also in --data" in note for note in found.notes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on one table, of which the first was trained for its column of ages."""
    root = tmp_path_factory.mktemp("numbers")
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    lines = [f"{a:.4f},{b:.4f},{c:.4f},{40 + 10 * a + 5 * b:.3f},{'xy'[int(a > 0)]}" for a, b, c in x]
    (root / "table.csv").write_text("a,b,c,age,label\n" + "\n".join(lines) + "\n")
    data = str(root / "table.csv")
    for name, temperature in (("one", 0.5), ("two", 2.0)):
        contrapose.train(
            "supremix", data=data, number_column="age", temperature=temperature, out=str(root / name), **QUICK
        )
    return root


def test_a_run_trained_for_a_number_is_evaluated_by_it(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", str(trained / "one")])
    shown = capsys.readouterr().out
    assert "numbers from 'age'\nTask: regression\n" in shown
    assert "the encoder was trained with the numbers of these very rows" in shown
    assert "(less is better)" in shown
    record = json.loads((trained / "one" / "evaluation.json").read_text())
    assert record["task"] == "regression"
    assert list(record["arms"]) == ["trained", "untrained", "standardised columns", MEAN]
    assert list(record["arms"]["trained"]) == ["MAE", "RMSE", "R2", "order score"]
    assert record["sources"]["number_column"] == "age"
    main(["evaluate", str(trained / "two"), "--task", "labelled-table", "--k", "3"])
    assert "Task: labelled-table" in capsys.readouterr().out


def test_two_regressions_are_paired_and_lower_is_better(trained: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(trained / name, tmp_path / name)
        contrapose.evaluate(tmp_path / name, data=trained / "table.csv", quiet=True)
    found = compare([tmp_path / "one", tmp_path / "two"])
    for name, better in (("MAE", -1), ("RMSE", -1), ("R2", 1)):
        gap = found.difference("two", name)
        assert gap is not None
        one, two = (found.rows[run][name].value for run in ("one", "two"))
        assert gap.value == pytest.approx(two - one)
        floor = found.difference(f"{MEAN} (floor)", name)
        assert floor is not None
        assert floor.verdict == "worse"
        assert floor.value * better < 0
    measured = compare([tmp_path / "one", tmp_path / "two"], data=trained / "table.csv", quiet=True)
    assert measured.rows["two"]["MAE"].value == pytest.approx(found.rows["two"]["MAE"].value)
    assert measured.difference("two", "R2") == found.difference("two", "R2")


def test_the_report_names_the_task_and_groups_the_map_by_the_number(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    run = shutil.copytree(trained / "one", tmp_path / "run")
    contrapose.evaluate(run, data=trained / "table.csv", quiet=True)
    page = report(run, quiet=True).read_text()
    assert "task regression" in page
    assert "mean of the training numbers" in page
    assert "1: " in page
