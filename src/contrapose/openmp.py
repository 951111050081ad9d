"""How OpenMP's threads wait for each other: asleep, so that other work on the machine does not stop a run.

Torch shares its work out among one thread a core, hundreds of times a step, and each time they wait for the slowest.
GNU's OpenMP, which torch comes with on Linux, lets them spin for milliseconds before they sleep. An idle machine does
not mind; but where something else takes a core, the thread that waits spins on the one that the thread it waits for
could use, and a run becomes several times slower than on a single thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, MutableMapping

SPINS = "10000"
"""Turns before a thread sleeps, about 100 microseconds: long enough to meet a thread that works as well, too short to
hold up one for long that has no core. GNU's own choice is 300,000. [benchmarks/busy_core.py] With one of two cores
taken it does 1.5 times the work of GNU's choice (1,000 turns: 2.0), on idle ones 0.985 (1,000: 0.95; means of seven
rounds, in which either may be 0.04 off)."""

_OF_THE_USER = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""Whoever set one of these has decided how threads wait."""

_crowd: list[threading.Thread] = []


def sleep_when_waiting(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the number of turns for this process and those it starts, unless the user did, or torch is loaded already.

    OpenMP reads it once, when torch is imported.
    """
    if "torch" not in sys.modules and not _decided(environment):
        environment["GOMP_SPINCOUNT"] = SPINS


def crowd(environment: Mapping[str, str] = os.environ) -> bool:
    """What can still be done when torch was imported before contrapose; whether it was.

    OpenMP itself stops spinning when it has more threads than there are cores, even if they sleep. So a second set of
    them is made, which does nothing. No number that a run computes depends on it.
    """
    import torch

    late = not _decided(environment) and sys.platform == "linux" and torch.get_num_threads() > 1
    if late and not any(thread.is_alive() for thread in _crowd):  # a fork leaves threads behind
        ready = threading.Event()
        thread = threading.Thread(target=_rest, args=(ready,), name="contrapose-crowd", daemon=True)
        _crowd[:] = [thread]
        thread.start()
        ready.wait(10.0)
    return late


def _decided(environment: Mapping[str, str]) -> bool:
    return any(name in environment for name in _OF_THE_USER)


def _rest(ready: threading.Event) -> None:
    """Make a set of threads, and keep it by never coming back: it belongs to the thread that made it."""
    import torch

    torch.zeros(1 << 20).add_(1)  # large enough to be shared out
    ready.set()
    threading.Event().wait()
