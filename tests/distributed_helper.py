"""Run a function on several real processes of one gloo group, and get its results back by rank."""

from __future__ import annotations

import multiprocessing as mp
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist


def run_ranks(work: Callable[..., Any], *arguments: Any, world_size: int = 2, timeout: float = 180.0) -> list[Any]:
    """`work(*arguments)` on `world_size` spawned processes; returns what each rank returned, by rank.

    `work` must be a function of a module (spawned processes import it), its result something `torch.save`
    takes. The processes meet through a file, so no port can be taken. When one fails, or the time is over,
    all are ended and the failure is raised with the rank's own traceback.
    """
    context = mp.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            context.Process(target=_one_rank, args=(work, rank, world_size, folder, arguments))
            for rank in range(world_size)
        ]
        for process in processes:
            process.start()
        try:
            _wait(processes, time.monotonic() + timeout)
        finally:
            for process in processes:
                if process.is_alive():
                    process.kill()
                process.join()
        _raise_failures(processes, Path(folder), timeout)
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(world_size)]


def _one_rank(work: Callable[..., Any], rank: int, world_size: int, folder: str, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":  # a machine's own name need not resolve; the loopback device is always there
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    try:
        dist.init_process_group(
            "gloo",
            init_method=f"file://{folder}/meeting",
            rank=rank,
            world_size=world_size,
            timeout=timedelta(seconds=90),
        )
        torch.save(work(*arguments), Path(folder) / f"{rank}.pt")
        dist.barrier()  # nobody leaves while another still needs it
        dist.destroy_process_group()
    except BaseException:
        (Path(folder) / f"{rank}.txt").write_text(traceback.format_exc())
        raise SystemExit(1) from None


def _wait(processes: list[Any], deadline: float) -> None:
    """Until all are done, one has failed (the others would wait for it), or the time is over."""
    while time.monotonic() < deadline:
        codes = [process.exitcode for process in processes]
        if all(code == 0 for code in codes) or any(code not in (None, 0) for code in codes):
            return
        time.sleep(0.05)


def _raise_failures(processes: list[Any], folder: Path, timeout: float) -> None:
    told = [path for path in sorted(folder.glob("*.txt")) if path.read_text()]
    if told:
        raise AssertionError("\n".join(f"rank {path.stem}:\n{path.read_text()}" for path in told))
    codes = [process.exitcode for process in processes]
    if any(codes):
        raise AssertionError(f"ranks ended with exit codes {codes} within {timeout:.0f} s, without a traceback")
