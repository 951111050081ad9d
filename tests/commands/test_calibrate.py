"""`contrapose calibrate`: a new classifier that ranks as before and draws the line elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose import calibrate, cli, load_classifier
from contrapose.data import Images
from contrapose.encoders import build
from contrapose.encoders.classifier_folder import save_classifier
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.evaluation import area_under_curve

TWO = Question("origin", ("real", "synthetic"), (5, 5), threshold=0.9)
THREE = Question("family", ("a", "b", "c"), (3, 3, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier of two questions that goes by how bright a picture is, too high by far for the first."""
    encoder = build("small_conv", channels=1, image_size=8, seed=0, widths=[4, 4])
    pictures, _ = made(60, seed=9)
    heads = Heads(encoder.dimension, [2, 3])
    z = torch.from_numpy(contrapose.Embedder(encoder).embed(pictures))
    heads.standardise(z)
    bright = torch.from_numpy(pictures.pixels).float().mean(dim=(1, 2, 3))
    with torch.no_grad():
        standard = (z - heads.mean) / heads.scale
        way = torch.linalg.lstsq(standard, (bright - bright.mean())[:, None] / 20).solution[:, 0]
        heads.weights[0][1].copy_(way)
        heads.biases[0][1] = 6.0
    save_classifier(encoder, heads, (TWO, THREE), tmp_path / "two")
    save_classifier(encoder, Heads(encoder.dimension, [3]), (THREE,), tmp_path / "three")
    heads.sizes = (2,)
    alone = Heads(encoder.dimension, [2])
    alone.load_state_dict({name: value for name, value in heads.state_dict().items() if not name.endswith(".1")})
    save_classifier(encoder, alone, (TWO,), tmp_path / "one")
    return tmp_path


def made(count: int, *, seed: int) -> tuple[Images, np.ndarray]:
    """Pictures whose brightness goes with their class, and overlaps."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    bright = 100 + 40 * labels + 30 * random.standard_normal(count)
    pixels = (bright[:, None, None, None] + 20 * random.standard_normal((count, 1, 8, 8))).clip(0, 255)
    return Images(pixels.astype(np.uint8), labels, class_names=("real", "synthetic")), labels


def scores_of(path: Path, images: Images) -> np.ndarray:
    classifier = load_classifier(path)
    logits = classifier.trained.logits(torch.from_numpy(classifier.embed(images)))[0]
    return classifier.questions[0].scores(logits).numpy()


def test_it_ranks_as_before_and_answers_better(folder: Path) -> None:
    few, _ = made(60, seed=1)
    others, labels = made(400, seed=2)
    found = calibrate(folder / "one", few, out=folder / "new", quiet=True)
    assert found.folder == folder / "new"
    question = load_classifier(folder / "new").questions[0]
    assert question.threshold is None
    assert question.chosen["calibrated_on"] == 60
    assert "in the place" not in " ".join(found.lines)
    before, after = (scores_of(folder / name, others) for name in ("one", "new"))
    assert (np.argsort(before) == np.argsort(after)).all()
    areas = [area_under_curve(scores, labels == 1).value for scores in (before, after)]
    assert abs(areas[0] - areas[1]) <= 1e-12
    names = np.array(["real", "synthetic"])[labels]
    right = [(load_classifier(folder / name).predict(others) == names).mean() for name in ("one", "new")]
    assert right[1] > right[0] + 0.1
    p = load_classifier(folder / "new").predict_proba(others)[:, 1]
    assert p.mean() == pytest.approx(0.5, abs=0.1)
    assert load_classifier(folder / "one").questions[0] == TWO  # it stays as it is


def test_again_on_the_same_changes_nothing_more(folder: Path) -> None:
    few, _ = made(80, seed=1)
    calibrate(folder / "one", few, out=folder / "new", quiet=True)
    again = calibrate(folder / "new", few, out=folder / "newer", quiet=True)
    assert again.questions[0].chosen["weight"] == pytest.approx(1, abs=1e-3)
    assert again.questions[0].chosen["bias"] == pytest.approx(0, abs=1e-3)
    others, _ = made(100, seed=2)
    assert scores_of(folder / "newer", others) == pytest.approx(scores_of(folder / "new", others), abs=1e-3)


def test_of_several_questions_those_of_two_classes_are_set_right(folder: Path) -> None:
    few, labels = made(60, seed=1)
    rows = {"images": few.pixels.transpose(0, 2, 3, 1), "origin": np.array(["real", "synthetic"])[labels]}
    np.savez(folder / "few.npz", **rows, family=np.array(["a", "b", "c"])[np.arange(60) % 3])  # type: ignore[arg-type]
    cli.main(["calibrate", str(folder / "two"), str(folder / "few.npz"), "--out", str(folder / "new")])
    origin, family = load_classifier(folder / "new").questions
    assert origin.shift != 0
    assert family == THREE
    record = json.loads((folder / "new" / "classifier.json").read_text())
    assert record["format"] == 3  # an older version would leave the shift out, and is told so
    assert json.loads((folder / "two" / "classifier.json").read_text())["format"] == 2


def test_the_command_says_what_it_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, labels = made(60, seed=1)
    rows: dict[str, Any] = {"images": few.pixels.transpose(0, 2, 3, 1)}
    np.savez(folder / "few.npz", **rows, label=np.array(["real", "synthetic"])[labels])
    cli.main(["calibrate", str(folder / "one"), str(folder / "few.npz"), "--out", str(folder / "new")])
    said = capsys.readouterr().out
    assert "origin: fitted to 60 pictures; weight " in said
    assert "before, " in said
    assert "test it on others" in said
    cli.main(["evaluate", str(folder / "new"), "--data", str(folder / "few.npz")])
    assert "AUC" in capsys.readouterr().out


def test_slips_are_told(folder: Path) -> None:
    few, _ = made(20, seed=1)
    with pytest.raises(ArgumentError, match=r"is there already: name another folder with --out"):
        calibrate(folder / "one", few, out=folder / "two")
    with pytest.raises(ArgumentError, match=r"is asked family \(3 classes\)"):
        calibrate(folder / "three", few, out=folder / "new")
    with pytest.raises(DataError, match=r"of both real and synthetic, and there is only real among the 10"):
        calibrate(folder / "one", few.subset(np.arange(0, 20, 2)), out=folder / "new")
    with pytest.raises(DataError, match=r"there is none of them among the 20"):
        calibrate(folder / "one", few.with_labels(None), out=folder / "new")
    upside_down = few.with_labels(1 - np.asarray(few.labels), few.class_names)
    with pytest.raises(DataError, match=r"origin cannot be calibrated on .*the right way round"):
        calibrate(folder / "one", upside_down, out=folder / "new")
    with pytest.raises(RunError, match=r"Train one on it"):
        calibrate(folder, few, out=folder / "new")
    assert not (folder / "new").exists()
