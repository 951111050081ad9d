"""How many views a second the generator makes, at each of a few sizes, on one thread and on more.

    python benchmarks/views.py [--size 32 64 224] [--batch 256] [--threads 1 2] [--rounds 20] [--out
    FILE.json]

Each row is one recipe on random uint8 pictures: "natural" with three channels, "strokes" with one, and
"natural" with its crop and flip alone, which tells reading from colour. A call makes two views of every
picture. Rows take turns within a round, so that a busy moment of the machine hits all of them. Printed are
views a second of the median and of the fastest call, and views for each second that the process was on a
processor: on a busy machine the first two fall, the third hardly.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from contrapose.environment import environment
from contrapose.views import ImageViews, ViewGenerator

RECIPES = {
    "natural": (3, ImageViews(recipe="natural")),
    "natural, crop and flip": (
        3,
        ImageViews(recipe="natural", colour_probability=0.0, grey_probability=0.0, blur_probability=0.0),
    ),
    "strokes": (1, ImageViews(recipe="strokes")),
}


def time_of_a_call(make: ViewGenerator, images: torch.Tensor, generator: torch.Generator) -> tuple[float, float]:
    """Seconds on the clock, and seconds that all threads were on a processor."""
    started, busy = time.perf_counter(), time.process_time()
    make(images, generator=generator)
    return time.perf_counter() - started, time.process_time() - busy


def measure(size: int, batch: int, threads: int, rounds: int) -> list[dict[str, Any]]:
    """One row for each recipe: views a second, by the median and by the fastest call."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    makers, pictures = {}, {}
    for name, (channels, options) in RECIPES.items():
        makers[name] = ViewGenerator(options, channels=channels, image_size=size)
        pictures[name] = torch.randint(0, 256, (batch, channels, size, size), dtype=torch.uint8, generator=generator)
        makers[name](pictures[name], generator=generator)  # warm-up
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in RECIPES}
    for _ in range(rounds):
        for name, make in makers.items():
            times[name].append(time_of_a_call(make, pictures[name], generator))
    row = {"size": size, "batch": batch, "threads": threads}
    return [row | {"recipe": name} | speeds(2 * batch, spent) for name, spent in times.items()]


def speeds(views: int, times: list[tuple[float, float]]) -> dict[str, int]:
    clock, busy = zip(*times, strict=True)
    return {
        "views_per_second_median": round(views / statistics.median(clock)),
        "views_per_second_fastest": round(views / min(clock)),
        "views_per_cpu_second": round(views / statistics.median(busy)),
    }


def show(rows: list[dict[str, Any]]) -> None:
    columns = {
        "recipe": 24,
        "size": 5,
        "batch": 6,
        "threads": 8,
        "median": 10,
        "fastest": 10,
        "per CPU second": 16,
    }
    print("".join(f"{name:<{width}}" if name == "recipe" else f"{name:>{width}}" for name, width in columns.items()))
    for row in rows:
        numbers = [
            row["views_per_second_median"],
            row["views_per_second_fastest"],
            row["views_per_cpu_second"],
        ]
        print(
            f"{row['recipe']:<24}{row['size']:>5}{row['batch']:>6}{row['threads']:>8}"
            f"{numbers[0]:>10,}{numbers[1]:>10,}{numbers[2]:>16,}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[32, 35, 64], help="sides of the pictures, in pixels")
    parser.add_argument("--batch", type=int, default=256, help="pictures in a call")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="torch threads")
    parser.add_argument("--rounds", type=int, default=20, help="timed calls of each row")
    parser.add_argument("--out", type=Path, help="also write the rows, with commit and machine, as JSON")
    arguments = parser.parse_args()
    rows = [
        row
        for size in arguments.size
        for threads in arguments.threads
        for row in measure(size, arguments.batch, threads, arguments.rounds)
    ]
    show(rows)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
