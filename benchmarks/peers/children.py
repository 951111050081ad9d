"""The processes of a row's arms, as the one that measures sees them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from peers.environment import ROOT
from peers.row import Settings

LIMIT = 400.0
"""Seconds for one answer; an arm that takes longer is stopped, and the record says so."""


class ArmError(Exception):
    """An arm ended, or took too long: why."""


class Child:
    """One arm in a process of its own. Processes are started together and asked in turns."""

    def __init__(self, row: str, arm: str, settings: Settings, folder: Path) -> None:
        self.answer = folder / f"{arm.replace(' ', '_')}.npz"
        self.errors = tempfile.TemporaryFile("w+", dir=folder)  # noqa: SIM115
        command = [sys.executable, "-m", "peers.child", row, arm, json.dumps(dict(settings)), str(self.answer)]
        self.process = subprocess.Popen(
            command,
            env=_environment(settings["threads"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            bufsize=0,
        )

    def ask(self, line: str, limit: float = LIMIT) -> dict[str, Any]:
        """Say a line and wait for the answer.

        Errors:
            ArmError: it ended (its last error) or did not answer in time; it is stopped then.
        """
        self.tell(line)
        return self.listen(limit)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then `listen` says why
            self.process.stdin.write(f"{line}\n".encode())

    def listen(self, limit: float = LIMIT) -> dict[str, Any]:
        assert self.process.stdout is not None
        read, end, said = self.process.stdout.fileno(), time.monotonic() + limit, b""
        while not said.endswith(b"\n"):
            if not select.select([read], [], [], max(0.0, end - time.monotonic()))[0]:
                self.stop()
                raise ArmError(f"took longer than {limit:.0f} s")
            some = os.read(read, 1 << 16)
            if not some:
                raise ArmError(self._why())
            said += some
        answer: dict[str, Any] = json.loads(said)
        return answer

    def answers(self) -> dict[str, np.ndarray]:
        with np.load(self.answer) as held:
            return dict(held)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _why(self) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        killed = "it was killed, as a rule for its memory" if code == -9 else f"it ended with {code}"
        return f"{killed}: {lines[-1]}" if lines else killed


def _environment(threads: int) -> dict[str, str]:
    """Of a child: as many threads for everybody, and no kernels of OpenBLAS chosen by hand, which slow some peers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    counts = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    paths = os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT / "src")])
    return {**kept, **counts, "PYTHONPATH": paths, "NO_ALBUMENTATIONS_UPDATE": "1"}
