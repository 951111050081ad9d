"""A process that dies ends the job at once, says so, and loses nothing; one whose launcher died does not train on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch.distributed as dist

import contrapose
from contrapose.distributed.lost import is_of_a_lost_process
from contrapose.errors import RunError
from contrapose.training.checkpoint import list_checkpoints
from contrapose.training.run_folder import RunFolder
from distributed_helper import as_launched, run_ranks
from killed import fatal

SMALL: dict[str, Any] = {"epochs": 1, "batch_size": 4, "log_steps": 1, "checkpoint_steps": 1, "projection_hidden": 8}
SMALL |= {"encoder": "bag_of_words", "device": "cpu"}
WATCHED = """
import signal, sys, time
from contrapose.training.processes.launcher import stop_with_launcher
stop_with_launcher(every=0.02)
print(flush=True)
time.sleep(60)
"""
LAUNCHER = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {WATCHED!r}], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def one_dies(folder: str) -> tuple[str, float]:
    """The second process is killed in its third step; what the first says, and how long after its own."""
    as_launched()
    done = []
    end = (lambda: os.kill(os.getpid(), signal.SIGKILL)) if dist.get_rank() else (lambda: done.append(time.monotonic()))
    with chdir(folder), fatal(3, end), pytest.raises(RunError) as stopped:
        contrapose.train("simclr", data="texts.txt", out="run", quiet=True, **SMALL)
    return str(stopped.value), time.monotonic() - done[0]


def test_a_killed_process_ends_the_others_at_once_and_the_run_goes_on_without_it(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(f"a {number} b" for number in range(48)))
    said, seconds = run_ranks(one_dies, str(tmp_path), dying=(1,))[0]
    assert "Process 1 of 2 stops: another one has ended" in said
    assert re.search(r"the last checkpoint is step-0000000[23]-", said)
    assert said.endswith("train --resume run")
    assert seconds < 60  # of a machine with much else to do; half an hour is what the transport would wait
    run = tmp_path / "run"
    assert list_checkpoints(run / "checkpoints")
    assert contrapose.resume(run, data=str(tmp_path / "texts.txt"), quiet=True).outcome.finished  # alone
    steps = [row["step"] for row in RunFolder(run).metrics()]
    assert steps == list(range(1, 7))


def test_errors_of_the_transport_are_told_from_others() -> None:
    closed = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:3512"
    assert is_of_a_lost_process(RuntimeError(closed))
    assert is_of_a_lost_process(dist.DistNetworkError("no answer"))
    assert not is_of_a_lost_process(RuntimeError("shapes cannot be multiplied"))
    assert not is_of_a_lost_process(RunError("gloo"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no parent to look at")
def test_who_was_started_by_a_launcher_that_was_killed_is_asked_to_stop() -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER], stdout=subprocess.PIPE)
    assert launcher.stdout is not None
    child = int(launcher.stdout.readline())
    assert psutil.pid_exists(child)
    launcher.kill()
    launcher.wait()
    deadline = time.monotonic() + 60
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
