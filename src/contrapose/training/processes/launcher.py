"""The launcher of several processes (torchrun, accelerate launch): what they do when it is gone.

`torchrun` starts each process in a session of its own. When it is killed outright, nobody tells them: they would train
on, without anybody who could stop them at once or end those that wait for one that died.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_watching: list[threading.Thread] = []


def stop_with_launcher(*, every: float = 1.0) -> None:
    """Ask this process to stop, as a scheduler would (SIGTERM), when the process that started it has ended: a training
    finishes its step and saves a checkpoint. Asked again it changes nothing.

    Arguments:
        every: seconds between two looks.
    """
    if _watching or not hasattr(os, "getppid") or sys.platform == "win32":
        return
    thread = threading.Thread(target=_watch, args=(os.getppid(), every), name="contrapose-launcher", daemon=True)
    _watching.append(thread)
    thread.start()


def _watch(launcher: int, every: float) -> None:
    while os.getppid() == launcher:
        time.sleep(every)
    os.kill(os.getpid(), signal.SIGTERM)
