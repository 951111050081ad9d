"""The weights of all max-margin machines at once beside one matrix and one solve for each anchor, both in float64.

The contenders are those of `benchmarks/mmcl_solver.py`, given the same kernel matrix.
"""

from __future__ import annotations

from collections.abc import Callable

from peers.row import OURS, Arm, Call, Row, Settings, Target, times_faster

EACH = "a solve for each anchor"
SINGLE = "the same in float32"
CONTENDER = {OURS: "inverse", EACH: "literal inverse float64", SINGLE: "literal inverse float32"}


def solver(arm: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        from mmcl_solver import CONTENDERS, kernel_matrix

        solve = CONTENDERS[CONTENDER[arm]]
        solve(kernel_matrix(8))
        K = kernel_matrix(settings["samples"])  # (B, B)
        return lambda: {"weights": solve(K).numpy()}

    return prepare


def matrices(width: int) -> Callable[[Settings], int]:
    """Bytes of every anchor's own matrix, and of its factors."""
    return lambda settings: 2 * width * settings["samples"] * (settings["samples"] - 1) ** 2


def row(samples: int, seconds: float, targets: tuple[Target, ...]) -> Row:
    arms = {
        OURS: Arm(solver(OURS)),
        EACH: Arm(solver(EACH), matrices(8)),
        SINGLE: Arm(solver(SINGLE), matrices(4)),
    }
    settings = {"samples": samples, "kernel": "rbf", "sigma": 1.0, "ridge": 0.1, "dtype": "float64"}
    figure = f"max-margin weights of {samples:,} samples"
    return Row(
        f"mmcl_{samples}", figure, arms, settings, {"samples": 24}, targets, seconds, tolerances={"weights": 1e-3}
    )


ROWS = (
    row(256, 20.0, (Target("times as fast as a solve for each anchor", times_faster(EACH), at_least=200),)),
    row(1024, 20.0, (Target("times as fast as the same in float32", times_faster(SINGLE), at_least=200),)),
)
