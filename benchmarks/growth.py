"""What a sample costs, in time and memory, as the data grow 1, 10 and 100 times: a training step, `embed`, `evaluate`.

    python benchmarks/growth.py [--quick] [--out results/benchmarks/growth.json]

Each figure comes from a process of its own, which opens that many pictures from a packed file (a memory map, as a
folder of photos is after its first reading), does the work once on a few of them, and then on all. Time is the
processor's, of one thread; a training step is timed over some steps, and over all of an epoch where it has more.
`anonymous` is the peak of the memory that the process holds by itself, looked at every 20 ms; `resident` the system's
own peak, in which pages of the mapped file count as long as nobody else wants the memory. "flat" is the cost of a
sample over that among the fewest pictures.

`evaluate` asks for kNN, whose products grow with the square of the samples, and for a probe: both are of embeddings.
What raw pixels cost is bounded by the share that they are measured on.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WORK = ("train", "embed", "evaluate")
CLASSES, SIZE, BATCH = 10, 32, 128
BLOCK = 2000  # pictures that are made at a time


def make_pictures(file: Path, count: int) -> None:
    """Noise over a colour of its class, in a file that can be mapped."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 60, (CLASSES, 3, SIZE, SIZE), dtype=np.uint8)
    pixels = np.lib.format.open_memmap(file, "w+", np.uint8, (count, 3, SIZE, SIZE))
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        noise = random.integers(0, 190, (len(rows), 3, SIZE, SIZE), dtype=np.uint8)
        pixels[rows] = colours[rows % CLASSES] + noise
    pixels.flush()


class PeakMemory:
    """The most memory of its own that this process holds while the block runs, in bytes."""

    def __enter__(self) -> PeakMemory:
        self.peak, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        status = Path("/proc/self/status")
        while not self._over.wait(0.02) and status.exists():
            held = next((line for line in status.read_text().splitlines() if line.startswith("RssAnon")), "RssAnon: 0")
            self.peak = max(self.peak, 1000 * int(held.split()[1]))


def work_of(what: str, pixels: np.ndarray, folder: Path, steps: int) -> Callable[[int], int]:
    """A function that does the work on the first so many pictures, and says of how many units."""
    import contrapose
    from contrapose.commands.embed import embed
    from contrapose.commands.evaluate import evaluate
    from contrapose.data import Images
    from contrapose.encoders import build, save_encoder

    encoder = build("small_conv", channels=3, image_size=SIZE, seed=0).eval()
    save_encoder(encoder, folder / "encoder")

    def data(count: int) -> Images:
        return Images(pixels[:count], np.arange(count) % CLASSES)

    def train(count: int) -> int:
        epochs = max(1, round(steps * BATCH / count))
        out = str(folder / f"run-{count}-{time.monotonic_ns()}")
        contrapose.train("simclr", data=data(count), out=out, epochs=epochs, batch_size=BATCH)
        return epochs * (count // BATCH)

    def embedded(count: int) -> int:
        embed(folder / "encoder", data(count), out=folder / "z.npz", quiet=True)
        return count

    def evaluated(count: int) -> int:
        evaluate(folder / "encoder", data=data(count), quiet=True)
        return count

    return {"train": train, "embed": embedded, "evaluate": evaluated}[what]


def measured_here(what: str, count: int, pictures: Path, steps: int) -> dict[str, Any]:
    """The row of one figure; for a fresh process."""
    import torch

    torch.set_num_threads(1)
    pixels = np.load(pictures, mmap_mode="r")
    with tempfile.TemporaryDirectory() as folder:
        work = work_of(what, pixels, Path(folder), steps)
        work(2 * BATCH)  # loads what is loaded once
        began = time.process_time()
        with PeakMemory() as memory:
            units = work(count)
        seconds = time.process_time() - began
    resident = 1000 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row = {"work": what, "pictures": count, "seconds": seconds, "milliseconds_each": 1e3 * seconds / units}
    return {**row, "anonymous_bytes": memory.peak, "resident_bytes": resident}


def measured(what: str, count: int, pictures: Path, steps: int) -> dict[str, Any]:
    """The same from a process of its own."""
    asked = [sys.executable, __file__, "--here", what, str(count), str(pictures), "--steps", str(steps)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} of {count:,} pictures failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(row: dict[str, Any]) -> str:
    return (
        f"{row['work']:9s}{row['pictures']:9,}{row['milliseconds_each']:12.3f} ms{row['flat']:8.2f}"
        f"{row['anonymous_bytes'] / 1e6:10.0f} MB{row['resident_bytes'] / 1e6:10.0f} MB"
    )


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300 and 600 pictures: whether it runs")
    parser.add_argument("--fewest", type=int, default=1000, help="pictures that grow 10 and 100 times")
    parser.add_argument("--steps", type=int, default=20, help="fewest training steps that are timed, in whole epochs")
    parser.add_argument("--work", nargs="+", choices=WORK, default=WORK)
    parser.add_argument("--out", type=Path, help="write the figures, with commit and machine, as JSON")
    parser.add_argument("--here", nargs=3, metavar=("WORK", "COUNT", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.here:
        print(json.dumps(measured_here(given.here[0], int(given.here[1]), Path(given.here[2]), given.steps)))
        return
    from contrapose.environment import environment

    sizes = [300, 600] if given.quick else [given.fewest * times for times in (1, 10, 100)]
    steps = 2 if given.quick else given.steps
    print(f"{'':9s}{'pictures':>9s}{'each':>15s}{'flat':>8s}{'anonymous':>13s}{'resident':>13s}")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder) / "pictures.npy", sizes[-1])
        for what in given.work:
            for count in sizes:
                row = measured(what, count, Path(folder) / "pictures.npy", steps)
                first = next((one for one in rows if one["work"] == what), row)
                rows.append({**row, "flat": row["milliseconds_each"] / first["milliseconds_each"]})
                print(line(rows[-1]), flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {"image_size": SIZE, "batch": BATCH, "steps": steps, "encoder": "small_conv"}
        record = {"environment": environment(), "settings": settings, "rows": rows}
        given.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
