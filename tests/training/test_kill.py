"""A real process killed with SIGKILL in the middle, and resumed (twenty kills at random: benchmarks/kill_resume.py)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.training.checkpoint import load_newest

STEPS, KILLED_AT = 60, 8
OPTIONS: dict[str, Any] = {"epochs": 20, "batch_size": 32, "projection_hidden": 16, "projection_dimension": 8}
OPTIONS |= {"encoder": "tiny_conv", "log_steps": 1, "checkpoint_steps": 5}


def lines_of(metrics: Path) -> int:
    return metrics.read_text().count("\n") if metrics.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL does not exist on Windows")
def test_a_killed_run_ends_at_the_same_weights(pictures: np.ndarray, tmp_path: Path) -> None:
    data, run = tmp_path / "pictures.npy", tmp_path / "killed"
    np.save(data, pictures)
    words = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen(
        [sys.executable, "-m", "contrapose", "train", "mmcl", "--data", str(data), "--out", str(run), *words],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while lines_of(run / "metrics.jsonl") < KILLED_AT and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert KILLED_AT <= lines_of(run / "metrics.jsonl") < STEPS
    assert contrapose.resume(run, quiet=True).outcome.steps == STEPS
    whole = contrapose.train("mmcl", data=str(data), out=str(tmp_path / "whole"), quiet=True, **OPTIONS)
    one, two = (load_newest(path / "checkpoints")[0]["learner"] for path in (run, whole.path))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
