"""What a step frees is there for the next one, and is given back at the end."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import contrapose
from contrapose.training import allocator
from contrapose.training.allocator import freed_memory_kept

BLOCK = 20 * 2**20  # bytes, below the threshold over which malloc asks the system each time
PAGES = BLOCK // resource.getpagesize()

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library: nothing is changed")


def faults_of_a_step() -> int:
    """Pages that the kernel had to hand out while five blocks were filled and freed, as activations are."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(BLOCK // 4) for _ in range(5)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Bytes of memory of this process that are in use now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLIBC_TUNABLES", *allocator.OF_THE_USER):
        monkeypatch.delenv(name, raising=False)


def three_steps() -> tuple[int, int, int]:
    """Faults of the third of three steps, and what is held after two of them and at the end."""
    with freed_memory_kept():
        faults_of_a_step()
        faults_of_a_step()
        held = resident()
        faults = faults_of_a_step()
    return faults, held, resident()


@glibc
def test_the_next_step_finds_the_pages_of_the_last_one() -> None:
    # in a process of its own: what earlier tests left in malloc's lists decides where a block goes
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import test_allocator; print(*test_allocator.three_steps())"
    for _ in range(6):  # where the kernel puts a heap is drawn at random, and in one of four it fits badly
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        faults, held, left = map(int, done.stdout.split())
        if faults < PAGES:
            break
    assert faults < PAGES  # of 5 x PAGES
    assert left < held - 3 * BLOCK


@glibc
@pytest.mark.parametrize(
    ("name", "value"), [("MALLOC_TRIM_THRESHOLD_", "131072"), ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")]
)
def test_what_the_user_set_stands(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("contrapose.training.allocator._set", lambda *_, **__: pytest.fail("malloc was set"))
    with freed_memory_kept():
        pass


@pytest.mark.parametrize("found", [None, "an old library"])
def test_another_c_library_is_left_alone(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", "") if found is None else (found, "1"))
    monkeypatch.setattr("contrapose.training.allocator._set", lambda *_, **__: pytest.fail("malloc was set"))
    with freed_memory_kept():
        pass


@glibc
def test_a_run_keeps_and_an_error_gives_back(
    tmp_path: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    trims: list[int] = []
    monkeypatch.setattr(allocator, "_set", lambda _, *, trim: trims.append(trim))
    data = tmp_path / "pictures.npy"
    np.save(data, pictures)
    small = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}
    contrapose.train("simclr", data=str(data), out=str(tmp_path / "run"), **small)
    assert trims == [allocator.NEVER, allocator.USUAL_TRIM]
    with pytest.raises(ZeroDivisionError), freed_memory_kept():
        _ = 1 / 0
    assert trims == [allocator.NEVER, allocator.USUAL_TRIM] * 2
