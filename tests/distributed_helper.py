"""Run a function on several real processes of one gloo group, and get its results back by rank."""

from __future__ import annotations

import io
import multiprocessing as mp
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil
import torch
import torch.distributed as dist

LOADED = (
    "torch",
    "accelerate",
    "jaxtyping",
    "contrapose.learners",
    "contrapose.objectives",
    "contrapose.commands.train",
)
"""What the server of processes imports once, for all of them."""

_POOL: list[_Pool] = []


def run_ranks(
    work: Callable[..., Any],
    *arguments: Any,
    world_size: int = 2,
    timeout: float = 300.0,
    dying: Sequence[int] = (),
) -> list[Any]:
    """`work(*arguments)` on `world_size` processes; returns what each rank returned, by rank.

    `work` must be a function of a module (other processes import it), its result something `torch.save` takes. The
    processes stay for the next work, for starting them takes longer than most works, and groups of every size are made
    of the same ones. When one fails, or the time is over, all are ended and the failure is raised with the rank's own
    traceback; the next work then gets new ones.
    """
    if not _POOL:
        _POOL.append(_Pool())
    try:
        found = _POOL[0].do(work, arguments, world_size, timeout, dying)
    except BaseException:
        _POOL.pop().end()
        raise
    if dying:
        _POOL.pop().end()
    return found


def run_to_its_end(command: Sequence[str], *, seconds: float, **how: Any) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` with what was said captured, of a program that starts others (torchrun): where the time is over,
    or the tests are stopped, all that it has started is ended too. Each may be in a session of its own."""
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
    try:
        out, said = program.communicate(timeout=seconds)
    except BaseException:
        own = psutil.Process(program.pid)
        for process in [*own.children(recursive=True), own]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        program.communicate()
        raise
    return subprocess.CompletedProcess(command, program.returncode, out, said)


def as_launched() -> None:
    """On a rank: tell contrapose of the group that is there, as a launcher would."""
    from accelerate import Accelerator

    rank, size = str(dist.get_rank()), str(dist.get_world_size())
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
    Accelerator.end_training = lambda self: None  # type: ignore[method-assign]  # the group is the helper's to end


class _Pool:
    """Processes that wait for work at a pipe each, and meet through a file, so that no port can be taken."""

    def __init__(self) -> None:
        forks = sys.platform == "linux"  # a server that has imported everything, and no threads, forks the rest
        self.context = mp.get_context("forkserver" if forks else "spawn")
        if forks:
            self.context.set_forkserver_preload(list(LOADED))
        self.folder = tempfile.TemporaryDirectory()
        self.processes: list[Any] = []
        self.ends: list[Connection] = []
        self.meetings, self.world_size = 0, 0

    def do(
        self,
        work: Callable[..., Any],
        arguments: tuple[Any, ...],
        world_size: int,
        timeout: float,
        dying: Sequence[int],
    ) -> list[Any]:
        while len(self.processes) < world_size:
            self._start()
        if world_size != self.world_size:
            self.meetings, self.world_size = self.meetings + 1, world_size
        meeting = f"file://{Path(self.folder.name) / str(self.meetings)}"
        ends = self.ends[:world_size]
        for end in ends:
            end.send((sys.path, meeting, world_size, pickle.dumps((work, arguments)), not dying))
        results: dict[int, Any] = {}
        told: dict[int, str] = {}
        deadline = time.monotonic() + timeout
        while len(results) < world_size and not told:
            waiting = {end: rank for rank, end in enumerate(ends) if rank not in results}
            heard = wait(list(waiting), timeout=max(0.0, deadline - time.monotonic()))
            if not heard:
                raise AssertionError(f"ranks {sorted(waiting.values())} were not done within {timeout:.0f} s")
            for end in heard:
                rank = waiting[end]  # type: ignore[index]
                try:
                    done, content = end.recv()  # type: ignore[union-attr]
                except EOFError:
                    self.processes[rank].join(5)
                    if rank in dying:
                        results[rank] = None
                        continue
                    done, content = False, f"ended with exit code {self.processes[rank].exitcode}, without a traceback"
                if done:
                    results[rank] = torch.load(io.BytesIO(content), weights_only=False)
                else:
                    told[rank] = content
        if told:  # the others would wait for it
            raise AssertionError("\n".join(f"rank {rank}:\n{text}" for rank, text in sorted(told.items())))
        return [results[rank] for rank in range(world_size)]

    def _start(self) -> None:
        own, end = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(len(self.processes), end), daemon=True)
        process.start()
        end.close()  # the process has its own; where this one is closed, a process that ended is heard of
        self.processes.append(process)
        self.ends.append(own)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()
        self.folder.cleanup()


def _serve(rank: int, end: Connection) -> None:
    torch.set_num_threads(1)
    if sys.platform == "linux":  # a machine's own name need not resolve; the loopback device is always there
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    environment, met = dict(os.environ), ""
    while True:
        os.environ.clear()  # what the last work set is not the next one's
        os.environ.update(environment)
        try:
            path, meeting, world_size, pickled, meet_again = end.recv()
        except EOFError:  # the tests are over
            return
        try:
            if meeting != met:
                _meet(meeting, rank, world_size)
                met = meeting
            sys.path[:] = path  # test modules lie in several folders
            torch.manual_seed(0)
            work, arguments = pickle.loads(pickled)
            content = io.BytesIO()
            torch.save(work(*arguments), content)
            if meet_again:
                dist.barrier()  # nobody goes on while another still needs it
            end.send((True, content.getvalue()))
        except BaseException:
            end.send((False, traceback.format_exc()))


def _meet(meeting: str, rank: int, world_size: int) -> None:
    """Leave the group of before, and join another."""
    if dist.is_initialized():
        dist.destroy_process_group()
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=world_size, timeout=timedelta(seconds=240)
    )
