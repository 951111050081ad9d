"""The process of one arm: prepares, says so, and does a call each time it is told to.

    python -m peers.child ROW ARM SETTINGS ANSWER

It answers on standard output with a line of JSON for each line that it reads. `first` is the one call whose memory is
measured and whose answer is kept; `again N` are N calls in a row.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from peers.row import Call, Row, Settings

PACKAGES = {
    "lightly": "lightly",
    "pytorch_metric_learning": "pytorch-metric-learning",
    "cv2": "opencv-python-headless",
    "torch_geometric": "torch-geometric",
    "recbole": "RecBole",
    "open_clip": "open_clip_torch",
}
MISSING = "is not installed"


class Worker:
    """An arm as its process knows it."""

    def __init__(self, row: Row, arm: str, settings: Settings, answer: Path) -> None:
        self.prepare, self.settings, self.answer = row.arms[arm].prepare, settings, answer
        self.call: Call | None = None
        self.measures_memory = row.memory

    def serve(self, line: str) -> dict[str, Any]:
        """What a line asks for."""
        word, *number = line.split()
        if word == "prepare":
            return self._prepared()
        assert self.call is not None
        return self._first(self.call) if word == "first" else timed(self.call, int(number[0]))

    def _prepared(self) -> dict[str, Any]:
        try:
            self.call = self.prepare(self.settings)
        except ModuleNotFoundError as error:
            if importlib.util.find_spec((error.name or "").partition(".")[0] or "-") is not None:
                raise
            return {"skipped": f"{PACKAGES.get(error.name or '', error.name)} {MISSING}"}
        return {"ready": True}

    def _first(self, call: Call) -> dict[str, Any]:
        kept: list[Any] = []

        def keeping() -> Any:
            kept.append(call())
            return kept[0]

        before = forget_peak()
        spent = timed(keeping, 1)
        peak = peak_resident()
        answer = kept[0] if isinstance(kept[0], dict) else {}
        np.savez(self.answer, **{name: np.asarray(value) for name, value in answer.items()})
        if before is None or peak is None or not self.measures_memory:
            return spent
        return {**spent, "peak_bytes": max(0, peak - before)}


def timed(call: Call, calls: int) -> dict[str, Any]:
    """Seconds a call, on the clock and on a processor. A call that takes its own time answers with its `seconds`."""
    begun, busy, own = time.perf_counter(), time.process_time(), list[float]()
    for _ in range(calls):
        answer = call()
        if isinstance(answer, dict) and "seconds" in answer:
            own.append(answer["seconds"])
    clock, processor = time.perf_counter() - begun, time.process_time() - busy
    return {"seconds": (sum(own) if own else clock) / calls, "processor": processor / calls}


def forget_peak() -> int | None:
    """Bytes resident now; the peak is counted anew from here where Linux lets it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def peak_resident() -> int | None:
    """The most bytes resident at once since then. `getrusage` elsewhere: its peak cannot be forgotten, and on Linux a
    new process inherits that of the one which started it."""
    return status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def status(field: str) -> int | None:
    listing = Path("/proc/self/status")
    lines: Iterator[str] = iter(listing.read_text().splitlines()) if listing.exists() else iter(())
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), None)


def main(arguments: list[str], told: TextIO, say: TextIO) -> None:
    from peers.rows import ROWS

    row, arm, settings, answer = arguments
    worker = Worker(ROWS[row], arm, json.loads(settings), Path(answer))
    for line in told:
        say.write(json.dumps(worker.serve(line)) + "\n")
        say.flush()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints goes to the errors
    main(sys.argv[1:], sys.stdin, answers)
