"""Run a function on several real processes of one gloo group, and get its results back by rank."""

from __future__ import annotations

import io
import multiprocessing as mp
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

_GROUPS: dict[int, _Group] = {}


def run_ranks(work: Callable[..., Any], *arguments: Any, world_size: int = 2, timeout: float = 180.0) -> list[Any]:
    """`work(*arguments)` on `world_size` spawned processes; returns what each rank returned, by rank.

    `work` must be a function of a module (spawned processes import it), its result something `torch.save` takes. The
    processes stay for the next work, for starting them takes longer than most works. When one fails, or the time is
    over, all are ended and the failure is raised with the rank's own traceback; the next work then gets new ones.
    """
    if world_size not in _GROUPS:
        _GROUPS[world_size] = _Group(world_size)
    try:
        return _GROUPS[world_size].do(work, arguments, timeout)
    except BaseException:
        _GROUPS.pop(world_size).end()
        raise


def as_launched() -> None:
    """On a rank: tell contrapose of the group that is there, as a launcher would."""
    from accelerate import Accelerator

    rank, size = str(dist.get_rank()), str(dist.get_world_size())
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
    Accelerator.end_training = lambda self: None  # type: ignore[method-assign]  # the group is the helper's to end


class _Group:
    """Processes that meet through a file, so no port can be taken, and wait for work at a pipe each."""

    def __init__(self, world_size: int) -> None:
        context = mp.get_context("spawn")
        self.folder = tempfile.TemporaryDirectory()
        pipes = [context.Pipe() for _ in range(world_size)]
        self.ends: list[Connection] = [own for own, _ in pipes]
        self.processes = [
            context.Process(target=_serve, args=(rank, world_size, self.folder.name, end), daemon=True)
            for rank, (_, end) in enumerate(pipes)
        ]
        for process, (_, end) in zip(self.processes, pipes, strict=True):
            process.start()
            end.close()  # the process has its own; where this one is closed, a process that ended is heard of

    def do(self, work: Callable[..., Any], arguments: tuple[Any, ...], timeout: float) -> list[Any]:
        for end in self.ends:
            end.send((sys.path, pickle.dumps((work, arguments))))
        results: dict[int, Any] = {}
        told: dict[int, str] = {}
        deadline = time.monotonic() + timeout
        while len(results) < len(self.ends) and not told:
            waiting = {end: rank for rank, end in enumerate(self.ends) if rank not in results}
            heard = wait(list(waiting), timeout=max(0.0, deadline - time.monotonic()))
            if not heard:
                raise AssertionError(f"ranks {sorted(waiting.values())} were not done within {timeout:.0f} s")
            for end in heard:
                rank = waiting[end]  # type: ignore[index]
                try:
                    done, content = end.recv()  # type: ignore[union-attr]
                except EOFError:
                    done, content = False, f"ended with exit code {self.processes[rank].exitcode}, without a traceback"
                if done:
                    results[rank] = torch.load(io.BytesIO(content), weights_only=False)
                else:
                    told[rank] = content
        if told:  # the others would wait for it
            raise AssertionError("\n".join(f"rank {rank}:\n{text}" for rank, text in sorted(told.items())))
        return [results[rank] for rank in range(len(self.ends))]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()
        self.folder.cleanup()


def _serve(rank: int, world_size: int, folder: str, end: Connection) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":  # a machine's own name need not resolve; the loopback device is always there
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    meeting = f"file://{Path(folder) / 'meeting'}"
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=world_size, timeout=timedelta(seconds=90)
    )
    environment = dict(os.environ)
    while True:
        os.environ.clear()  # what the last work set is not the next one's
        os.environ.update(environment)
        try:
            path, pickled = end.recv()
        except EOFError:  # the tests are over
            return
        try:
            sys.path[:] = path  # test modules lie in several folders
            torch.manual_seed(0)
            work, arguments = pickle.loads(pickled)
            content = io.BytesIO()
            torch.save(work(*arguments), content)
            dist.barrier()  # nobody goes on while another still needs it
            end.send((True, content.getvalue()))
        except BaseException:
            end.send((False, traceback.format_exc()))
