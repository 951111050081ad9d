"""A whole run on two real processes: one run folder, one voice, gathered negatives, and resumable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.training.device import launched_processes, make_accelerator


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mmcl", "moco"])
def test_torchrun_trains_one_run_together_and_resumes_it(method: str, tmp_path: Path, pictures: np.ndarray) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "contrapose",
    ]
    words = f"train {method} --data pictures.npy --epochs 1 --batch-size 8 --projection-hidden 16".split()
    words += [
        "--projection-dimension",
        "8",
        "--log-steps",
        "1",
        *(["--queue", "32"] if method == "moco" else []),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}

    def call(*words: str) -> str:
        result = subprocess.run(
            [*launch, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    said = call(*words)
    assert said.count("2 processes, embeddings gathered") == 1
    assert said.count("Trained in") == 1
    negatives = {"mmcl": 15, "moco": 32}[method]
    assert f"{negatives} negatives per anchor" in said
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [f"{method}-pictures"]
    call("train", "--resume", f"runs/{method}-pictures", "--epochs", "2")
    rows = (tmp_path / "runs" / f"{method}-pictures" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == list(range(1, 13))


def test_processes_that_would_each_be_a_run_of_their_own_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    assert launched_processes() == 1  # a size alone launches nothing
    monkeypatch.setenv("RANK", "0")
    assert launched_processes() == 2
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(ArgumentError, match="one GPU for one process"):
        make_accelerator("mps")
    monkeypatch.setattr("contrapose.training.device.Accelerator", lambda **_: SimpleNamespace(num_processes=1))
    with pytest.raises(ArgumentError, match="2 processes were started, and accelerate joined 1"):
        make_accelerator("cpu")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ArgumentError, match=r"Process 2 on this machine has no GPU.*--nproc-per-node 1"):
        make_accelerator("auto")
    monkeypatch.setenv("WORLD_SIZE", "")
    assert launched_processes() == 1
