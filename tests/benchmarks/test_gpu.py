from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu
from gpu_parts import flagship
from gpu_parts.part import Work
from gpu_parts.pictures import made_data

from contrapose.claims import find_claim


def test_without_a_gpu_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert not (tmp_path / "gpu.json").exists()


def test_the_small_version_runs_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--quick", "--seeds", "1", "--out", str(tmp_path / "gpu.json")]

    def fail(work: Work) -> dict[str, object]:
        raise RuntimeError("out of memory")

    whole = gpu.PARTS["pictures"]
    monkeypatch.setitem(gpu.PARTS, "pictures", (fail, 0.5))
    assert gpu.main(arguments) == 1
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert parts["pictures"] == {"error": "RuntimeError: out of memory"}
    assert parts["loss"]["rows"][0]["seconds"] > 0
    assert [run["arm"] for run in parts["flagship"]["runs"]] == ["nt_xent", "mmcl, pgd"]
    assert parts["flagship"]["runs"][0]["options"] == {"temperature": 0.05}  # what the record of the claim chose
    assert set(parts["flagship"]["kNN of mmcl, pgd less nt_xent"]) == {"0"}

    monkeypatch.setitem(gpu.PARTS, "pictures", whole)
    for done in ("kernels", "loss", "flagship"):
        monkeypatch.setitem(gpu.PARTS, done, (lambda work: pytest.fail("was finished"), 1.0))
    assert gpu.main(arguments) == 0
    again = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert again.pop("pictures")["rows"][0]["views_trained_a_second"] > 0
    assert again == {name: found for name, found in parts.items() if name != "pictures"}


def test_as_many_epochs_as_the_time_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flagship, "STEPS", 1)
    monkeypatch.setattr(flagship, "_seconds_a_step", lambda *_: 1.0)
    work = made_data(Work(torch.device("cpu"), True, "", tmp_path, time.monotonic() + 103.0))
    claim = find_claim(flagship.CLAIM_FILE)
    protocol = flagship._protocol(claim, work)  # one step of 32 of its 45 pictures
    # 85 % of 100 s, less 4 runs of 15 s besides, in steps of two arms with two seeds
    assert flagship._epochs(claim, protocol, work) == 6


def test_a_step_of_an_arm_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flagship, "STEPS", 1)
    work = made_data(Work(torch.device("cpu"), True, "", tmp_path, time.monotonic() + 100))
    claim = find_claim(flagship.CLAIM_FILE)
    protocol = flagship._protocol(claim, work)
    samples = claim.make_ground(work.data, protocol, 0).pretraining["pretraining"]
    assert 0 < flagship._seconds_a_step(claim.arms[0], protocol, samples, work.device) < 60
