"""`contrapose analyse suppression`: factors of made pictures and of tables, stages and references beside, one sentence
for a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.analyse_suppression import AnalyseSuppressionOptions, analyse_suppression
from contrapose.commands.factors import factors_of, with_asked
from contrapose.data import open_data
from contrapose.data.images.made import trifeature
from contrapose.errors import ArgumentError, DataError

QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 20, "encoder": "tiny_conv", "quiet": True, "device": "cpu"}
QUICK |= {"projection_hidden": 8, "projection_dimension": 4}
DATA, TEST = "made:trifeature?count=80", "made:trifeature?count=60&seed=1"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = str(tmp_path_factory.mktemp("suppression") / "run")
    options = {**QUICK, "stage_count": 2, "clusters": 2, "stage_dimension": 8}
    return contrapose.train("mcl", data=DATA, out=place, **options).path


def test_every_factor_of_every_arm_is_told_and_kept(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    main(["analyse", "suppression", str(run), "--test-data", TEST, "--device", "cpu"])
    said = capsys.readouterr().out
    for words in ("colour (6 classes)", "80 samples to learn from, 60 to test on", "train-2 alone", "Read worst: "):
        assert words in said
    record = json.loads((run / "suppression.json").read_text())
    assert list(record["arms"]) == ["trained", "train-1 alone", "train-2 alone", "untrained", "raw pixels"]
    assert list(record["factors"]) == ["colour", "shape", "texture"]
    for metrics in record["arms"].values():
        values = [metrics[name]["value"] for name in record["factors"]]
        assert metrics["minimum"]["value"] == min(values)
        assert metrics["mean"]["value"] == pytest.approx(np.mean(values))
    assert record["samples"] == {"known": 80, "asked": 60}
    assert {"commit", "versions"} <= record.keys()
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_reference_says_what_could_be_known(run: Path, tmp_path: Path) -> None:
    """An encoder is not suppressed beside itself, and a part of it at most a little."""
    part = str(run / "stages" / "train-1" / "encoder")
    said: list[str] = []
    options = AnalyseSuppressionOptions(run=str(run), test_data=TEST, references=(part, str(run)), out=tmp_path / "out")
    record = analyse_suppression(options, say=said.append)
    below = {name: metric["value"] for name, metric in record["suppressed"].items()}
    values = {arm: {name: record["arms"][arm][name]["value"] for name in below} for arm in ("trained", part)}
    assert below == pytest.approx({name: max(0, values[part][name] - values["trained"][name]) for name in below})
    assert any(line.startswith("texture: ") and line.endswith("suppressed") for line in said)
    assert (tmp_path / "out" / "suppression.json").is_file()


def test_a_table_with_two_label_columns_and_a_fifth_held_out(tmp_path: Path) -> None:
    made = trifeature(100, seed=5)
    columns = {name: np.asarray(made.names_of[name])[made.targets[name].astype(int)] for name in ("colour", "shape")}
    np.savez(tmp_path / "made.npz", images=made.pixels.transpose(0, 2, 3, 1), **columns)

    def opened(data: Any, **options: Any) -> Any:
        return open_data(data, **options)

    factors = factors_of(opened, str(tmp_path / "made.npz"), ("colour", "shape"))
    known, asked = with_asked(factors, opened, None, seed=0)
    assert len(known) + len(asked) == 100
    assert not set(known.identifiers) & set(asked.identifiers)
    whole = factors.classes(factors.samples)
    assert (whole["colour"] == columns["colour"]).all()
    assert (whole["shape"] == columns["shape"]).all()
    with pytest.raises(DataError, match="has 0 factors to tell apart: name two columns"):
        factors_of(opened, str(tmp_path / "made.npz"))
    with pytest.raises(ArgumentError, match="has no array 'size'"):
        factors_of(opened, str(tmp_path / "made.npz"), ("colour", "size"))


def test_test_data_that_were_learned_from_are_left_out_and_others_asked() -> None:
    factors = factors_of(open_data, "made:trifeature?count=50")
    with pytest.raises(DataError, match="All of made:trifeature"):
        with_asked(factors, open_data, "made:trifeature?count=50", seed=0)
    known, asked = with_asked(factors, open_data, "made:trifeature?count=30&seed=2", seed=0)
    assert (len(known), len(asked)) == (50, 30)
    truth = trifeature(30, seed=2)
    expected = np.asarray(truth.names_of["texture"])[truth.targets["texture"].astype(int)]
    assert (factors.classes(asked)["texture"] == expected).all()  # by name, whatever the numbers


def test_mistakes_are_one_sentence(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["analyse", "suppression", str(run), "--data", "omniglot"])
    assert (
        "name two columns of classes or more with --label-columns, or take made:trifeature" in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        main(["analyse", "suppression", str(run), "--label-columns", "colour", "size"])
    assert "no classes 'size'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["analyse", "supression", str(run)])
    assert "Did you mean 'suppression'" in capsys.readouterr().err
