"""Runs of `mcl`: killed in each stage and resumed, on two processes; what each stage leaves, and leaves alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.distributed as dist
from accelerate import Accelerator
from PIL import Image

import contrapose
from contrapose import cli
from contrapose.data.groups import tuple_codes
from contrapose.data.images.made import trifeature
from contrapose.encoders import load_encoder
from contrapose.errors import ArgumentError
from contrapose.training.multistage.grouped import norms_of, recalibrated
from distributed_helper import run_ranks
from killed import check_killed_in_each_stage, fatal

WORDS = "--data made:trifeature?count=40 --batch-size 10 --epochs 1 --encoder tiny_conv --stage-dimension 8"
QUICK = f"{WORDS} --starts 2 --projection-hidden 8 --projection-dimension 4 --device cpu --log-steps 1".split()
QUICK += ["--checkpoint-steps", "1"]


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, before, threads = tmp_path_factory.mktemp("multistage"), Path.cwd(), torch.get_num_threads()
    os.chdir(folder)
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)
    os.chdir(before)


def train(out: str, *options: str, clusters: int = 3) -> None:
    cli.main(["train", "mcl", "--out", out, *QUICK, "--clusters", str(clusters), *options])


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    """The undisturbed run of 4 + 2 + 4 + 2 + 4 + 1 steps."""
    train("whole")
    return place / "whole"


@pytest.fixture(scope="module")
def two(place: Path) -> Path:
    """The same with two stages: 4 + 2 + 4 + 1 steps."""
    train("two", "--stage-count", "2")
    return place / "two"


def clusters_of(run: Path, number: int) -> dict[str, torch.Tensor]:
    return safetensors.torch.load((run / "stages" / f"cluster-{number}" / "clusters.safetensors").read_bytes())


def test_a_run_leaves_each_encoder_the_clusters_and_all_side_by_side(whole: Path) -> None:
    stages = ["train-1", "cluster-1", "train-2", "cluster-2", "train-3"]
    assert sorted(path.name for path in (whole / "stages").iterdir()) == sorted(stages)
    found = contrapose.load(whole)
    assert found.dimension == 24
    pictures = trifeature(20, seed=3)
    parts = [
        contrapose.load(whole / "stages" / f"train-{number}").embed(pictures, normalize=True) for number in (1, 2, 3)
    ]
    np.testing.assert_allclose(found.embed(pictures), np.concatenate(parts, axis=1), atol=1e-6)
    for number in (1, 2):
        clusters = clusters_of(whole, number)
        assert clusters["labels"].shape == (40,)
        assert clusters["centres"].shape == (3, 8)
        facts = json.loads((whole / "stages" / f"cluster-{number}" / "clusters.json").read_text())
        assert facts["sizes"] == clusters["labels"].bincount(minlength=3).tolist()
    described = json.loads((whole / "stages" / "train-3" / "encoder" / "encoder.json").read_text())["extra"]
    assert described["groups"]["count"] >= 1
    assert described["groups"]["smallest"] >= 10  # merged up to a batch
    assert described["groups"]["ever_seen"] == 1.0


def test_clusters_are_of_the_representation_as_it_is_in_use(whole: Path) -> None:
    """Nearest centres of unit rows in evaluation mode, without views and without the projection head."""
    rows = contrapose.load(whole / "stages" / "train-1").embed(trifeature(40), normalize=True)
    clusters = clusters_of(whole, 1)
    distances = ((rows[:, None] - clusters["centres"].numpy()) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == clusters["labels"].numpy()).all()


def test_killed_in_each_stage_and_resumed_it_is_the_same_run(two: Path) -> None:
    check_killed_in_each_stage(two, lambda out: train(str(out), "--stage-count", "2"), Path("killed"))


def test_stages_do_not_move_the_encoders_before_them(whole: Path, two: Path) -> None:
    """A run of two stages is the beginning of one of three: what comes later changes nothing before it."""
    for stage in ("train-1", "train-2"):
        long, short = (load_encoder(run / "stages" / stage / "encoder").state_dict() for run in (whole, two))
        assert all(torch.equal(long[key], short[key]) for key in long)
    first, second = (
        load_encoder(whole / "stages" / stage / "encoder").state_dict() for stage in ("train-1", "train-2")
    )
    assert any(not torch.equal(first[key], second[key]) for key in first)  # from new weights of its own


def test_controls_and_variants_differ_in_what_they_say(whole: Path) -> None:
    train("shuffled", "--assign", "shuffled", "--stage-count", "2")
    ours, control = clusters_of(whole, 1), clusters_of(Path("shuffled"), 1)
    assert torch.equal(ours["labels"].sort().values, control["labels"].sort().values)
    assert not torch.equal(ours["labels"], control["labels"])
    train("last", "--conditioning", "last")
    counts = {
        run: json.loads((Path(run) / "stages/train-3/encoder/encoder.json").read_text())["extra"]["groups"]
        for run in ("whole", "last")
    }
    tuples = torch.stack([clusters_of(whole, number)["labels"] for number in (1, 2)], dim=1).numpy()
    assert counts["whole"]["before_merging"] == len(set(tuple_codes(tuples, 3).tolist()))
    assert counts["last"]["before_merging"] == 3
    train("mixed", "--batches", "mixed", "--stage-count", "2", "--combine", "raw")
    assert load_encoder("mixed/encoder").arguments["normalize"] is False
    rows = [json.loads(line) for line in Path("mixed/metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(row["loss"]) for row in rows if "loss" in row)
    assert rows[-2]["chance"] < rows[0]["chance"]  # fewer negatives within the groups


def test_small_groups_that_are_not_merged_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    train("dropped", "--min-group", "0", "--stage-count", "2", clusters=5)
    said = capsys.readouterr().err
    groups = json.loads(Path("dropped/stages/train-2/encoder/encoder.json").read_text())["extra"]["groups"]
    assert groups["smallest"] < 10
    assert f"{1 - groups['ever_seen']:.0%} are in groups that fill no batch, and never seen" in said
    with pytest.raises(SystemExit):
        train("none", "--min-group", "0", "--stage-count", "2", clusters=20)
    assert "No group fills a batch of 10" in capsys.readouterr().err


def test_one_cluster_is_plain_training_of_every_stage() -> None:
    """K = 1, the control for the width: the batches are those of all samples, in every stage."""
    train("independent", "--stage-count", "2", "--no-recalibrate", clusters=1)
    groups = json.loads(Path("independent/stages/train-2/encoder/encoder.json").read_text())["extra"]["groups"]
    assert (groups["count"], groups["seen_in_a_pass"]) == (1, 1.0)
    train("mixed-one", "--stage-count", "2", "--batches", "mixed", clusters=1)
    one, two = (load_encoder(f"{run}/stages/train-2/encoder").state_dict() for run in ("independent", "mixed-one"))
    for key in one:
        torch.testing.assert_close(one[key], two[key], rtol=1e-4, atol=1e-5)


def test_running_statistics_are_those_of_mixed_batches() -> None:
    """The plain mean over batches, of views as in training; weights and mode stay, and the encoder given is left."""
    from contrapose.data import PlainSource
    from contrapose.encoders import build

    encoder = build("tiny_conv", channels=3, image_size=24, seed=0, embedding=8)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    samples = trifeature(40)
    source = PlainSource.shuffled(samples, lambda raw, generator: (raw, raw.flip(3)), batch_size=20, seed=0)
    found = recalibrated(encoder, source, seed=0)
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    first = norms_of(found)[0]
    seen: list[torch.Tensor] = []
    hooked = norms_of(encoder)[0].register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    encoder.eval()(samples.batch(range(40)))
    encoder(samples.batch(range(40)).flip(3))
    hooked.remove()
    torch.testing.assert_close(first.running_mean, torch.cat(seen).mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert first.momentum == norms_of(encoder)[0].momentum
    assert not any(part.training for part in found.modules())
    assert norms_of(torch.nn.Linear(2, 2)) == []


def still(picture: Any) -> Any:
    return picture


def trained_on_ranks(folder: str) -> dict[str, torch.Tensor]:
    """The encoders of a run on this process alone, or on all of them: the same global batch, views without chance."""
    ranks = dist.get_world_size() if dist.is_initialized() else 1
    if ranks > 1:
        rank = str(dist.get_rank())
        os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=str(ranks), LOCAL_WORLD_SIZE=str(ranks))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
        Accelerator.end_training = lambda self: None  # type: ignore[method-assign]  # the group is the helper's to end
        place = [folder]
        dist.broadcast_object_list(place)
        folder = place[0]
    options: dict[str, Any] = {"epochs": 1, "stage_count": 2, "clusters": 3, "starts": 2, "projection_layers": 0}
    options |= {"optimizer": "sgd", "learning_rate": 0.05, "encoder": "vit_micro", "quiet": True, "device": "cpu"}
    batch = {"batch_size": 16 // ranks, "views": still}  # no normalisation over a process's own batch, nothing drawn
    run = contrapose.train("mcl", data=trifeature(64), out=folder, **batch, **options)
    return load_encoder(run.path / "encoder").state_dict()


@pytest.mark.slow
def test_two_processes_end_where_one_does(tmp_path: Path) -> None:
    """Clusters of the first stage, and the weights of both: all processes draw from one group at the same step."""
    first, second = run_ranks(trained_on_ranks, str(tmp_path / "two"))
    alone = trained_on_ranks(str(tmp_path / "one"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    for key, value in alone.items():
        torch.testing.assert_close(first[key], value, rtol=1e-3, atol=1e-5, msg=key)


def test_mistakes_are_one_sentence_before_there_is_a_folder() -> None:
    with pytest.raises(ArgumentError, match="41 clusters of 40 samples"):
        contrapose.train("mcl", data=trifeature(40), clusters=41, batch_size=10, out="refused", quiet=True)
    assert not Path("refused").exists()


def test_examples_of_the_clusters_are_left_as_a_picture(two: Path) -> None:
    (listed,) = json.loads((two / "stages/cluster-1/pictures/pictures.json").read_text())
    assert listed["title"] == "Examples of clusters"
    assert "no longer helps in the next stage" in listed["caption"]
    with Image.open(two / "stages/cluster-1/pictures" / listed["file"]) as picture:
        assert picture.size[1] == 3 * 48 + 2 * 2  # a row a cluster
        assert np.asarray(picture).std() > 0


def test_stopped_between_stages_it_says_once_what_was_found_and_resumed_what_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fatal(6, lambda: os.kill(os.getpid(), signal.SIGTERM)), pytest.raises(SystemExit):
        train("stopped", "--stage-count", "2")
    assert capsys.readouterr().err.count("3 clusters of") == 1
    cli.main(["train", "--resume", "stopped", "--epochs", "2"])
    assert "epoch 2 instead of 1. Stages that are done stay as they are." in capsys.readouterr().err
    for more in ((), ("--epochs", "9")):  # the last stage trains nothing
        with pytest.raises(SystemExit):
            cli.main(["train", "--resume", "stopped", *more])
        assert "gone through all of its 4 stages" in capsys.readouterr().err
