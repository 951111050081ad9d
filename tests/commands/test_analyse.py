"""`contrapose analyse temperature`: one picture and one file, resumed after a kill, mistakes in one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from contrapose.cli import main
from contrapose.commands.analyse import AnalyseTemperatureOptions, _configurations, _ground, analyse_temperature
from contrapose.commands.temperature_sweep import SHARES, Point, _trend

pytest.importorskip("altair", reason="the picture needs the extra `report`")
pytest.importorskip("vl_convert", reason="the picture needs the extra `report`")


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> str:
    path = tmp_path / "pictures.npz"
    np.savez(path, images=pictures.transpose(0, 2, 3, 1), labels=np.repeat([0, 1, 2], 32))
    return str(path)


def quick(data: str, out: Path, **options: Any) -> AnalyseTemperatureOptions:
    settled = {"temperatures": (1.0, 0.1), "epochs": 1, "seeds": 2, "batch_size": 16, "device": "cpu"}
    return AnalyseTemperatureOptions(data=data, out=out, **{**settled, **options})


def test_a_sweep_is_a_picture_and_a_file_and_resumes(data: str, tmp_path: Path) -> None:
    out, said = tmp_path / "out", []
    record = analyse_temperature(quick(data, out), say=said.append)
    assert json.loads((out / "temperature.json").read_text()) == record
    assert record["temperatures"] == [0.1, 1.0]
    assert len(record["points"]) == 4
    assert {"commit", "versions", "machine", "time"} <= record.keys()
    assert str(tmp_path) not in json.dumps(record)  # whose machine it was is nobody's business
    for point in record["points"]:
        shares = [point[f"share {share:.0%}"] for share in SHARES]
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0)
        assert 0 <= point["kNN"] <= 1
        assert 0 < point["entropy"] <= 1
    assert "adamw, one learning rate (0.002) for all temperatures" in record["protocol"]
    assert record["training"]["schedule"] == "cosine"
    assert record["training"]["batch_size"] == 16
    assert not {"temperature", "seed", "data", "limit", "out"} & record["training"].keys()
    cosine_of = {"positives": "positives", "10 hardest": "the 10 hardest", "rest": "the rest"}
    centres = (np.arange(40) + 0.5) / 20 - 1
    for temperature, histograms in record["histograms"].items():
        for name, histogram in histograms.items():
            mean = record["summary"][temperature][f"cosine of {cosine_of[name]}"]["value"]
            assert sum(histogram) == pytest.approx(1)
            assert float(centres @ histogram) == pytest.approx(mean, abs=0.0251)
    cold, warm = (record["summary"][key]["share 10%"]["value"] for key in ("0.1", "1"))
    assert cold > warm > 0.1
    picture = ElementTree.parse(out / "temperature.svg").getroot()
    words = " ".join(picture.itertext())
    said_by_it = ("What the temperature of simclr does", "Uniformity", "Tolerance", "Accuracy", "repulsion", "2 seeds")
    for word in (*said_by_it, "Cosines at temperature 0.1", "Cosines at temperature 1"):
        assert word in words
    assert any("kNN is best at temperature" in line for line in said)

    next((out / "points").glob("simclr-1-seed0-*.json")).unlink()
    said.clear()
    again = analyse_temperature(quick(data, out), say=said.append)
    assert sum("finished before" in line for line in said) == 3
    for before, after in zip(record["points"], again["points"], strict=True):
        assert {**before, "seconds": 0} == {**after, "seconds": 0}
    said.clear()
    analyse_temperature(quick(data, out, epochs=2, seeds=1), say=said.append)
    assert not any("finished before" in line for line in said)  # other numbers, other files


def test_the_hard_loss_leaves_the_easy_negatives_alone(data: str, tmp_path: Path) -> None:
    options = quick(data, tmp_path / "out", method="hard-contrastive", alpha=0.2, seeds=1)
    record = analyse_temperature(options, say=lambda line: None)
    assert all(point["share 50%"] == pytest.approx(1.0) for point in record["points"])
    assert record["options"]["alpha"] == 0.2
    assert "high" not in record["summary"]["1"]["kNN"]  # one seed has no interval
    assert "hard-contrastive (alpha 0.2)" in (tmp_path / "out" / "temperature.svg").read_text()


def test_a_measure_that_does_not_vary_has_no_trend() -> None:
    points = [
        {"temperature": temperature, "seed": seed, "uniformity": value}
        for seed, values in enumerate(([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [1.0, 2.0, math.nan]))
        for temperature, value in zip((0.1, 0.2, 0.3), values, strict=True)
    ]
    assert _trend(points, "uniformity") == [pytest.approx(1.0), None, None]


def test_a_point_of_other_measures_is_another_file(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = quick(data, tmp_path / "out", seeds=1)
    config, ground = _configurations(options)[0], _ground(options)
    before = Point("simclr", config, options.out, "cpu").file(ground)
    assert Point("simclr", config, options.out, "cpu").file(ground) == before
    monkeypatch.setattr("contrapose.commands.temperature_sweep.BATCHES", 5)
    assert Point("simclr", config, options.out, "cpu").file(ground) != before


def test_from_the_command_line_with_test_data(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--temperatures", "0.2", "0.5", "--epochs", "1", "--seeds", "1", "--batch-size", "32"]
    main(["analyse", "temperature", "--data", data, "--test-data", data, "--out", str(tmp_path / "out"), *words])
    assert "[2/2] temperature 0.5 seed 0: kNN" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "temperature.json").read_text())["samples"] == {"train": 96, "test": 96}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "contrapose analyse temperature --data DATA"),
        (["temperature", "--data", "DATA", "--temperatures", "0.1"], "two different numbers"),
        (["temperature", "--data", "DATA", "--temperatures", "0.1", "0.1"], "two different numbers"),
        (["temperature", "--data", "DATA", "--temperatures", "0", "1"], "temperature must be above 0"),
        (["temperature", "--data", "DATA", "--seeds", "0"], "--seeds must be at least 1"),
        (["temperature", "--data", "DATA", "--method", "hard-contrastive", "--alpha", "2"], "alpha must be above 0"),
        (["temperature", "--data", "DATA", "--batch-size", "90"], "fewer than a batch"),
        (["temperature", "--data", "UNLABELLED"], "has no labels"),
        (["temperature", "--data", "python-docs"], "trains on pictures, and python-docs holds texts"),
        (["temperature", "--data", "DATA", "--test-data", "UNLABELLED"], "has no labels"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], sentence: str, data: str, pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "bare.npy", pictures.transpose(0, 2, 3, 1))
    places = {"DATA": data, "UNLABELLED": str(tmp_path / "bare.npy")}
    with pytest.raises(SystemExit) as stopped:
        main(["analyse", *(places.get(word, word) for word in words)])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
