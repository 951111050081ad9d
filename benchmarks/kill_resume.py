"""Kill a short run with SIGKILL at random points, resume it, and compare the final weights with an undisturbed run.

    python benchmarks/kill_resume.py --kills 20 --out results/benchmarks/kill_resume.json

Prints one line a kill and `20 of 20 the same, bit for bit`; leaves with status 1 when one differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from contrapose.training.checkpoint import load_newest

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def options(method: str, steps_between: int) -> list[str]:
    """A run of 30 steps that checkpoints often, so that kills fall into every part of it."""
    words = "--data omniglot --limit 480 --epochs 5 --batch-size 80 --log-steps 1 --seed 3"
    words += f" --checkpoint-steps {steps_between}"
    return ["train", method, *words.split(), *(["--queue", "160"] if method == "moco" else [])]


def command(*words: str) -> subprocess.Popen[bytes]:
    """Start `contrapose` with these words, in silence."""
    return subprocess.Popen(
        [sys.executable, "-m", "contrapose", *words],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes], what: str) -> None:
    """Wait for a process that must succeed."""
    _, errors = process.communicate(timeout=600)
    if process.returncode != 0:
        raise SystemExit(f"{what} failed:\n{errors.decode()[-2000:]}")


def final_weights(run: Path) -> dict[str, torch.Tensor]:
    """The learner's state at the end of a run."""
    state, problems = load_newest(run / "checkpoints")
    if problems or state["step"] != 30:
        raise SystemExit(f"{run} ended at step {state['step']}: {problems}")
    return state["learner"]


def kill_once(run: Path, method: str, delay: float) -> int:
    """Start a run, kill it `delay` seconds after its folder appears, resume it; returns the step it was killed
    after."""
    process = command(*options(method, 2), "--out", str(run))
    while not (run / "config.json").exists():
        if process.poll() is not None:
            finish(process, "the run")
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lines = (run / "metrics.jsonl").read_text().count("\n") if (run / "metrics.jsonl").exists() else 0
    if lines < 30:
        finish(command("train", "--resume", str(run)), "resuming")
    return lines


def main(words: list[str] | None = None) -> int:
    """Run the experiment; returns how many kills did not come back to the same weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--methods", nargs="+", default=["mmcl", "moco"])
    parser.add_argument("--seed", type=int, default=0, help="of the kill times")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    arguments = parser.parse_args(words)
    times, same, rows = random.Random(arguments.seed), 0, []
    with tempfile.TemporaryDirectory() as folder:
        reference, spans = {}, {}
        for method in arguments.methods:
            run = Path(folder) / f"{method}-reference"
            process = command(*options(method, 2), "--out", str(run))
            while not (run / "config.json").exists() and process.poll() is None:
                time.sleep(0.002)
            started = time.monotonic()
            finish(process, "the undisturbed run")
            reference[method], spans[method] = final_weights(run), time.monotonic() - started
        for number in range(arguments.kills):
            method = arguments.methods[number % len(arguments.methods)]
            run = Path(folder) / f"{method}-{number}"
            steps = kill_once(run, method, times.uniform(0.0, spans[method]))
            weights, expected = final_weights(run), reference[method]
            equal = weights.keys() == expected.keys() and all(torch.equal(weights[k], expected[k]) for k in expected)
            same += equal
            rows.append({"method": method, "killed_after_step": steps, "same": equal})
            print(
                f"kill {number + 1:2d}: {method}, after step {steps:2d} of 30: {'the same' if equal else 'DIFFERENT'}",
                flush=True,
            )
    print(f"{same} of {arguments.kills} the same, bit for bit")
    if arguments.out:
        from contrapose.environment import environment

        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(
            json.dumps({"environment": environment(), "same": same, "kills": rows}, indent=2) + "\n"
        )
    return arguments.kills - same


if __name__ == "__main__":
    raise SystemExit(min(1, main()))
