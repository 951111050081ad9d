"""Does a busy core stop a run? Training on an idle machine and with one core taken by other work, paired.

    python benchmarks/busy_core.py                         # about half an hour; results/benchmarks/busy_core.json
    python benchmarks/busy_core.py --rounds 7 --situations idle --ways "1,000 spins" "10,000 spins"
    python benchmarks/busy_core.py --rounds 1 --epochs 1   # a look

Each round trains the same run once in every way, idle and busy, one after the other, so that what else the machine does
meets all of them; what is reported is the median over rounds of the ratio to torch's own choice in the same round. The
machine's load before each run is written beside it: an idle machine is idle only if that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

TRAIN = """
import sys
import numpy as np
import contrapose
pictures = np.random.default_rng(0).integers(0, 256, (1024, 32, 32, 3), dtype=np.uint8)
run = contrapose.train("simclr", data=pictures, epochs=int(sys.argv[1]), batch_size=64, out=sys.argv[2], quiet=True)
print(run.outcome.rate)
"""

# name -> (what is set, what runs before, processes side by side)
WAYS: dict[str, tuple[dict[str, str], str, int]] = {
    "torch's own choice": ({"GOMP_SPINCOUNT": "300000"}, "", 1),
    "contrapose": ({}, "", 1),
    "1,000 spins": ({"GOMP_SPINCOUNT": "1000"}, "", 1),
    "3,000 spins": ({"GOMP_SPINCOUNT": "3000"}, "", 1),
    "10,000 spins": ({"GOMP_SPINCOUNT": "10000"}, "", 1),
    "30,000 spins": ({"GOMP_SPINCOUNT": "30000"}, "", 1),
    "100,000 spins": ({"GOMP_SPINCOUNT": "100000"}, "", 1),
    "contrapose, torch imported first": ({}, "import torch", 1),
    "never spinning": ({"OMP_WAIT_POLICY": "PASSIVE"}, "", 1),
    "one thread": ({"OMP_NUM_THREADS": "1"}, "", 1),
    "two workers of one thread, as in claims": ({"OMP_NUM_THREADS": "1"}, "", 2),
}
BASE = "torch's own choice"
SITUATIONS = ["idle", "one core taken"]


def views_per_second(way: str, epochs: int) -> float:
    """Train once in this way; of several processes the sum."""
    settings, before, processes = WAYS[way]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    with tempfile.TemporaryDirectory() as folder:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", f"{before}\n{TRAIN}", str(epochs), f"{folder}/{number}"],
                env={**clean, **settings},
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(processes)
        ]
        said = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"a training of {way!r} failed")
    return sum(float(text.split()[-1]) for text in said)


@contextmanager
def one_core_taken(taken: bool) -> Iterator[None]:
    """Meanwhile, another process computes without a pause."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if taken else None
    try:
        yield
    finally:
        if other is not None:
            other.kill()
            other.wait()


def measure(rounds: int, epochs: int, ways: Sequence[str], situations: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Every way, idle and busy; all that was found, after each round."""
    found = []
    for number in range(rounds):
        for situation in situations:
            for way in ways if number % 2 == 0 else reversed(ways):  # what drifts meets first and last alike
                others = _running()
                with one_core_taken(situation != "idle"):
                    speed = views_per_second(way, epochs)
                found.append(
                    {"round": number, "situation": situation, "way": way, "views_per_second": speed, "others": others}
                )
                print(f"round {number + 1}, {situation:14s} {way:40s} {speed:6.0f} views/s", flush=True)
        yield found


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Median speed, and median over rounds of the ratio to torch's own choice in the same round and situation."""
    speed = {(run["situation"], run["way"], run["round"]): run["views_per_second"] for run in runs}
    rounds = sorted({run["round"] for run in runs})
    rows = []
    for situation in dict.fromkeys(run["situation"] for run in runs):
        for way in dict.fromkeys(run["way"] for run in runs):
            own = [speed[situation, way, number] for number in rounds]
            ratios = [speed[situation, way, number] / speed[situation, BASE, number] for number in rounds]
            rows.append(
                {
                    "situation": situation,
                    "way": way,
                    "views_per_second": round(statistics.median(own), 1),
                    "ratio": round(statistics.median(ratios), 3),
                    "ratios": [round(ratio, 3) for ratio in ratios],
                }
            )
    return rows


def _running() -> int | None:
    """Processes that want a core now, besides this one; None where Linux does not tell."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    return int(next(line for line in lines if line.startswith("procs_running")).split()[1]) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "busy_core.json")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS), metavar="WAY")
    parser.add_argument("--situations", nargs="+", choices=SITUATIONS, default=SITUATIONS, metavar="SITUATION")
    options = parser.parse_args()
    ways = list(dict.fromkeys([BASE, *options.ways]))
    for runs in measure(
        options.rounds, options.epochs, ways, options.situations
    ):  # stopped early, the rounds that are done are written
        write(options.out, runs, options.epochs)
    for row in summary(runs):
        print(f"{row['situation']:14s} {row['way']:40s} {row['views_per_second']:7.0f} views/s  x {row['ratio']:.2f}")
    print(f"Written to {options.out}")


def write(path: Path, runs: list[dict[str, Any]], epochs: int) -> None:
    """The record as it stands."""
    from contrapose.environment import environment

    record = {"epochs": epochs, "rows": summary(runs), "runs": runs, **environment()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
