"""The max-margin weights of all anchors at once against one matrix per anchor: time and peak memory.

    python benchmarks/mmcl_solver.py [--quick] [--out results/benchmarks/mmcl_solver.json]

Contenders, each given the same float64 kernel matrix of B unit rows ("rbf", sigma 1, ridge 0.1, no bound):

    inverse                   max_margin_weights(K): one B x B inverse for all anchors
    literal inverse float64   Delta (B, B-1, B-1) built, torch.linalg.solve, clipped
    literal inverse float32   the same in the precision of the authors' code
    pgd                       max_margin_weights(K, solver="pgd"): Nesterov, normalised step, 100 steps
    literal pgd float64       Delta built, the same steps with one batched matrix-vector product each
    literal pgd float32       the same in single precision

Times are medians over interleaved rounds, each the mean of calls repeated for 0.1 s. Peak memory is that of a fresh
process per figure, above what it held before the solve. "differ." is the largest difference from the literal float64
weights, over the largest.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contrapose.environment import environment
from contrapose.objectives.max_margin import KERNELS, max_margin_weights

RIDGE = 0.1
SIZES = (64, 128, 256, 512)
LARGE = 4096  # far beyond what one matrix an anchor could hold: inverse alone
STEPS = 100
LEAST_SECONDS = 0.1  # a short solve is repeated for so long, else the first touch of its memory is what is timed


def kernel_matrix(B: int, D: int = 128) -> Tensor:
    """Of random unit rows, `(B, B)` float64."""
    x = torch.randn(B, D, generator=torch.Generator().manual_seed(B), dtype=torch.float64)
    x = torch.nn.functional.normalize(x, dim=1)  # (B, D)
    return KERNELS["rbf"](x, x, 1.0)


def literal_delta(K: Tensor) -> Tensor:
    """Every anchor's own matrix, `(B, B-1, B-1)`; built in place, so that nothing but itself is held."""
    B = len(K)
    rest = torch.arange(B).expand(B, B)[~torch.eye(B, dtype=torch.bool)].view(B, B - 1)  # (B, n)
    k = K.gather(1, rest)  # (B, n)
    delta = K[rest[:, :, None], rest[:, None, :]]  # (B, n, n)
    delta.add_(K.diagonal()[:, None, None]).sub_(k[:, :, None]).sub_(k[:, None, :])
    delta.diagonal(dim1=1, dim2=2).add_(RIDGE)
    return delta


def spread(weights: Tensor) -> Tensor:
    """`(B, B-1)` weights of the others as `(B, B)` with a zero diagonal."""
    B = len(weights)
    out = torch.zeros(B, B, dtype=weights.dtype)  # (B, B)
    return out.masked_scatter_(~torch.eye(B, dtype=torch.bool), weights)


def literal_inverse(K: Tensor, dtype: torch.dtype) -> Tensor:
    delta = literal_delta(K.to(dtype))  # (B, n, n)
    return spread(torch.linalg.solve(delta, torch.full(delta.shape[:2], 2.0, dtype=dtype)).clamp_(min=0))  # (B, B)


def random_start(B: int) -> Tensor:
    return torch.randn(B, B, generator=torch.Generator().manual_seed(0), dtype=torch.float64)  # (B, B)


def literal_pgd(K: Tensor, dtype: torch.dtype) -> Tensor:
    B = len(K)
    delta = literal_delta(K.to(dtype))  # (B, n, n)
    eta = 1 / torch.linalg.matrix_norm(delta)[:, None]  # (B, 1)
    start = random_start(B).clamp_(min=0)[~torch.eye(B, dtype=torch.bool)]  # (B * n,)
    alpha = ahead = start.view(B, B - 1).to(dtype)  # (B, n)
    theta = 0.5
    for _ in range(STEPS):
        gradient = torch.bmm(delta, ahead[:, :, None])[:, :, 0] - 2  # (B, n)
        previous, alpha = alpha, (ahead - eta * gradient).clamp_(min=0)  # (B, n)
        following = (math.sqrt(theta**4 + 4 * theta**2) - theta**2) / 2
        ahead = alpha + theta * (1 - theta) / (theta**2 + following) * (alpha - previous)  # (B, n)
        theta = following
    return spread(alpha)  # (B, B)


def pgd(K: Tensor) -> Tensor:
    return max_margin_weights(
        K,
        ridge=RIDGE,
        solver="pgd",
        start="random",
        generator=torch.Generator().manual_seed(0),
        iterations=STEPS,
        tolerance=None,
        restart=False,
    ).alpha


CONTENDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "inverse": lambda K: max_margin_weights(K, ridge=RIDGE).alpha,
    "literal inverse float64": lambda K: literal_inverse(K, torch.float64),
    "literal inverse float32": lambda K: literal_inverse(K, torch.float32),
    "pgd": pgd,
    "literal pgd float64": lambda K: literal_pgd(K, torch.float64),
    "literal pgd float32": lambda K: literal_pgd(K, torch.float32),
}


def run(B: int, names: list[str], rounds: int) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Each contender's median time and weights; every round runs all: a busy moment hits all alike."""
    K = kernel_matrix(B)
    for name in names:
        CONTENDERS[name](kernel_matrix(8))  # loads what is loaded once
    times: dict[str, list[float]] = {name: [] for name in names}
    weights: dict[str, Tensor] = {}
    for _ in range(rounds):
        for name in names:
            seconds, weights[name] = timed(CONTENDERS[name], K)
            times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}, weights


def timed(solve: Callable[[Tensor], Tensor], K: Tensor) -> tuple[float, Tensor]:
    """Seconds a solve, after one that is not counted, as the mean over at least `LEAST_SECONDS`: what a training loop
    pays, which calls it every step; and the weights."""
    weights = solve(K)  # (B, B)
    begin, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - begin < LEAST_SECONDS:
        solve(K)
        calls += 1
    return (time.perf_counter() - begin) / calls, weights


def difference(name: str, weights: dict[str, Tensor]) -> float | None:
    """From the literal float64 weights of the same problem, relative to the largest weight."""
    wanted = weights.get(f"literal {'pgd' if 'pgd' in name else 'inverse'} float64")
    return None if wanted is None else ((weights[name] - wanted).abs().max() / wanted.max()).item()


def resident(field: str) -> int:
    """`VmHWM` (peak) or `VmRSS` (now) of this process in bytes; Linux only."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def peak_bytes_here(name: str, B: int) -> int:
    """Peak resident memory of one solve above what was resident before; for a fresh process."""
    CONTENDERS[name](kernel_matrix(8))
    K = kernel_matrix(B)
    before = resident("VmRSS")
    CONTENDERS[name](K)
    return max(0, resident("VmHWM") - before)


def peak_bytes(name: str, B: int) -> int | None:
    """The same, measured in a process of its own; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    command = [sys.executable, __file__, "--peak", name, str(B)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(B: int, names: list[str], rounds: int, *, peaks: bool = True) -> list[dict[str, Any]]:
    """One row per contender."""
    times, weights = run(B, names, rounds)
    rows = []
    for name in names:
        literal = times.get(f"literal {name} float64")
        rows.append(
            {
                "B": B,
                "contender": name,
                "seconds": times[name],
                "peak_bytes": peak_bytes(name, B) if peaks else None,
                "difference": difference(name, weights),
                "times_faster_than_literal": literal / times[name] if literal else None,
            }
        )
        print(line(rows[-1]), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    peak = "-" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 2**20:.1f} MiB"
    differs = "-" if row["difference"] is None else f"{row['difference']:.0e}"
    faster = "" if row["times_faster_than_literal"] is None else f"{row['times_faster_than_literal']:.1f}x"
    time_spent = f"{1e3 * row['seconds']:.2f} ms"
    return f"{row['B']:5d}  {row['contender']:24s} {time_spent:>13s} {peak:>12s} {differs:>8s} {faster:>8s}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, one peak")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds per size")
    parser.add_argument("--threads", type=int, help="threads of torch; its own choice if left out")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--peak", nargs=2, metavar=("CONTENDER", "B"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        print(peak_bytes_here(options.peak[0], int(options.peak[1])))
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    sizes, rounds, large = ((16, 32), 1, 64) if options.quick else (SIZES, options.rounds, LARGE)
    where = environment()
    print(json.dumps(where))
    print(f"    B  {'contender':24s} {'median time':>13s} {'peak memory':>12s} {'differ.':>8s} {'faster':>8s}")
    rows = [row for B in sizes for row in measure(B, list(CONTENDERS), rounds, peaks=not options.quick)]
    rows += measure(large, ["inverse"], min(rounds, 3))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {"kernel": "rbf", "sigma": 1.0, "ridge": RIDGE, "D": 128, "steps": STEPS, "rounds": rounds}
        report = {"environment": where, "settings": settings, "rows": rows}
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
