"""Rows of tables go all the way: train, resume, evaluate, embed, search, report, export, start from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.columns import Column
from contrapose.commands.data_check import data_check
from contrapose.data import kind_of, open_data
from contrapose.data.rows import open_rows
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.modalities import MODALITIES

pl = pytest.importorskip("polars")

QUICK = ("--epochs", "2", "--batch-size", "32", "--projection-hidden", "16", "--projection-dimension", "8")
JOBS = ["clerk", "farmer", "nurse", "pilot"]


@pytest.fixture
def table(tmp_path: Path) -> str:
    """96 people; their pay says which job they have, mostly."""
    random = np.random.default_rng(0)
    job = random.integers(0, 4, 96)
    age = random.integers(18, 80, 96)
    frame = pl.DataFrame(
        {
            "id": [f"p{row}" for row in range(96)],
            "age": [None if row % 10 == 0 else int(value) for row, value in enumerate(age)],
            "job": [JOBS[place] for place in job],
            "pay": (1000 * job + 10 * age + random.normal(0, 100, 96)).round(1),
            "rich": np.where(job + age / 80 > 2.2, "yes", "no"),
        }
    )
    frame.write_csv(tmp_path / "people.csv")
    return str(tmp_path / "people.csv")


@pytest.fixture
def run(table: str, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    main(["train", "simclr", "--data", table, "--label-column", "rich", *QUICK, "--out", str(path)])
    return path


def test_a_run_on_a_table_does_all_that_runs_do(
    run: Path, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "config.json").read_text())
    assert record["modality"] == "rows"
    assert record["data"]["columns"] == {"age": "number", "job": "category", "pay": "number"}
    main(["train", "--resume", str(run), "--epochs", "3"])
    capsys.readouterr()

    main(["evaluate", str(run), "--data", table, "--k", "5"])
    arms = json.loads((run / "evaluation.json").read_text())["arms"]
    assert {"trained", "untrained", "standardised columns"} <= set(arms)
    assert arms["standardised columns"]["linear probe"]["value"] > 0.8

    main(["embed", str(run), table, "--out", str(tmp_path / "e.parquet")])
    embedded = pl.read_parquet(tmp_path / "e.parquet")
    assert len(embedded) == 96
    assert embedded["label"].to_list() == pl.read_csv(table)["rich"].to_list()  # by the run's own label column

    capsys.readouterr()
    main(["search", str(run), table, "--in", table, "-k", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("0: age missing, job ")
    assert lines[1].split()[:3] == ["1", "1.0000", "0"]  # each row finds itself first
    assert "job" in lines[1]

    main(["report", str(run), "--out", str(tmp_path / "report.html")])
    assert "cells exchanged for those of other rows" in (tmp_path / "report.html").read_text()
    main(["export", str(run), "--to", "folder", "--out", str(tmp_path / "model")])
    assert "with the columns age, job (category), pay" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize(("flag", "column"), [("--label-column", "job"), ("--number-column", "pay")])
def test_a_column_that_the_encoder_takes_is_no_honest_target(
    flag: str, column: str, run: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["evaluate", str(run), "--data", table, flag, column, "--k", "5"])
    said = f"'{column}' is one of the columns that the encoder takes, so the answer is in the question"
    assert said in capsys.readouterr().out
    main(["evaluate", str(run), "--data", table, "--k", "5"])
    assert "in the question" not in capsys.readouterr().out


def test_other_tables_are_read_by_the_encoders_columns(run: Path) -> None:
    encoder = contrapose.load(run)
    people = {"pay": [2500.0, 100.0], "job": ["pilot", "astronaut"], "age": [40, None], "shoe": [41, 42]}
    both = encoder.embed(people)
    assert both.shape == (2, encoder.dimension)
    one = {"age": 40, "pay": 2500.0, "job": "pilot"}
    assert np.allclose(encoder.embed(one)[0], both[0], atol=1e-6)
    twice = {name: cells * 2 for name, cells in people.items()}
    assert np.allclose(encoder.embed(open_rows(twice))[:2], both, atol=1e-6)  # whatever numbers its words have there
    with pytest.raises(DataError, match="lacks the column 'job'"):
        encoder.embed({"age": [1.0], "pay": [2.0]})
    with pytest.raises(ArgumentError, match="given pictures"):
        encoder.embed(open_data(np.zeros((2, 8, 8), np.uint8)))


def test_training_starts_from_a_run_on_another_table(run: Path, table: str, tmp_path: Path) -> None:
    frame = pl.read_csv(table).sample(fraction=0.7, seed=0).with_columns(pl.col("job").replace("pilot", "sailor"))
    frame.select("pay", "job", "rich", "age").write_csv(tmp_path / "other.csv")
    out = tmp_path / "moco"
    words = ["moco", "--data", str(tmp_path / "other.csv"), "--init", str(run), *QUICK, "--out", str(out)]
    main(["train", *words])
    before, after = (contrapose.load(path).encoder for path in (run, out))
    assert [column.name for column in after.columns] == ["age", "job", "pay"]
    assert after.columns[1] == Column("job", tuple(JOBS))
    assert after.form == before.form


def test_a_number_is_learned_from(table: str, tmp_path: Path) -> None:
    out = tmp_path / "supremix"
    main(["train", "supremix", "--data", table, "--number-column", "pay", *QUICK, "--out", str(out)])
    names = [column.name for column in contrapose.load(out).encoder.columns]
    assert names == ["age", "job", "rich"]


def test_arrays_and_options_from_python(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(64, 5))
    options = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}
    views = {"corruption_rate": 0.3, "keep_first": False}
    run = contrapose.train("simclr", data=x, views=views, out=str(tmp_path / "a"), **options)
    z = run.load().embed(x)
    assert z.shape == (64, run.load().dimension)
    assert np.isfinite(z).all()
    own = contrapose.train("simclr", data=x, views=lambda row: row + 1, out=str(tmp_path / "b"), **options)
    assert own.outcome.finished
    ignored = contrapose.train("simclr", data=x, ignore_columns=["column 1"], out=str(tmp_path / "c"), **options).load()
    assert ignored.encoder.features == 4
    moved = x.copy()
    moved[:, 1] += 1
    assert np.array_equal(ignored.embed(x), ignored.embed(moved))


def test_the_floor_is_fitted_to_what_is_known() -> None:
    known = open_rows({"a": [0.0, 2.0, np.nan, 4.0], "b": ["x", "y", "x", "y"]})
    asked = open_rows({"a": [2.0, np.nan], "b": ["y", None]}, columns=known.columns)
    features = MODALITIES["rows"].floor(known)(asked)
    assert np.allclose(features, [[0, 0, 1], [0, 0, 0]], atol=1e-5)
    assert features.any(axis=1).all()  # each has a direction


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"a": [1.0, 2.0], "b": ["x", "y"]}, "rows"),
        ({"label": [1, 0], "image": ["a.png", "b.png"]}, "image"),
        ({"a": ["x", "y", "x"], "b": ["u", "u", "v"], "label": [0, 1, 1]}, "rows"),
        ([{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}], "rows"),
        (np.zeros((4, 3)), "rows"),
        (np.zeros((4, 8, 8)), "image"),
    ],
)
def test_what_tables_look_like(spec: object, kind: str) -> None:
    assert kind_of(spec) == kind


def test_a_slip_is_told_in_a_sentence(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["train", "simclr", "--data", table, "--ignore-columns", "jobs"], "no column 'jobs'"),
        (["train", "simclr", "--data", table, "--encoder", "resnet18"], "resnet18"),
        (["train", "simclr", "--data", table, "--views.corruption-rate", "2"], "from 0 to 1"),
    ):
        with pytest.raises((SystemExit, ContraposeError)) as stopped:
            main(words)
        assert told in str(stopped.value) + capsys.readouterr().err
    assert "2 numbers and 1 category" in data_check(table, label_column="rich", quiet=True).summary
