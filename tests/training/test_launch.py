"""A whole run on two real processes: one run folder, one voice, gathered negatives, and resumable."""

from __future__ import annotations

import json
import os
import sys
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from contrapose import cli
from contrapose.errors import ArgumentError
from contrapose.training.device import launched_processes, make_accelerator
from distributed_helper import as_launched, run_ranks, run_to_its_end

TOGETHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SMALL = ("--epochs", "1", "--batch-size", "8", "--log-steps", "1")
HEAD = ("--projection-hidden", "16", "--projection-dimension", "8")


TWICE = """
import faulthandler, os, time
import contrapose

faulthandler.dump_traceback_later(200, exit=True)  # rather than wait for half an hour
small = {"epochs": 1, "batch_size": 8, "log_steps": 1, "projection_hidden": 16, "projection_dimension": 8}
for seed in (1, 2):
    run = contrapose.train("simclr", data="pictures.npy", seed=seed, quiet=True, **small)
    assert run.outcome.finished
    if os.environ["RANK"] == "1":
        time.sleep(3)  # the first process is there long before, and sees what is left of the group before
contrapose.resume(run.path, epochs=2, quiet=True)
"""


def launch(folder: Path, *words: str) -> str:
    """What two processes say that each run the package, or a script."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    words = words if words[0].endswith(".py") else ("-m", "contrapose", *words)
    command = [sys.executable, *TOGETHER, *words]
    result = run_to_its_end(command, seconds=240, cwd=folder, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.slow
def test_torchrun_trains_one_run_together(tmp_path: Path, pictures: np.ndarray) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    said = launch(tmp_path, "train", "mmcl", "--data", "pictures.npy", *SMALL, *HEAD)
    assert said.count("2 processes, embeddings gathered") == 1
    assert said.count("Trained in") == 1
    assert "15 negatives per anchor" in said
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mmcl-pictures"]


def texts_together(folder: str, words: list[str]) -> None:
    """On each of two processes: a run on texts, and its second half."""
    as_launched()
    with chdir(folder):
        cli.main(["train", "moco", "--data", "texts.txt", "--out", "run", *words])
        cli.main(["train", "--resume", "run", "--epochs", "2"])


@pytest.mark.slow
def test_two_processes_share_texts_of_any_length_and_resume(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefgh"), random.integers(1, 20))) for _ in range(48)]
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    words = [*SMALL, *HEAD, "--encoder", "bag_of_words", "--queue", "32"]
    run_ranks(texts_together, str(tmp_path), words)
    rows = [json.loads(row) for row in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 7))  # of 48 texts, eight in each process
    assert rows[0]["chance"] == pytest.approx(np.log(1 + 32))  # a queue of what both have seen


@pytest.mark.slow
def test_one_script_trains_several_runs_one_after_another(tmp_path: Path, pictures: np.ndarray) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    (tmp_path / "twice.py").write_text(TWICE)
    launch(tmp_path, "twice.py")
    runs = sorted((tmp_path / "runs").iterdir())
    assert [path.name for path in runs] == ["simclr-pictures", "simclr-pictures-2"]
    rows = [[json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()] for run in runs]
    assert [[row["step"] for row in told] for told in rows] == [list(range(1, 7)), list(range(1, 13))]
    assert rows[0][0]["loss"] != rows[1][0]["loss"]


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
