"""A run that starts from trained weights: it needs nothing else, resumes bit for bit, and says what it started from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.encoders import build, fingerprint_of, load_encoder, save_encoder
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "device": "cpu",
    "quiet": True,
}


@pytest.fixture(scope="module")
def trained(first_pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on brightened pictures, so that its normalisation is not that of the others."""
    out = tmp_path_factory.mktemp("init") / "first"
    return contrapose.train("simclr", data=first_pictures // 2 + 100, out=str(out), **QUICK).path


@pytest.fixture
def first(trained: Path, tmp_path: Path) -> Path:
    """The same in a folder of the test, which may train it further."""
    return shutil.copytree(trained, tmp_path / "first")


def learned(run: Path) -> dict[str, Any]:
    return load_newest(RunFolder(run).checkpoints)[0]["learner"]


@pytest.mark.parametrize("method", ["mmcl", "moco", "bias-debias"])
def test_weights_and_normalisation_are_those_of_the_source(
    method: str, first: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    """Of any method; a learning rate of next to nothing leaves them where they were."""
    own = {"queue": 32} if method == "moco" else {}
    options = {**QUICK, "learning_rate": 1e-12, "weight_decay": 0.0, **own}
    run = contrapose.train(method, data=pictures, init=str(first), out=str(tmp_path / "second"), **options)
    before, after = load_encoder(first / "encoder"), load_encoder(run.path / "encoder")
    assert torch.equal(before.mean, after.mean)
    assert torch.equal(before.std, after.std)
    for (name, one), two in zip(before.named_parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(one, two, msg=name)
    record = RunFolder(run.path).read_record()
    assert record["config"]["init"] == str(first)
    assert record["init"]["fingerprint"] == fingerprint_of(before) == fingerprint_of(load_encoder(run.path / "initial"))


def test_a_run_resumes_bit_for_bit_without_its_source(first: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    data = tmp_path / "pictures.npy"
    np.save(data, pictures)
    options = {**QUICK, "data": str(data), "init": str(first)}
    whole = contrapose.train("simclr", out=str(tmp_path / "whole"), checkpoint_steps=5, **options)
    half, early = (shutil.copytree(whole.path, tmp_path / name) for name in ("half", "early"))
    shutil.rmtree(first)
    for path in list_checkpoints(half / "checkpoints"):
        if load_checkpoint(path)["step"] > 10:
            path.unlink()
    shutil.rmtree(early / "checkpoints")  # killed before its first checkpoint
    (early / "checkpoints").mkdir()
    for run in (half, early):
        resumed = contrapose.resume(run, quiet=True)
        assert resumed.outcome.finished
        one, two = learned(whole.path), learned(resumed.path)
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert RunFolder(run).read_record()["init"]["fingerprint"]


def test_killed_before_it_kept_its_start_a_run_keeps_it_when_it_goes_on(
    first: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    """The record is written first; what reads `initial/` later, when the source is gone, finds it."""
    options = {**QUICK, "data": pictures, "init": str(first), "epochs": 1}
    run = contrapose.train("simclr", out=str(tmp_path / "run"), **options).path
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    (run / "initial" / "encoder.json").unlink()
    contrapose.resume(run, data=pictures, quiet=True)
    assert fingerprint_of(load_encoder(run / "initial")) == fingerprint_of(load_encoder(first / "encoder"))


def test_python_takes_an_embedder_and_leaves_it_as_it_was(first: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    embedder = contrapose.load(first)
    before = fingerprint_of(embedder.encoder)
    run = contrapose.train("simclr", data=pictures, init=embedder, out=str(tmp_path / "run"), **QUICK)
    assert fingerprint_of(embedder.encoder) == before != fingerprint_of(run.load().encoder)
    assert not embedder.training
    assert contrapose.resume(run.path, data=pictures, epochs=3, quiet=True).outcome.finished


def test_pictures_are_brought_to_what_the_weights_take(first: Path, tmp_path: Path) -> None:
    """Grey, larger, of floats: the source decides on channels and size, unless another size is asked for."""
    grey = np.random.default_rng(0).integers(0, 255, (40, 24, 24), dtype=np.uint8)
    run = contrapose.train("simclr", data=grey, init=first, out=str(tmp_path / "a"), **QUICK)
    assert (run.load().encoder.channels, run.load().encoder.image_size) == (3, 16)
    run = contrapose.train("simclr", data=grey, init=first, image_size=24, out=str(tmp_path / "b"), **QUICK)
    assert run.load().encoder.image_size == 24
    assert contrapose.resume(run.path, data=grey, epochs=3, quiet=True).load().encoder.image_size == 24
    with pytest.raises((ArgumentError, DataError)):
        contrapose.train("simclr", data=np.zeros((40, 8, 8, 5), np.uint8), init=first, out=str(tmp_path / "c"), **QUICK)
    assert not (tmp_path / "c").exists()


def test_an_encoder_with_options_of_its_own_needs_no_encoder_option(pictures: np.ndarray, tmp_path: Path) -> None:
    save_encoder(build("tiny_conv", channels=3, image_size=16, seed=1, embedding=32), tmp_path / "encoder")
    run = contrapose.train("simclr", data=pictures, init=tmp_path / "encoder", out=str(tmp_path / "run"), **QUICK)
    assert RunFolder(run.path).read_record()["config"]["encoder"] == "tiny_conv"
    assert run.load().encoder.arguments == {"embedding": 32}
    with pytest.raises(ArgumentError, match=r"--encoder vit_tiny and --init .* contradict each other.*a tiny_conv"):
        contrapose.train("simclr", data=pictures, init=tmp_path / "encoder", encoder="vit_tiny", **QUICK)


def test_a_source_that_was_trained_further_is_no_start_to_repeat(
    first: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    """Killed in the instant before it kept the weights, a run takes its source, if that is still the same."""
    path = contrapose.train("simclr", data=pictures, init=str(first), out=str(tmp_path / "run"), **QUICK).path
    shutil.rmtree(path / "initial")
    assert contrapose.resume(path, data=pictures, epochs=3, quiet=True).outcome.finished
    shutil.rmtree(path / "initial")  # which it has kept by now
    contrapose.resume(first, data=pictures // 2 + 100, epochs=3, quiet=True)
    with pytest.raises(RunError, match="began with have changed"):
        contrapose.resume(path, data=pictures, epochs=4, quiet=True)


@pytest.mark.parametrize(("init", "error"), [("nowhere", RunError), ("resnet18", ArgumentError), (7, ArgumentError)])
def test_a_start_that_is_none_leaves_no_folder(init: Any, error: type, pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(error):
        contrapose.train("simclr", data=pictures, init=init, out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()
