"""Softmax losses in tiles against the same losses with the whole similarity matrix: time and peak memory, forward and
backward.

    python benchmarks/tiled_softmax.py [--quick] [--large] [--sweep] [--out results/benchmarks/tiled_softmax.json]

Losses: nt_xent, dcl and sup_con (10 classes) of n rows, two views of n/2 samples, of 128 dimensions in float32.
Contenders:

    tiled    contrapose.objectives
    masked   the same reduction by the engine's other way, which asks the pairing for every tile
    dense    one n x n matrix, masked by -inf: what autograd does with the formula

Times are least processor times of interleaved rounds, which other work on the machine touches least; with one thread
they are seconds. Peak memory is that of a fresh process per figure, above what it held before. "differ." is the largest
difference of the gradients to dense, over the largest gradient. "of products" is the time that the matrix products of
the tiled loss take by themselves in the same round, over its own: how near to the machine it is. --large adds 65,536
rows (nt_xent, tiled alone: the matrix would take 17 GB, and autograd several of it), --sweep the time of tile sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmcl_solver import resident
from torch import Tensor
from torch.nn import functional

from contrapose.environment import environment
from contrapose.objectives import dcl, nt_xent, sup_con
from contrapose.objectives.engine.inputs import prepare_rows
from contrapose.objectives.engine.softmax import denominator_and_attraction, repulsion_and_attraction
from contrapose.objectives.engine.tiles import Sums, row_reduce
from contrapose.pairing import Pairing, by_labels, by_views

DIMENSIONS, CLASSES = 128, 10
TEMPERATURE = 0.5
SIZES = (512, 4096, 16_384)
LARGE = 65_536
SWEEP = (128, 256, 384, 512, 768, 1024)
SIDE = 512  # of the tiles whose products are timed by themselves

Loss = Callable[[Tensor], Tensor]


def embeddings(n: int) -> Tensor:
    """`(2, n/2, D)` float32, the two views of a sample alike."""
    generator = torch.Generator().manual_seed(n)
    base = torch.randn(1, n // 2, DIMENSIONS, generator=generator)
    return base + torch.randn(2, n // 2, DIMENSIONS, generator=generator)  # (2, n/2, D)


def labels_of(z: Tensor) -> Tensor:
    return torch.arange(z.shape[1]) % CLASSES


def similarities(z: Tensor) -> tuple[Tensor, Tensor]:
    """`(n, n)`, and where a row meets itself."""
    rows = functional.normalize(z, dim=-1).flatten(0, 1)  # (n, D)
    return rows @ rows.T / TEMPERATURE, torch.eye(len(rows), dtype=torch.bool)


def dense_nt_xent(z: Tensor) -> Tensor:
    s, itself = similarities(z)
    partner = torch.arange(len(s)).roll(len(s) // 2)
    return functional.cross_entropy(s.masked_fill(itself, -math.inf), partner)


def dense_dcl(z: Tensor) -> Tensor:
    s, itself = similarities(z)
    partner = itself.roll(len(s) // 2, 0)
    return (s.masked_fill(itself | partner, -math.inf).logsumexp(1) - s[partner]).mean()


def dense_sup_con(z: Tensor) -> Tensor:
    s, itself = similarities(z)
    labels = labels_of(z).repeat(2)
    positive = (labels.unsqueeze(1) == labels) & ~itself  # (n, n)
    log_share = s - s.masked_fill(itself, -math.inf).logsumexp(1, keepdim=True)
    return -((log_share * positive).sum(1) / positive.sum(1)).mean()


def masked(terms: Sums, pairing_of: Callable[[Tensor], Pairing]) -> Loss:
    """The loss by terms that are a function of their tile, of which the engine knows no more."""

    def loss(z: Tensor) -> Tensor:
        rows = prepare_rows(z, True).flatten(0, 1)
        log, attraction, weight = row_reduce(
            rows, rows, lambda s, tile: terms(s, tile), pairing_of(z), scale=1 / TEMPERATURE
        )
        return (log - attraction / weight).mean()

    return loss


LOSSES: dict[str, dict[str, Loss]] = {
    "nt_xent": {
        "tiled": lambda z: nt_xent(z, temperature=TEMPERATURE),
        "masked": masked(denominator_and_attraction, lambda z: by_views(2, z.shape[1])),
        "dense": dense_nt_xent,
    },
    "dcl": {
        "tiled": lambda z: dcl(z, temperature=TEMPERATURE),
        "masked": masked(repulsion_and_attraction, lambda z: by_views(2, z.shape[1])),
        "dense": dense_dcl,
    },
    "sup_con": {
        "tiled": lambda z: sup_con(z, labels_of(z), temperature=TEMPERATURE),
        "masked": masked(denominator_and_attraction, lambda z: by_labels(labels_of(z), views=2)),
        "dense": dense_sup_con,
    },
}


def products(z: Tensor) -> None:
    """The products of a symmetric loss that keeps nothing: half of the similarities twice, and the gradients."""
    rows = z.flatten(0, 1)
    gradient, tile = torch.zeros_like(rows), torch.empty(min(SIDE, len(rows)), min(SIDE, len(rows)))
    for row in range(0, len(rows), SIDE):
        for column in range(row, len(rows), SIDE):
            a, b = rows[row : row + SIDE], rows[column : column + SIDE]
            piece = tile[: len(a), : len(b)]
            torch.mm(a, b.T, out=piece)
            torch.mm(a, b.T, out=piece)
            gradient[row : row + SIDE].addmm_(piece, b)
            if column > row:
                gradient[column : column + SIDE].addmm_(piece.T, a)


def gradient(loss: Loss, z: Tensor) -> Tensor:
    """One forward and backward."""
    z = z.clone().requires_grad_()
    return torch.autograd.grad(loss(z), z)[0]


def seconds(work: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The least processor time of each; every round runs all of them, so that a busy moment hits all alike."""
    times = dict.fromkeys(work, math.inf)
    for _ in range(rounds):
        for name, run in work.items():
            begin = time.process_time()
            run()
            times[name] = min(times[name], time.process_time() - begin)
    return times


def peak_bytes_here(loss: str, name: str, n: int) -> int:
    """Peak resident memory of one forward and backward above what was held before; for a fresh process."""
    gradient(LOSSES[loss][name], embeddings(64))
    z = embeddings(n)
    before = resident("VmRSS")
    gradient(LOSSES[loss][name], z)
    return max(0, resident("VmHWM") - before)


def peak_bytes(loss: str, name: str, n: int) -> int | None:
    """The same, measured in a process of its own; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    command = [sys.executable, __file__, "--peak", loss, name, str(n), "--threads", str(torch.get_num_threads())]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(loss: str, n: int, names: list[str], rounds: int) -> list[dict[str, Any]]:
    """One row per contender."""
    z = embeddings(n)
    for name in names:
        gradient(LOSSES[loss][name], embeddings(64))  # loads what is loaded once
    work: dict[str, Callable[[], Any]] = {name: (lambda name=name: gradient(LOSSES[loss][name], z)) for name in names}
    times = seconds({**work, "products": lambda: products(z)}, rounds)
    rows = []
    for name in names:
        row = {"loss": loss, "n": n, "contender": name, "seconds": times[name]}
        row["peak_bytes"] = peak_bytes(loss, name, n)
        if "dense" in names:
            row["time_of_dense"] = times[name] / times["dense"]
        if name == "tiled":
            row["share_of_products"] = times["products"] / times[name]
            if "dense" in names:
                wanted = gradient(LOSSES[loss]["dense"], z)
                found = gradient(LOSSES[loss]["tiled"], z)
                row["difference"] = float((found - wanted).abs().max() / wanted.abs().max())
        rows.append(row)
        print(line(row), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    peak = "-" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e6:.0f} MB"
    ratio = f"{row['time_of_dense']:.2f}" if "time_of_dense" in row else "-"
    share = f"{row['share_of_products']:.0%}" if "share_of_products" in row else ""
    difference = f"{row['difference']:.0e}" if "difference" in row else ""
    start = f"{row['loss']:8s} {row['n']:6d}  {row['contender']:8s} {row['seconds']:9.4f} s"
    return f"{start} {ratio:>9s} {peak:>9s} {share:>12s} {difference:>8s}"


def sweep(n: int, rounds: int) -> list[dict[str, Any]]:
    """The time of nt_xent in tiles of every size, interleaved."""
    z = embeddings(n)
    losses = {side: (lambda z, side=side: nt_xent(z, tile_rows=side, tile_columns=side)) for side in SWEEP}
    work: dict[str, Callable[[], Any]] = {
        str(side): (lambda loss=loss: gradient(loss, z)) for side, loss in losses.items()
    }
    times = seconds(work, rounds)
    for side, spent in sorted(times.items(), key=lambda item: item[1]):
        print(f"{n:6d}  tile {side:>5s} x {side:5s} {spent:9.4f} s", flush=True)
    return [{"n": n, "side": int(side), "seconds": spent} for side, spent in times.items()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="the smallest size, one round")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE} rows, tiled alone (minutes)")
    parser.add_argument("--sweep", action="store_true", help="also the time of each tile size")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds per size")
    parser.add_argument("--threads", type=int, help="threads of torch; its own choice if left out")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--peak", nargs=3, metavar=("LOSS", "CONTENDER", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.peak:
        print(peak_bytes_here(options.peak[0], options.peak[1], int(options.peak[2])))
        return
    sizes, rounds = (SIZES[:1], 1) if options.quick else (SIZES, options.rounds)
    where = environment()
    print(json.dumps(where))
    header = f"{'loss':8s} {'n':>6s}  {'contender':8s} {'time':>11s} {'of dense':>9s} {'peak':>9s}"
    print(f"{header} {'of products':>12s} {'differ.':>8s}")
    rows = []
    for n in sizes:
        # a small loss takes milliseconds, of which many rounds can be had
        for loss in LOSSES:
            names = ["tiled", "masked", "dense"] if n < SIZES[-1] else ["tiled", "masked"]
            rows += measure(loss, n, names, max(1, rounds * SIZES[1] // n if n < SIZES[1] else rounds))
    rows += measure("nt_xent", LARGE, ["tiled"], 1) if options.large else []
    tiles = [row for n in sizes for row in sweep(n, rounds)] if options.sweep else []
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {"D": DIMENSIONS, "temperature": TEMPERATURE, "rounds": rounds, "dtype": "float32"}
        report = {"environment": where, "settings": settings, "rows": rows, "tiles": tiles}
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
