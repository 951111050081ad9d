"""`dat` from the command line: two stages, killed and resumed in each, what they leave, and what that is good for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import contrapose
from contrapose import cli
from contrapose.classifier import load_classifier
from contrapose.commands.evaluate import evaluate, measure
from contrapose.encoders import fingerprint_of
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.methods import METHODS
from contrapose.tasks import Attacks
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.pictures import read_pictures
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "robust_epochs": 2,
    "batch_size": 12,
    "window": 24,
    "raise_at": 0.5,
    "attack_steps": 1,
    "learning_rate": 0.01,
    "encoder": "tiny_conv",
    "device": "cpu",
    "log_steps": 1,
    "quiet": True,
}
STEPS = 4  # of 48 pictures, in each stage, an epoch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small grey pictures of three classes, others to test on, and pictures of something else."""
    folder = tmp_path_factory.mktemp("dat")
    random = np.random.default_rng(0)
    base = random.integers(0, 255, size=(3, 8, 8, 1))

    def write(name: str, count: int) -> None:
        labels = np.arange(count) % 3
        noise = random.integers(-40, 40, size=(count, 8, 8, 1))
        images = (base[labels] + noise).clip(0, 255).astype(np.uint8)
        np.savez(folder / name, images=images, labels=np.array(["ash", "elm", "oak"])[labels])

    write("train.npz", 48)
    write("test.npz", 30)
    np.save(folder / "others.npy", random.integers(0, 255, size=(40, 12, 12, 3), dtype=np.uint8))
    return folder


@pytest.fixture(scope="module")
def train(folder: Path) -> Callable[..., Path]:
    def run(name: str, **options: Any) -> Path:
        given = {"data": folder / "train.npz", "out": str(folder / name), **QUICK, **options}
        return contrapose.train("dat", **given).path

    return run


@pytest.fixture(scope="module")
def whole(train: Callable[..., Path]) -> Path:
    return train("whole", checkpoint_steps=3)


def rows(run: Path) -> list[dict[str, Any]]:
    return list(RunFolder(run).metrics())


def test_a_run_is_two_stages_and_leaves_the_moving_average(whole: Path) -> None:
    told = rows(whole)
    assert [row["stage"] for row in told] == 2 * STEPS * ["robust"] + 2 * STEPS * ["joint"]
    assert "ascent_steps" not in told[0]
    joint = told[2 * STEPS :]
    assert joint[0]["ascent_steps"] == 0
    assert joint[-1]["ascent_steps"] > 0  # told apart better than by guessing
    assert all(0 <= row["real_auc"] <= 1 for row in joint)
    assert joint[0]["learning_rate"] != told[0]["learning_rate"]
    state, _ = load_newest(RunFolder(whole).checkpoints)
    found = load_classifier(whole)
    averaged = {
        name.removeprefix("average.model.encoder."): value
        for name, value in state["learner"].items()
        if name.startswith("average.model.encoder.")
    }
    assert all(value.equal(averaged[name]) for name, value in found.encoder.state_dict().items())
    assert fingerprint_of(contrapose.load(whole).encoder) == fingerprint_of(found.encoder)
    assert not found.encoder.state_dict()["backbone.stages.0.0.weight"].equal(
        state["learner"]["encoder.backbone.stages.0.0.weight"]
    )
    assert found.classes == ("ash", "elm", "oak")
    assert found.questions[0].counts == (16, 16, 16)
    earlier = load_classifier(whole / "stages" / "robust")
    assert fingerprint_of(earlier.encoder) != fingerprint_of(found.encoder)
    drawn = read_pictures(whole)
    assert [picture.title for picture in drawn] == ["Ascents from seeds", "Counterfactuals"]
    assert "ash, elm, oak" in drawn[0].caption
    assert json.loads((whole / "encoder" / "encoder.json").read_text())["extra"]["weights"] == "their moving average"


@pytest.mark.parametrize("step", [3, 6, 9, 12])
def test_killed_in_either_stage_it_goes_on_to_the_same_run(step: int, whole: Path, folder: Path) -> None:
    stopped = folder / f"stopped-{step}"
    shutil.copytree(whole, stopped)
    for path in list_checkpoints(stopped / "checkpoints"):  # as after a kill
        if load_checkpoint(path)["step"] > step:
            path.unlink()
    if step <= 2 * STEPS:
        shutil.rmtree(stopped / "stages")
    contrapose.resume(stopped, quiet=True)
    one, two = (load_newest(RunFolder(run).checkpoints)[0]["learner"] for run in (whole, stopped))
    assert one.keys() == two.keys()
    assert {"curriculum.aucs", "curriculum.filled", "curriculum.length", "average.updates"} <= one.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    for name in ("classifier/classifier.safetensors", "classifier/encoder.safetensors", "ascents.safetensors"):
        assert (whole / name).read_bytes() == (stopped / name).read_bytes()
    computed = [{name: row[name] for name in ("step", "stage", "loss", "gradient_norm")} for row in rows(stopped)]
    assert computed == [{name: row[name] for name in ("step", "stage", "loss", "gradient_norm")} for row in rows(whole)]


def test_more_epochs_lengthen_the_last_stage(train: Callable[..., Path]) -> None:
    run = train("longer", epochs=1)
    contrapose.resume(run, epochs=2, quiet=True)
    assert [row["stage"] for row in rows(run)] == 2 * STEPS * ["robust"] + 2 * STEPS * ["joint"]


def test_a_stage_can_be_left_out(train: Callable[..., Path]) -> None:
    plain = train("plain", joint=False, epochs=1)
    assert [row.get("stage") for row in rows(plain)] == STEPS * [None]
    assert load_classifier(plain).classes == ("ash", "elm", "oak")
    alone = train("alone", robust_epochs=0, frozen_norms=False, epochs=1, seeds="fields", precision="bfloat16")
    assert len(rows(alone)) == STEPS
    assert rows(alone)[0]["density_loss"] > 0


def test_seeds_of_ones_own_are_kept_with_the_run(train: Callable[..., Path], folder: Path) -> None:
    run = train("own", seeds_data=str(folder / "others.npy"), epochs=1, robust_epochs=1)  # larger, and coloured
    assert RunFolder(run).read_record()["others"]["seeds"]["samples"] == 40
    changed = np.load(folder / "others.npy")
    changed[0, 0, 0, 0] ^= 1
    moved = folder / "moved.npy"
    np.save(moved, changed)
    record = json.loads((run / "config.json").read_text())
    (folder / "others.npy").rename(folder / "gone.npy")
    try:
        with pytest.raises(DataError, match="no longer there"):
            contrapose.resume(run, epochs=2, quiet=True)
    finally:
        (folder / "gone.npy").rename(folder / "others.npy")
    assert record["config"]["seeds_data"].endswith("others.npy")
    with pytest.raises(DataError, match=r"others.npy holds 40 seeds, and a step begins 48 ascents.*--batch-size of 40"):
        train("few", seeds_data=str(folder / "others.npy"), batch_size=48)
    assert not (folder / "few").exists()


def test_held_after_a_runaway_it_goes_on_and_else_it_stops(train: Callable[..., Path], folder: Path) -> None:
    away = {"density_loss": "difference", "learning_rate": 1e3, "epochs": 2, "gradient_clip": 0.0}
    with pytest.raises(RunError, match=r"diverging: the log density|became nan or infinite|Try a learning rate"):
        train("stops", **away)
    held = train("held", when_diverging="hold", **{**away, "learning_rate": 30.0, "gradient_clip": 5.0})
    assert len(rows(held)) == 4 * STEPS
    assert rows(held)[-1]["diverged"] == 1
    found = load_classifier(held).predict_proba(folder / "test.npz")
    assert np.isfinite(found).all()


def test_robust_accuracy_is_that_of_the_attack_and_below_that_of_pictures_as_they_are(
    whole: Path, folder: Path
) -> None:
    small, large = (
        evaluate(whole, test_data=folder / "test.npz", robust=True, eps_l2=eps, attack_steps=3, quiet=True)
        for eps in (0.01, 3.0)
    )
    assert small.task == "robust"
    assert set(small.arms) == {"trained", "majority class"}
    plain = small.arms["trained"]["accuracy"]
    near, far = (one.arms["trained"][f"robust accuracy, L2 {eps}"] for one, eps in ((small, 0.01), (large, 3)))
    assert plain.value >= near.value >= far.value
    assert plain.value > far.value
    assert far.count == 30
    assert "PGD-3 on cross-entropy, 3 starts" in far.protocol
    assert (near.items <= plain.items).all()
    constant = small.arms["majority class"]
    assert constant["robust accuracy, L2 0.01"].value == constant["accuracy"].value == pytest.approx(1 / 3)
    assert json.loads((whole / "evaluation.json").read_text())["task"] == "robust"
    with pytest.raises(ArgumentError, match="--eps-l2 must be above 0"):
        evaluate(whole, test_data=folder / "test.npz", robust=True, eps_l2=0.0, quiet=True)


def test_robust_accuracy_of_what_is_no_classifier_is_refused(folder: Path) -> None:
    run = contrapose.train("simclr", data=folder / "train.npz", out=str(folder / "simclr"), epochs=1, **_only_run())
    with pytest.raises(DataError, match="The task robust needs a classifier of pictures"):
        measure(run.path, data=folder / "test.npz", attacks=Attacks(), quiet=True)


def _only_run() -> dict[str, Any]:
    return {name: QUICK[name] for name in ("batch_size", "encoder", "device", "quiet")}


def test_it_is_asked_what_it_does_not_know_beside_encoders_that_learned_nothing(whole: Path) -> None:
    found = evaluate(whole, test_data=whole.parent / "test.npz", ood="made:fields?count=30&seed=3", quiet=True)
    assert found.task == "out-of-distribution"
    assert set(found.arms) == {"trained", "untrained", "raw pixels"}
    for metrics in found.arms.values():
        assert set(metrics) == {"AUC, log-sum-exp", "AUC, largest probability"}
    assert found.arms["trained"]["AUC, log-sum-exp"].count == 30
    both = evaluate(whole, test_data=whole.parent / "test.npz", ood=str(whole.parent / "train.npz"), quiet=True)
    assert not any("both sides" in note for note in both.notes)
    with pytest.raises(DataError, match="two of each are needed"):
        evaluate(whole, ood="made:fields?count=30", quiet=True)  # it learned from all of its own data


def test_pictures_are_moved_towards_classes(whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "moved"
    words = ["apply", str(whole), "made:fields?count=7", "--towards", "elm", "oak", "--out", str(out)]
    cli.main([*words, "--ascent-steps", "5", "--radius", "0.6", "--device", "cpu"])
    assert "Wrote 7 pictures moved towards elm, oak" in capsys.readouterr().out
    lines = [json.loads(line) for line in (out / "ascents.jsonl").read_text().splitlines()]
    assert [line["towards"] for line in lines] == ["elm", "oak", "elm", "oak", "elm", "oak", "elm"]
    assert all(0 < line["distance"] <= 0.6 + 1e-4 for line in lines)
    assert all(line["probability"] > line["probability_before"] for line in lines)
    pixels = np.stack([np.asarray(Image.open(out / line["file"])) for line in lines])
    assert pixels.shape == (7, 8, 8)
    named = load_classifier(whole).predict(pixels[..., None])  # rounded to bytes
    assert (named == [line["answer"] for line in lines]).mean() > 0.5
    assert (out / "ascents.png").is_file()
    for changed, said in (
        (["--towards", "elmm", "--out", str(folder / "x")], "Did you mean 'elm'"),
        (["--towards", "elm", "--out", str(out)], "is there already"),
        (["--towards", "elm", "--out", str(folder / "x"), "--ascent-step", "0"], "--ascent-step must be above 0"),
        (["--towards", "elm", "--out", str(folder / "x"), "--label-texts", "a"], "give one of the two"),
    ):
        with pytest.raises(SystemExit):
            cli.main([*words[:3], *changed])
        assert said in capsys.readouterr().err
    assert not (folder / "x").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attack_radius": 0.0}, "attack_radius must be above 0"),
        ({"ascent_step": -0.1}, "ascent_step must be above 0"),
        ({"attack_steps": -1}, "attack_steps must be 0 or more"),
        ({"raise_at": 0.3}, "an AUC in"),
        ({"decay": 1.0}, "decay must be in"),
        ({"climbs": "hills"}, "climbs must be"),
        ({"views": {"count": 2}}, r"one view of each picture, got 2.*--views.count"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], said: str, train: Callable[..., Path], folder: Path) -> None:
    with pytest.raises(ArgumentError, match=said):
        train("refused", **options)
    assert not (folder / "refused").exists()


def test_it_is_for_pictures_with_labels(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="dat is for pictures, for it moves pixels"):
        METHODS["dat"].on("text")
    with pytest.raises(DataError, match="dat learns from labels and the data has none"):
        contrapose.train("dat", data=folder / "others.npy", out=str(folder / "unlabelled"), **QUICK)
