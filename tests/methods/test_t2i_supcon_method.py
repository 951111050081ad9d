"""`t2i-supcon` from the command line: two stages, killed and resumed in each, on several processes, what it draws."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_methods_processes import Together, check_same, without_own

import contrapose
from contrapose import cli
from contrapose.commands.run_start import context_of, open_samples
from contrapose.commands.train import configure
from contrapose.data.pairs import Pairs, open_pairs
from contrapose.encoders import fingerprint_of, load_encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import METHODS
from contrapose.methods.painting.measured import measure, trained_judge
from contrapose.methods.t2i_supcon_stages import divided, game_of
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.monitor import Monitor
from contrapose.training.pictures import read_pictures
from contrapose.training.run_folder import RunFolder
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of
from distributed_helper import run_ranks
from killed import assert_same

SCENES = "made:scenes?count=40&captions=2"
QUICK: dict[str, Any] = {
    "image_size": 8,
    "represent_epochs": 1,
    "epochs": 1,
    "batch_size": 8,
    "painter_width": 4,
    "noise": 4,
    "projection_dimension": 6,
    "judge_epochs": 1,
    "kept_out": 0.2,
    "text_encoder": "bag_of_words",
    "guidance": "cross_entropy",
    "real_anchors": True,
    "device": "cpu",
    "log_steps": 1,
    "checkpoint_steps": 1,
}
KEPT, STEPS = 8, 4  # of each class one; of the other 32 pairs, in each stage


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("t2i")


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    return contrapose.train("t2i-supcon", data=SCENES, out=str(place / "whole"), quiet=True, **QUICK).path


def test_two_stages_leave_towers_a_painter_and_what_it_is_worth(whole: Path) -> None:
    rows = list(RunFolder(whole).metrics())
    assert [row["stage"] for row in rows] == STEPS * ["represent"] + STEPS * ["paint"]
    assert {"across_loss", "within_loss", "class_loss"} <= rows[0].keys()
    assert {"loss_critic", "score_real", "across_loss", "within_loss", "class_loss"} <= rows[-1].keys()
    first, last = (load_encoder(folder / "encoder") for folder in (whole / "stages" / "represent", whole))
    assert fingerprint_of(first) == fingerprint_of(last)
    assert (whole / "stages" / "represent" / "class_head.safetensors").is_file()
    state, _ = load_newest(RunFolder(whole).checkpoints)
    painter = contrapose.load_painter(whole)
    averaged = state["learner"]["average.model.last.weight"]
    assert torch.equal(painter.painter.last.weight, averaged)
    assert not torch.equal(state["learner"]["painter.last.weight"], averaged)
    said = json.loads((whole / "drawing.json").read_text())
    assert said["pictures"] == 2 * 2 * KEPT  # twice for two captions each: no more than were learned from
    assert said["frechet"] > said["frechet_real"] > 0
    assert 0 <= said["consistent"] <= 1
    (picture,) = read_pictures(whole)
    assert picture.title == "Drawn for captions"
    assert "captions that were kept out" in picture.caption
    assert contrapose.load(whole).embed(["a red three"]).shape == (1, 6)


@pytest.mark.parametrize("step", [1, STEPS, STEPS + 1, 2 * STEPS - 1])
def test_killed_in_either_stage_it_goes_on_to_the_same_run(step: int, whole: Path, place: Path) -> None:
    stopped = place / f"stopped-{step}"
    shutil.copytree(whole, stopped)
    for path in list_checkpoints(stopped / "checkpoints"):  # as after a kill
        if load_checkpoint(path)["step"] > step:
            path.unlink()
    for name in ("encoder", "generator", "pictures", *(("stages",) if step <= STEPS else ())):
        shutil.rmtree(stopped / name)
    (stopped / "drawing.json").unlink()
    contrapose.resume(stopped, quiet=True)
    one, two = (load_newest(RunFolder(run).checkpoints)[0]["learner"] for run in (whole, stopped))
    assert_same(one, two)
    names = ("generator/generator.safetensors", "encoder/encoder.safetensors", "drawing.json")
    for name in (*names, "pictures/drawn-for-captions.png"):
        assert (whole / name).read_bytes() == (stopped / name).read_bytes(), name


def painting(run: str) -> Any:
    """The second job of the run, as it is in one process, with small batches of pairs and partners."""
    config = configure(
        "t2i-supcon", {**QUICK, "data": SCENES, "optimizer": "sgd", "weight_decay": 0.0}, modality="pairs"
    )
    alone: Any = SimpleNamespace(num_processes=1, process_index=0, is_main_process=True, device=torch.device("cpu"))
    samples = open_samples(config, SCENES, quiet=True)
    context = context_of(config, samples, {}, None, None, None, Monitor(quiet=True), alone)
    context = replace(context, artifacts={"represent": Path(run) / "stages" / "represent"})
    return config.stages(context)[1].job(context)


def steps_of(run: str) -> dict[str, torch.Tensor]:
    """Gradients of two steps, of each turn, and the painter after them."""
    torch.manual_seed(0)
    job = painting(run)
    without_own(job.learner)
    job.optimizers = optimizers_of(replace(job.config, optimizer="sgd", learning_rate=0.05), job.learner)
    work = Together(job)
    for step in range(2):
        work.step = step
        take_step(job.learner, job.optimizers, work, seed=step)
    return work.gradients | {f"after {key}": one.detach() for key, one in job.learner.painter.named_parameters()}


def test_two_processes_take_the_turns_of_one(whole: Path) -> None:
    expected = steps_of(str(whole))
    assert {key.rpartition("turn ")[2] for key in expected if "turn" in key} == {"critic", "painter"}
    for found in run_ranks(steps_of, str(whole)):
        check_same(found, expected, "the painter's game")


def test_apply_draws_pictures_for_texts_and_files(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli.main(["apply", str(whole), "--texts", "a red three", "a green one", "--pictures", "3", "--device", "cpu"])
    assert "Drew 3 pictures for each of 2 captions, into drawn: look at sheet.png" in capsys.readouterr().out
    drawn = tmp_path / "drawn"
    assert (drawn / "captions.txt").read_text() == "a red three\na green one\n"
    names = {file.name for file in drawn.glob("*.png")}
    assert names == {"sheet.png", *(f"{row}-{number}.png" for row in range(2) for number in range(3))}
    with Image.open(drawn / "1-2.png") as opened:
        pixels = np.asarray(opened)
    painter = contrapose.load_painter(whole)
    made = painter.draw(["a red three", "a green one"], times=3)
    assert (pixels == made[1, 2].transpose(1, 2, 0)).all()
    (tmp_path / "captions.txt").write_text("a green one\n\na red three\n")
    captions = contrapose.apply(whole, tmp_path / "captions.txt", out=tmp_path / "more", pictures=1, seed=5)
    assert len(captions) == 2
    assert not (painter.draw(["a red three"], seed=5) == made[:1, :1]).all()
    assert (painter.draw(["a red three", "seven"], times=3)[0] == made[0]).all()  # whatever is drawn with it
    monkeypatch.setattr("contrapose.painter.BLOCK", 1)
    assert (painter.draw(["a red three", "a green one"], times=3) == made).all()


def test_what_apply_refuses(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ArgumentError, match="name a file of captions, or give some with --texts"):
        contrapose.apply(whole, out=out)
    with pytest.raises(ArgumentError, match="one of the two"):
        contrapose.apply(whole, ["a red three"], texts=["a green one"], out=out)
    with pytest.raises(ArgumentError, match="draws pictures for captions; --classes plays no part"):
        contrapose.apply(whole, ["a red three"], classes=["3"], out=out)
    with pytest.raises(ArgumentError, match="names a file"):
        contrapose.apply(whole, ["a red three"], out=tmp_path / "out.csv")
    towers = whole / "stages" / "represent"
    with pytest.raises(ArgumentError, match="--texts, --pictures and --seed are of runs that draw"):
        contrapose.apply(towers, texts=["a red three"], out=out)
    with pytest.raises(ArgumentError, match=r"Say what to apply .* to: contrapose apply"):
        contrapose.apply(towers, out=tmp_path / "out.csv")
    assert not out.exists()


def lonely() -> Pairs:
    """Ten classes, of which one has a single picture with a single caption, and one a single with two."""
    pairs = open_pairs("made:scenes?count=24&captions=2")
    labels = np.array(11 * [0, 1] + [2, 3])
    captions = [list(some) for some in pairs.captions]
    captions[22] = captions[22][:1]
    made = Pairs(pairs.pictures, captions).with_labels(labels, ("ash", "elm", "oak", "fir"))
    assert isinstance(made, Pairs)
    return made


def test_classes_of_one_picture_are_counted_or_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {**QUICK, "kept_out": 0.0, "guidance": "none", "contrast": "none"}
    contrapose.train("t2i-supcon", data=lonely(), out=str(place / "lonely"), **given)
    assert "which is its own partner: 2, 1 of them with one caption" in capsys.readouterr().err
    assert not (place / "lonely" / "drawing.json").exists()
    assert "learned from" in read_pictures(place / "lonely")[0].caption
    with pytest.raises(DataError, match=r"The class 'oak' of .* has one picture with one caption"):
        contrapose.train("t2i-supcon", data=lonely(), out=str(place / "no"), demand_partners=True, quiet=True, **given)
    assert not (place / "no").exists()


def test_a_pair_that_is_its_own_partner_shows_other_captions() -> None:
    raw = lonely().batch([0, 22, 23])
    one, other = divided(raw, raw, torch.tensor([False, True, True]))
    assert (one.captions[0], other.captions[0]) == (raw.captions[0], raw.captions[0])
    assert one.captions[1] == other.captions[1] == raw.captions[1]
    assert one.captions[2] + other.captions[2] == raw.captions[2]
    assert len(one.captions[2]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"contrast": "third"}, "contrast must be"),
        ({"guidance": "labels"}, "guidance must be"),
        ({"within": -1.0}, "within must be 0 or more"),
        ({"decay": 1.0}, "decay must be in"),
        ({"kept_out": 0.9}, "kept_out must be a share"),
        ({"projection_layers": 2}, "projection_layers must be 1"),
        ({"views": {"count": 2}}, "views must be 1 of each sample"),
        ({"classes": 3}, "The labels name 10 classes, and classes is 3"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], said: str, place: Path) -> None:
    with pytest.raises(ArgumentError, match=said):
        contrapose.train("t2i-supcon", data=SCENES, out=str(place / "never"), **{**QUICK, **options}, quiet=True)
    assert not (place / "never").exists()


def test_it_needs_labels_and_enough_pairs(place: Path) -> None:
    out = str(place / "never")
    with pytest.raises(DataError, match="learns from labels and the data has none"):
        contrapose.train("t2i-supcon", data=SCENES, labels="none", out=out, quiet=True, **QUICK)
    with pytest.raises(DataError, match="too few to keep some out"):
        contrapose.train("t2i-supcon", data="made:scenes?count=4", out=out, quiet=True, **{**QUICK, "batch_size": 2})
    with pytest.raises(ArgumentError, match="t2i-supcon is for pairs"):
        METHODS["t2i-supcon"].on("image")
    assert not Path(out).exists()


def test_arms_differ_in_what_they_weigh(whole: Path) -> None:
    """What the stages are given: of the head and the pull, by the options."""
    for options, pulls in (
        ({"contrast": "none", "guidance": "none"}, (0, 0, 0, 0, 0, 0)),
        ({"contrast": "first", "guidance": "none"}, (1, 0.5, 0, 0, 0, 0)),
        ({"contrast": "second", "guidance": "none"}, (0, 0, 0, 1, 0.2, 0)),
        ({"contrast": "both", "guidance": "cross_entropy"}, (1, 0.5, 1, 1, 0.2, 1)),
    ):
        config = configure("t2i-supcon", {**QUICK, "data": SCENES, **options}, modality="pairs")
        learner: Any = config.new_learner(load_encoder(whole / "encoder"))
        first = learner.weights
        alone: Any = SimpleNamespace(num_processes=1, process_index=0, is_main_process=True, device=torch.device("cpu"))
        samples = open_samples(config, SCENES, quiet=True)
        context = context_of(config, samples, {}, None, None, None, Monitor(quiet=True), alone)
        context = replace(context, artifacts={"represent": whole / "stages" / "represent"})
        game, _ = game_of(context)
        second = game.weights
        found = (first.across, first.within, first.classes, second.across, second.within, second.classes)
        assert found == pulls
        assert (game.head is not None) == (learner.head is not None) == (options["guidance"] != "none")


def test_the_judge_knows_real_pictures_of_the_right_class_from_others() -> None:
    pairs = open_pairs("made:scenes?count=120", image_size=8)
    learned, kept = pairs.subset(np.arange(80)).pictures, pairs.subset(np.arange(80, 120)).pictures
    judge = trained_judge(learned, classes=10, epochs=30, seed=0)
    again = trained_judge(learned, classes=10, epochs=30, seed=0)
    for one, two in zip(judge.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    real = learned.batch(np.arange(80)).float() / 255
    labels = np.asarray(learned.labels)
    found = measure(judge, real, labels, learned=learned, kept=kept)
    shifted = measure(judge, real, (labels + 1) % 10, learned=learned, kept=kept)
    noise = measure(judge, torch.rand(80, 3, 8, 8), labels, learned=learned, kept=kept)
    single = measure(judge, real[:1].expand(80, -1, -1, -1), labels, learned=learned, kept=kept)
    assert found.consistent > 0.8 > 0.3 > shifted.consistent
    assert noise.frechet > 2 * found.frechet
    assert single.diversity == pytest.approx(0, abs=1e-6)
    assert found.diversity is not None
    assert 0.5 < found.diversity < 2
