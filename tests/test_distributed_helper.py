"""The helper that runs several ranks must not hide what happened on one of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch.distributed as dist

from distributed_helper import run_ranks, run_to_its_end


def _one_fails_while_the_other_waits() -> None:
    if dist.get_rank() == 1:
        raise ValueError("rank one had enough")
    dist.barrier()


def _who() -> tuple[int, int]:
    return dist.get_rank(), os.getpid()


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
child.wait()
"""


def test_a_launcher_whose_time_is_over_leaves_no_children(tmp_path: Path) -> None:
    file = tmp_path / "child"
    seconds = 1.0
    while not file.exists() or not file.read_text():  # on a busy machine it takes a while to start
        with pytest.raises(subprocess.TimeoutExpired):
            run_to_its_end([sys.executable, "-c", PARENT, str(file)], seconds=seconds)
        seconds *= 3
    child = int(file.read_text())
    until = time.monotonic() + 20
    while _is_running(child) and time.monotonic() < until:  # a killed process takes a while to go
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(process: int) -> bool:
    """Whether it is there, and not only until somebody asks how it ended."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_processes_stay_for_the_next_work_until_one_fails_and_is_named() -> None:
    first = run_ranks(_who)
    assert [rank for rank, _ in first] == [0, 1]
    assert run_ranks(_who) == first
    assert run_ranks(_who, world_size=3)[:2] == first  # a larger group has the same ones, and more
    assert run_ranks(_who) == first
    with pytest.raises(AssertionError, match=r"(?s)rank 1:.*had enough"):
        run_ranks(_one_fails_while_the_other_waits)
