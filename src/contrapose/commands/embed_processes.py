"""Several processes that embed side by side: started by this one or by torchrun, each with parts of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from contrapose.errors import ArgumentError, RunError

PARENT = "CONTRAPOSE_EMBED_PARENT"  # names the process that started this one, in its environment


def is_worker() -> tuple[int, int] | None:
    """Number and count of processes that torchrun, or this command, has started; None for one by itself."""
    try:
        rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return None
    return (rank, count) if count > 1 else None


def device_of_worker(device: str) -> str:
    """The GPU of one of several processes on a machine; as it was asked for by one alone."""
    import torch

    gpus = torch.cuda.device_count() if device in ("auto", "cuda") and is_worker() else 0
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % gpus}" if gpus else device


def check_parent() -> None:
    """Stop where the process that started this one is gone."""
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):
        raise RunError("The command that started this process has ended: so does this.")


def started(command: Sequence[str], number: int, world: int) -> subprocess.Popen[bytes]:
    """A further process of so many, with its share of the cores."""
    threads = max(1, (os.cpu_count() or 1) // world)
    own = {"RANK": str(number), "LOCAL_RANK": str(number), "WORLD_SIZE": str(world), PARENT: str(os.getpid())}
    return subprocess.Popen(
        command, env={"OMP_NUM_THREADS": str(threads), **os.environ, **own}, stdout=subprocess.DEVNULL
    )


@contextmanager
def share_of_cores(world: int) -> Iterator[None]:
    """Leave their cores to so many processes beside this one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // world))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def wait_for(processes: Sequence[subprocess.Popen[bytes]], done: Callable[[], str]) -> None:
    """Wait until all of them have ended.

    Arguments:
        done: how far they are, for people.

    Errors:
        RunError: one of them did not end well.
    """
    ended = [process.wait() for process in processes]
    lost = next((number for number, status in enumerate(ended, 1) if status), None)
    if lost is None:
        return
    how = f"signal {-ended[lost - 1]}" if ended[lost - 1] < 0 else f"status {ended[lost - 1]}"
    raise RunError(
        f"Process {lost} of {len(ended) + 1} ended ({how}). {done()}: the same command again makes the others."
    )


def command_of(options: dict[str, Any]) -> list[str]:
    """What starts a process that embeds with the same options; of such only names can be handed over.

    Errors:
        ArgumentError: data that have no name.
    """
    if not isinstance(options["data"], str | os.PathLike):
        raise ArgumentError("processes are for data that have a name, which each of them opens: give a path.")
    plain = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()}
    try:
        return [sys.executable, "-m", "contrapose.commands.embed_worker", json.dumps(plain)]
    except TypeError:
        raise ArgumentError("processes are for options that have a name: leave labels= out, or embed in one.") from None
