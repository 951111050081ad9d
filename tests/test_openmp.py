"""How threads wait is decided before torch is loaded, and never over the user."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from contrapose import openmp
from contrapose.openmp import SPINS, crowd, sleep_when_waiting

SET = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")


def said(code: str, **settings: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    result = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **settings}, capture_output=True, text=True, check=True
    )
    return result.stdout + result.stderr


SHOW = "import os; print([os.environ.get(name) for name in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')])"


@pytest.mark.parametrize(
    ("before", "settings", "expected"),
    [
        ("import contrapose", {}, [SPINS, None]),
        ("import contrapose", {"OMP_NUM_THREADS": "2"}, [SPINS, None]),  # says nothing on waiting
        ("import contrapose", {"OMP_WAIT_POLICY": "ACTIVE"}, [None, "ACTIVE"]),
        ("import contrapose", {"GOMP_SPINCOUNT": "7"}, ["7", None]),
        ("import contrapose", {"KMP_BLOCKTIME": "1"}, [None, None]),
        ("import sys; sys.modules['torch'] = sys; import contrapose", {}, [None, None]),  # too late
        ("import runpy; runpy.run_module('contrapose.version')", {}, [SPINS, None]),  # as workers and torchrun start
    ],
)
def test_the_variable_is_set_unless_the_user_set_one(
    before: str, settings: dict[str, str], expected: list[str | None]
) -> None:
    assert said(f"{before}; {SHOW}", **settings).strip() == str(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is that of torch on Linux")
def test_openmp_reads_it() -> None:
    assert f"GOMP_SPINCOUNT = '{SPINS}'" in said("import contrapose, torch", OMP_DISPLAY_ENV="verbose")


def test_torch_that_was_loaded_first_gets_a_crowd_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    if sys.platform != "linux":
        pytest.skip("GNU's OpenMP is that of torch on Linux")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(openmp, "_crowd", [])
    before = threading.active_count()
    assert crowd({})
    assert crowd({})
    assert threading.active_count() == before + 1
    assert all(not crowd({name: "1"}) for name in SET)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert not crowd({})  # one thread waits for nobody


def test_the_users_own_choice_is_kept() -> None:
    for name in SET:
        chosen = {name: "1"}
        sleep_when_waiting(chosen)
        assert chosen == {name: "1"}
