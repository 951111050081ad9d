"""`contrapose evaluate` on data of other shapes than the encoder was trained on, in full, and in one-shot runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.compare import compare
from contrapose.data import open_data
from contrapose.errors import ArgumentError, DataError

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}
LABELS = np.repeat([0, 1, 2], 32)


@pytest.fixture
def trained(tmp_path: Path, pictures: np.ndarray) -> Path:
    return contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), **QUICK).path


def archive(path: Path, images: np.ndarray, labels: np.ndarray = LABELS) -> str:
    np.savez(path, images=images, labels=labels)
    return str(path)


def test_the_full_table_is_printed_with_the_arms_across(
    trained: Path, pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive(tmp_path / "data.npz", pictures)
    main(["evaluate", str(trained), "--data", data, "--k", "5", "--full"])
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    heads = [line[0] for line in lines if len(line) > 3]
    assert {"probe, 5 a class", "precision@10", "R@10", "recall@1", "MAP@R", "NMI", "cluster accuracy"} <= set(heads)
    arms = json.loads((trained / "evaluation.json").read_text())["arms"]
    assert len(arms["trained"]) == len(arms["untrained"]) == len(arms["raw pixels"]) == 12
    assert "items" not in arms["trained"]["kNN"]
    with np.load(trained / "evaluation_items.npz") as kept:
        assert kept["trained/kNN"].shape == (18,)
        assert kept["raw pixels/probe, 1 a class"].shape == (20,)
        assert kept["trained/kNN"].mean() == pytest.approx(arms["trained"]["kNN"]["value"])


@pytest.mark.parametrize("shape", ["grey", "with alpha", "larger"])
def test_pictures_of_another_shape_are_brought_to_the_encoders(
    shape: str, trained: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    other = {
        "grey": pictures[:, 0],
        "with alpha": np.concatenate([pictures, np.full_like(pictures[:, :1], 255)], axis=1),
        "larger": np.kron(pictures, np.ones((2, 3), np.uint8)),
    }[shape]
    found = contrapose.evaluate(trained, data=archive(tmp_path / "data.npz", other), k=5, quiet=True)
    assert found.setting.test.shape == (3, 16, 16)
    assert found.arms["raw pixels"]["kNN"].value > 0.9
    if shape == "larger":
        assert "Note: Pictures of 32 x 32 were resampled to 16 x 16." in found.text()


def test_opened_data_that_do_not_fit_are_one_sentence(trained: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    grey = open_data(archive(tmp_path / "grey.npz", pictures[:, 0]))
    with pytest.raises(ArgumentError, match=r"takes batches of shape \(B, 3, H, W\) and was given \(18, 1, 16, 16\)"):
        contrapose.evaluate(trained, data=grey, k=5, quiet=True)


def test_test_data_of_one_class_are_refused(trained: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    data = archive(tmp_path / "data.npz", pictures)
    one = archive(tmp_path / "one.npz", pictures, np.zeros(96, int))
    with pytest.raises(DataError, match="hold one class only"):
        contrapose.evaluate(trained, data=data, test_data=one, quiet=True)


def test_one_shot_runs_are_paired_too_and_have_no_full_table(tmp_path: Path) -> None:
    run = contrapose.train("simclr", data="omniglot", limit=64, out=str(tmp_path / "one"), **QUICK).path
    found = contrapose.evaluate(run, full=True, quiet=True)
    assert list(found.arms["trained"]) == ["one-shot"]
    assert "the one-shot runs have no full table" in found.text()
    shutil.copytree(run, tmp_path / "two")
    difference = compare([run, tmp_path / "two"]).difference("two", "one-shot")
    assert difference is not None
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert difference.verdict == "not resolved"


def test_test_classes_never_learned_are_named_and_warn_of_nothing(
    trained: Path, pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str], recwarn: object
) -> None:
    data = archive(tmp_path / "data.npz", pictures)
    test = archive(tmp_path / "test.npz", 255 - pictures, np.repeat([0, 1, 9], 32))
    main(["evaluate", str(trained), "--data", data, "--test-data", test, "--k", "5"])
    said = "1 test class of 3 is no training class: 9 (32). Their 32 of 96 pictures count as wrong"
    assert f"Note: {said}" in capsys.readouterr().out
    assert any(said in note for note in json.loads((trained / "evaluation.json").read_text())["notes"])
    assert not [warning for warning in recwarn if "training class" in str(warning.message)]  # type: ignore[attr-defined]


def test_test_pictures_that_were_learned_from_are_told(trained: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    data = archive(tmp_path / "data.npz", pictures)
    found = contrapose.evaluate(trained, data=data, test_data=pictures_of(pictures, 30), k=1, quiet=True)
    assert any("30 of 30 test pictures are also in --data" in note for note in found.notes)
    assert found.gain is not None
    assert found.gain.kind == "unclear"
    shutil.copytree(trained, tmp_path / "again")
    assert any("are also in --data" in note for note in compare([trained, tmp_path / "again"]).notes)


def pictures_of(pictures: np.ndarray, count: int) -> object:
    rows = np.linspace(0, 95, count).astype(int)
    return open_data(pictures[rows], labels=LABELS[rows])


def test_unequal_classes_have_a_majority_floor_and_balanced_accuracy(
    trained: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    few = np.r_[np.arange(64), 64:70]  # the third class has six pictures
    data = archive(tmp_path / "data.npz", pictures[few], np.where(LABELS[few] == 2, 1, 0))
    found = contrapose.evaluate(trained, data=data, k=5, quiet=True)
    majority = found.arms["majority class"]
    assert majority["kNN"].value == pytest.approx(13 / 14)
    assert majority["kNN, balanced"].value == 0.5
    assert "chance 50.0 %" in found.text()
    assert any("always answering 0, the largest of --data, is right in 92.9 %" in note for note in found.notes)
    assert "kNN, balanced" in found.arms["trained"]
    shutil.copytree(trained, tmp_path / "again")
    assert "majority class (floor)" in compare([trained, tmp_path / "again"]).text()


def test_supervised_training_on_the_tested_pictures_is_told(pictures: np.ndarray, tmp_path: Path) -> None:
    data = archive(tmp_path / "data.npz", pictures)
    run = contrapose.train("supcon", data=data, out=str(tmp_path / "run"), **QUICK).path
    found = contrapose.evaluate(run, data=data, k=5, quiet=True)
    assert found.notes[0].startswith("the encoder was trained with the labels of these very pictures")
    other = archive(tmp_path / "other.npz", 255 - pictures)
    assert not [note for note in contrapose.evaluate(run, data=other, quiet=True).notes if "was trained" in note]
