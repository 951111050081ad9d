"""What every part is given, and how a GPU's time and memory are measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from contrapose.objectives.engine.plain import choice


@dataclass(frozen=True)
class Work:
    """What a part is to do.

    Arguments:
        quick: the small version, on whatever device there is.
        data: a folder with the train and the test part of CIFAR-10, or hub:OWNER/NAME.
        folder: where a part may keep what it wants to find again.
        deadline: until when, by `time.monotonic`.
        keep: called with what a part has found so far, which is then in the file.
    """

    device: torch.device
    quick: bool
    data: str
    folder: Path
    deadline: float
    seeds: int = 2
    keep: Callable[[dict[str, Any]], None] = field(default=lambda found: None)

    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()


def stopped(found: dict[str, Any], why: str = "no time was left") -> dict[str, Any]:
    """What a part has found that is not done."""
    return {**found, "stopped": why}


def wait(device: torch.device) -> None:
    """Until the device has done all that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], Any], device: torch.device, rounds: int) -> list[float]:
    """Of each round, waited for; one more before them, in which kernels are built and memory is taken."""
    times = []
    for _ in range(rounds + 1):
        wait(device)
        begin = time.perf_counter()
        run()
        wait(device)
        times.append(time.perf_counter() - begin)
    return times[1:]


def measured(run: Callable[[], Any], device: torch.device, rounds: int) -> dict[str, Any]:
    """Median and range of its seconds, and on a GPU its peak memory above what was held before."""
    times = seconds(run, device, rounds)
    found = {"seconds": statistics.median(times), "fastest": min(times), "slowest": max(times), "rounds": rounds}
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        wait(device)
        found["peak_bytes"] = torch.cuda.max_memory_allocated(device) - before
    return found


def said(error: Exception) -> str:
    """Its kind and first line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


@contextmanager
def without_kernels() -> Iterator[None]:
    """Within it losses are computed by torch."""
    with patch.object(choice, "by_kernel", lambda *_: False):
        yield


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Within it float32 products are made in "ieee" arithmetic, or may be made in "tf32"."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest" if name == "ieee" else "high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
