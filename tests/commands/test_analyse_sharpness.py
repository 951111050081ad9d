"""`contrapose analyse sharpness`: a run is measured by its own loss, left as it was, and mistakes are one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.commands.analyse_sharpness import AnalyseSharpnessOptions, analyse_sharpness
from contrapose.commands.run_learner import learner_of
from contrapose.data import Batch, Images
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Momentum

pytest.importorskip("altair", reason="the picture needs the extra `report`")
pytest.importorskip("vl_convert", reason="the picture needs the extra `report`")

QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 16,
    "encoder": "tiny_conv",
    "projection_hidden": 16,
    "projection_dimension": 8,
    "quiet": True,
}


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> str:
    path = tmp_path / "pictures.npz"
    np.savez(path, images=pictures[::3].transpose(0, 2, 3, 1), labels=np.repeat([0, 1], 16))
    return str(path)


def test_a_run_is_measured_and_left_as_it_was(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = contrapose.train("supcon", data=data, out=str(tmp_path / "run"), sam_radius=0.05, **QUICK)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    main(["analyse", "sharpness", str(run.path), "--points", "3", "--draws", "2", "--blocks", "--device", "cpu"])
    said = capsys.readouterr().out
    for words in ("supcon after 2 steps", "top eigenvalue of the Hessian", "encoder.backbone.stages.0", "under noise"):
        assert words in said
    record = json.loads((run.path / "sharpness.json").read_text())
    assert {"commit", "versions", "machine", "time"} <= record.keys()
    assert str(tmp_path) not in json.dumps(record)  # whose machine it was is nobody's business
    assert record["training"]["sam_radius"] == 0.05
    losses = record["landscape"]["losses"]
    assert (len(losses), len(losses[0])) == (3, 3)
    assert losses[1][1] == pytest.approx(record["loss"])
    blocks = [found["value"] for found in record["blocks"].values()]
    assert max(blocks) <= record["curvature"]["value"] * 1.05  # a part of a symmetric matrix, up to the tolerance
    words = " ".join(ElementTree.parse(run.path / "sharpness.svg").getroot().itertext())
    assert "The loss around the weights of supcon" in words
    assert all(path.read_bytes() == content for path, content in before.items())


def test_batches_are_the_first_ones_of_the_run(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Batch] = []
    forward = Momentum.forward

    def recorded(self: Momentum, batch: Batch) -> Any:
        seen.append(batch)
        return forward(self, batch)

    monkeypatch.setattr(Momentum, "forward", recorded)
    run = contrapose.train("moco", data=data, out=str(tmp_path / "run"), queue=32, **QUICK)
    taken = learner_of(run.path)
    assert taken.step == 2
    assert not taken.learner.training
    first, second = taken.losses(2, torch.device("cpu"))
    assert float(first().detach()) == float(first().detach()) != float(second().detach())
    for trained, measured in ((seen[0], seen[2]), (seen[1], seen[4])):
        assert torch.equal(trained.indices, measured.indices)
        for one, other in zip(trained.views, measured.views, strict=True):
            assert torch.equal(one, other)


def test_other_data_of_the_same_form(data: str, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **QUICK)
    fewer = Images(np.load(data)["images"].transpose(0, 3, 1, 2)[:16])
    (loss,) = learner_of(run.path, data=fewer).losses(1, torch.device("cpu"))
    assert bool(loss().isfinite())


def test_mistakes_are_one_sentence(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **QUICK)
    folder = str(run.path)
    for wrong, sentence in (
        ({"points": 4}, "--points must be an odd number"),
        ({"draws": 0}, "--draws must be at least 1"),
        ({"reach": 0.0}, "--reach must be above 0"),
        ({"scale": -1.0}, "--scale must be 0 or more"),
        ({"batches": 9}, "--batches must be from 1 to 2"),
    ):
        with pytest.raises(ArgumentError, match=sentence):
            analyse_sharpness(AnalyseSharpnessOptions(run=folder, **wrong), say=lambda _: None)
    for words, sentence in (
        (["analyse"], "The commands of this kind: contrapose analyse temperature --data DATA; contrapose analyse sh"),
        (["analyse", "sharpnes", folder], "Did you mean 'sharpness'?"),
        (["analyse", "sharpness"], "needs RUN"),
        (["analyse", "sharpness", str(tmp_path / "no")], "no"),
    ):
        with pytest.raises(SystemExit):
            main(words)
        assert sentence in capsys.readouterr().err
    main(["analyse", "--help"])
    assert "analyse sharpness --help explains its options" in capsys.readouterr().out
    with pytest.raises(RunError, match="do not fit these data"):
        learner_of(folder, data=Images(np.zeros((32, 1, 16, 16), np.uint8)))
    shutil.rmtree(run.path / "checkpoints")
    with pytest.raises(RunError, match="no checkpoint"):
        learner_of(folder)
    python = contrapose.train(
        "simclr", data=Images(np.load(data)["images"].transpose(0, 3, 1, 2)), out=str(tmp_path / "p"), **QUICK
    )
    with pytest.raises(ArgumentError, match="--data"):
        learner_of(python.path)
