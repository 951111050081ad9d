"""Training as a user meets it: resumed bit for bit, stopped by what is not finite, honest in its files."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.errors import ArgumentError, RunError
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "log_steps": 1,
    "quiet": True,
}


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> str:
    path = tmp_path / "pictures.npz"
    degrees = np.random.default_rng(0).uniform(-60, 60, 96)
    np.savez(path, images=pictures.transpose(0, 2, 3, 1), labels=np.repeat([0, 1, 2], 32), degrees=degrees)
    return str(path)


def weights(run: Path) -> dict[str, Any]:
    state, problems = load_newest(RunFolder(run).checkpoints)
    assert not problems
    return state


def test_the_same_seed_is_the_same_run_and_another_seed_another(data: str, tmp_path: Path) -> None:
    runs = [
        contrapose.train("simclr", data=data, out=str(tmp_path / name), seed=seed, **{**QUICK, "epochs": 1})
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    first, again, other = (weights(run.path)["learner"] for run in runs)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_training_leaves_the_users_random_stream_alone(data: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    contrapose.train("mmcl", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    assert torch.equal(torch.rand(3), expected)


def test_more_epochs_on_a_finished_run(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    with pytest.raises(ArgumentError, match="is finished"):
        contrapose.resume(run.path, quiet=True)
    longer = contrapose.resume(run.path, epochs=2, quiet=True)
    assert longer.outcome.steps == 12
    assert RunFolder(run.path).read_record()["config"]["epochs"] == 2


def test_a_finished_run_without_its_encoder_gets_it_back(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    weights, file = (run.path / "encoder" / name for name in ("encoder.safetensors", "encoder.json"))
    kept = weights.read_bytes()
    for damage in (lambda: shutil.rmtree(weights.parent), lambda: _of_another_step(file)):  # killed before the export
        damage()
        with pytest.raises(ArgumentError, match="is finished"):
            contrapose.resume(run.path, quiet=True)
        assert weights.read_bytes() == kept
        assert json.loads(file.read_bytes())["extra"]["step"] == run.outcome.steps


def _of_another_step(file: Path) -> None:
    facts = json.loads(file.read_bytes())
    facts["extra"]["step"] -= 1
    file.write_text(json.dumps(facts))
    file.with_name("encoder.safetensors").write_bytes(b"")


def test_other_data_than_before_is_refused(data: str, tmp_path: Path, pictures: np.ndarray) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    changed = pictures.transpose(0, 2, 3, 1).copy()
    changed[0, 0, 0, 0] ^= 1
    np.savez(data, images=changed)
    with pytest.raises(RunError, match="data has changed"):
        contrapose.resume(run.path, epochs=2, quiet=True)


def test_accumulation_sees_the_same_samples_and_steps_less_often(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), accumulate=3, **{**QUICK, "epochs": 2})
    assert run.outcome.total_steps == 4
    with pytest.raises(ArgumentError, match="accumulate=7"):
        contrapose.train("simclr", data=data, out=str(tmp_path / "other"), accumulate=7, **QUICK)
    assert not (tmp_path / "other" / "checkpoints" / "x").exists()


def test_a_loss_that_is_not_finite_stops_with_the_batch_saved(data: str, tmp_path: Path) -> None:
    calls = 0

    def views(images: Any) -> Any:
        nonlocal calls
        calls += 1
        return images

    with pytest.raises(RunError, match=r"became .* at step \d+.*batch that did it") as error:
        contrapose.train(
            "simclr",
            data=data,
            out=str(tmp_path / "run"),
            learning_rate=1e30,
            warmup_share=0.0,
            schedule="constant",
            **QUICK,
        )
    evidence = list((tmp_path / "run").glob("nonfinite-step-*.pt"))
    assert len(evidence) == 1
    saved = torch.load(evidence[0], weights_only=True)
    assert len(saved["views"]) == 2
    assert len(saved["indices"]) == 16
    assert "learning rate" in str(error.value)


def test_metrics_say_loss_rate_and_health(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **QUICK)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert {"step", "epoch", "loss", "learning_rate", "gradient_norm", "views_per_second"} <= rows[0].keys()
    assert rows[-1]["chance"] == pytest.approx(math.log(31))
    assert 0 < rows[-1]["spread"] <= 1.5
    assert rows[-1]["step"] == 18
    assert rows[0]["learning_rate"] < rows[2]["learning_rate"] > rows[-1]["learning_rate"]


def test_a_run_that_exists_is_not_overwritten(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(RunError, match="exists already"):
        contrapose.train("mmcl", data=data, out=str(tmp_path / "run"), **QUICK)
    assert (run.path / "config.json").read_bytes() == before


def test_the_exported_encoder_is_the_trained_one(data: str, tmp_path: Path, pictures: np.ndarray) -> None:
    run = contrapose.train("mmcl", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    embedder = contrapose.load(run.path)
    learner = weights(run.path)["learner"]
    for name, value in embedder.encoder.state_dict().items():
        assert torch.equal(value, learner[f"encoder.{name}"])
    z = embedder.embed(data, batch_size=7)
    assert z.shape == (96, embedder.dimension)
    np.testing.assert_allclose(z, embedder.embed(pictures), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embedder.embed(pictures, normalize=True), axis=1), 1, rtol=1e-5)


def test_a_termination_request_saves_and_the_run_goes_on_from_there(data: str, tmp_path: Path) -> None:
    import os
    import signal

    steps = 0

    def views(image: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 100:  # two views of sixteen pictures a step: in the fourth
            os.kill(os.getpid(), signal.SIGTERM)
        return image

    before = signal.getsignal(signal.SIGTERM)
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), views=views, **QUICK)
    assert not run.outcome.finished
    assert run.outcome.steps == 4
    assert weights(run.path)["step"] == 4
    assert signal.getsignal(signal.SIGTERM) is before
    assert contrapose.resume(run.path, views=views, quiet=True).outcome.finished


def test_a_checkpoint_of_another_network_is_refused(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    record = RunFolder(run.path).read_record()
    record["config"] |= {"epochs": 2, "projection_dimension": 9}
    RunFolder(run.path).write_record(record)
    with pytest.raises(RunError, match="does not fit the networks of this version"):
        contrapose.resume(run.path, quiet=True)


@pytest.mark.parametrize(
    ("method", "own", "name"),
    [
        ("moco", {"queue": 32}, "teacher"),
        ("isd", {"queue": 32}, "teacher"),
        ("cacr", {"predictor": True, "views": {"count": 2}}, "teacher"),
        ("bias-debias", {}, "reference"),
    ],
)
def test_encoders_trained_beside_the_exported_one_are_exported_too(
    method: str, own: dict[str, Any], name: str, data: str, tmp_path: Path
) -> None:
    """ISD's authors look at the teacher as well; and one wants to see what the biased reference knows."""
    options = {**QUICK, **own}
    contrapose.train(method, data=data, out=str(tmp_path / "run"), **options)
    rows = [contrapose.load(tmp_path / "run" / part).embed(data) for part in ("encoder", name)]
    assert rows[0].shape == rows[1].shape
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    learner = load_newest(RunFolder(tmp_path / "run").checkpoints)[0]["learner"]
    exported = contrapose.load(tmp_path / "run" / name).encoder.state_dict()
    prefix = {"teacher": "teacher.model.0.", "reference": "reference."}[name]
    for key, value in exported.items():
        torch.testing.assert_close(value, learner[prefix + key])
