"""CDvG as a run: two stages in one folder, translators from elsewhere, weights of samples, and what goes wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import contrapose
from contrapose import cli
from contrapose.data.images.made.tint import tint
from contrapose.encoders.images.critic import Critic
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.methods import METHODS
from contrapose.training.checkpoint import load_newest
from contrapose.training.pictures import read_pictures

DATA = "made:tint?count=80&part=learned"
OPTIONS = (
    "--batch-size 16 --epochs 1 --encoder tiny_conv --projection-hidden 8 --projection-dimension 4 "
    "--translator-steps 2 --critic-turns 5 --translator-batch 8 --translator-width 4 --device cpu --checkpoint-steps 1 --log-steps 1"
)
SMALL = ["--data", DATA, *OPTIONS.split()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, before, threads = tmp_path_factory.mktemp("cdvg"), Path.cwd(), torch.get_num_threads()
    os.chdir(folder)
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)
    os.chdir(before)


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    """The undisturbed run of two and five steps."""
    cli.main(["train", "cdvg", *SMALL, "--out", "whole"])
    return place / "whole"


def test_two_stages_leave_a_generator_with_pictures_and_a_classifier(whole: Path) -> None:
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == 2 * ["translate"] + 5 * ["classify"]
    assert all(np.isfinite([row["loss"], row["gradient_norm"]]).all() for row in rows)
    assert {"loss_critic", "critic_gap"} <= rows[0].keys()
    assert (whole / "encoder" / "encoder.json").is_file()
    described = json.loads((whole / "stages/translate/generator/generator.json").read_bytes())
    assert (described["kind"], described["extra"]["stage"], described["extra"]["step"]) == ("generator", "translate", 2)
    assert described["classes"] == [str(number) for number in range(10)]
    (picture,) = read_pictures(whole / "stages" / "translate")
    assert "Beside each" in picture.caption
    classifier = contrapose.load_classifier(whole)
    assert set(classifier.predict(tint(20, part="asked"))) <= set(described["classes"])
    state, _ = load_newest(whole / "checkpoints")
    assert state["step"] == 7
    assert {name.split(".")[0] for name in state["learner"]} == {"encoder", "heads", "projection", "seed", "steps"}


def test_a_translator_from_elsewhere_is_copied_and_not_trained(whole: Path) -> None:
    cli.main(["train", "cdvg", *SMALL, "--out", "brought", "--translator", "whole"])
    first = (whole / "stages/translate/generator/generator.safetensors").read_bytes()
    assert (Path("brought") / "stages/translate/generator/generator.safetensors").read_bytes() == first
    rows = [json.loads(line) for line in (Path("brought") / "metrics.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["translate"] + 5 * ["classify"]
    with pytest.raises(ArgumentError, match="takes pictures of 3 x 16 x 16"):
        contrapose.train("cdvg", data=tint(80, side=20), translator="whole", out="other-size", quiet=True)
    assert not Path("other-size").exists()


def test_samples_can_be_weighed_by_an_early_classifier_and_by_a_column(place: Path) -> None:
    options = {"batch_size": 16, "epochs": 1, "encoder": "tiny_conv", "translate": False, "quiet": True}
    run = contrapose.train("cdvg", data=tint(80), out="early", upweight="early", early_epochs=1, log_steps=1, **options)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == 5 * ["early"] + 5 * ["classify"]
    assert all(0 < row["mean_weight"] < 1 for row in rows[5:])
    numbers = tint(80).with_target("number", np.arange(80.0))
    weighed = {**options, "upweight": "column", "number_column": "number", "log_steps": 1}
    run = contrapose.train("cdvg", data=numbers, out="column", **weighed)
    means = [json.loads(line)["mean_weight"] for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert np.mean(means) == pytest.approx(1.0, abs=1e-5)  # all five batches are all samples
    with pytest.raises(DataError, match=r"weights of .* must be numbers, 0 or more"):
        contrapose.train("cdvg", data=numbers.with_target("number", -np.ones(80)), out="negative", **weighed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"translate": False, "translator": "x"}, "translate is off"),
        ({"upweight": "column"}, "name it in number_column"),
        ({"classes": 1}, "classes must be at least 2"),
        ({"views": {"count": 2}}, "views must be 1 of each sample"),
        ({"translator_rate": 0.0}, "translator_rate must be above 0"),
    ],
)
def test_options_that_make_no_sense_are_told(options: dict[str, Any], said: str, place: Path) -> None:
    with pytest.raises(ArgumentError, match=said):
        contrapose.train("cdvg", data=tint(40), out="never", quiet=True, **options)
    assert not Path("never").exists()


def test_views_leave_the_colour_to_the_translator() -> None:
    views = METHODS["cdvg"]().views.resolve(3, 16)
    assert (views.colour_probability, views.grey_probability, views.flip_probability) == (0, 0, 0)
    assert (views.count, views.crop_scale_min) == (1, 0.7)


def test_a_game_that_blows_up_ends_in_a_sentence_with_a_remedy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward: Callable[..., Any] = Critic.forward

    def exploding(self: Critic, x: Tensor) -> Any:
        scores, logits = forward(self, x)
        return scores * float("inf"), logits

    monkeypatch.setattr(Critic, "forward", exploding)
    with pytest.raises(RunError, match=r"in the turn 'critic'.*lower --translator-rate, raise --penalty-weight"):
        contrapose.train("cdvg", data=tint(80), out="exploded", translator_steps=2, translator_batch=8, quiet=True)


def test_a_collapsed_translator_stands_in_its_artifact_and_is_said_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    monkeypatch.setattr("contrapose.training.reporter.HEALTH_STEPS", 1)
    monkeypatch.setattr(
        "contrapose.encoders.images.translator.Translator.translate",
        lambda self, x, c: 0 * x + 0 * next(self.parameters()).sum(),
    )
    run = contrapose.train(
        "cdvg",
        data=tint(80),
        out="collapsed",
        translator_steps=3,
        translator_batch=8,
        translator_width=4,
        epochs=1,
        batch_size=16,
        encoder="tiny_conv",
    )
    kept = json.loads((run.path / "stages/translate/generator/generator.json").read_bytes())["extra"]["verdict"]
    assert kept.startswith("collapsed translator: ")
    assert "Raise --cycle-weight" in kept
    assert "learns from translations of a collapsed translator" in capsys.readouterr().err
