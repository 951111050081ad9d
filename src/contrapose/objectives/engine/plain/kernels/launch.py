"""What the kernels are given, and how many programs of each are started."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.kernels.numbers import Numbers


@dataclass(frozen=True)
class Blocks:
    """Rows a program answers for, rows it meets at a time, and dimensions it multiplies and writes at a time.

    Powers of two, 16 or more. Compiled for compute capability 7.5, 8.0 and 9.0 a program takes at most 64 KiB of shared
    memory, which all of them have, and spills no register. Which is fastest is reasoned, not measured;
    `benchmarks/gpu.py` measures others.
    """

    rows: int = 64
    columns: int = 32
    depth: int = 32
    written: int = 256


BLOCKS = Blocks()


@dataclass(frozen=True)
class Reduction:
    """One log channel, log sum_j exp(factor · scale · x_i·y_j), of all but who is left out.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, float32; scale: `()`.

    Arguments:
        distances: what is below 0 of scale · x·y counts as 0.
    """

    x: Tensor
    y: Tensor
    scale: Tensor
    numbers: Numbers
    factor: float
    distances: bool

    def turned(self) -> Reduction:
        """The same of the columns, along the rows."""
        return Reduction(self.y, self.x, self.scale, self.numbers.turned(), self.factor, self.distances)

    def log_sums(self) -> Tensor:
        """`(R,)`, -inf of a row that leaves out everybody."""
        from contrapose.objectives.engine.plain.kernels import on_chip

        logs = self.x.new_empty(len(self.x))
        self._start(on_chip.log_sums, (), [logs], {})
        return logs

    def gradients(
        self,
        of_rows: tuple[Tensor, Tensor] | None,
        of_columns: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """d loss / d x over the scale, `(R, D)`.

        Arguments:
            of_rows: `(R,)` results, and d loss / d result times the slope of the exponent; None = nobody asked.
            of_columns: the same `(M,)` of the results of the columns.
        """
        from contrapose.objectives.engine.plain.kernels import on_chip

        out = self.x.new_empty(self.x.shape)
        log_a, share_a = _shared(of_rows) if of_rows else (self.x, self.x)  # never looked at in the second case
        log_b, share_b = _shared(of_columns) if of_columns else (self.x, self.x)
        written = min(BLOCKS.written, _power(self.x.shape[1]))
        self._start(
            on_chip.gradients,
            (math.ceil(self.x.shape[1] / written),),
            [log_a, log_b, share_a, share_b, out],
            {"OUT": written, "FROM_A": of_rows is not None, "FROM_B": of_columns is not None},
        )
        return out

    def _start(self, kernel: Any, slices: tuple[int, ...], tensors: list[Tensor], options: dict[str, Any]) -> None:
        x, y = self.x.contiguous(), self.y.contiguous()
        compared = [pair or (self.scale, self.scale) for pair in (self.numbers.places, self.numbers.groups)]
        with torch.cuda.device_of(x):
            kernel[(math.ceil(len(x) / BLOCKS.rows), *slices)](
                x,
                y,
                self.scale,
                self.factor,
                *(each.contiguous() for pair in compared for each in pair),
                *tensors,
                len(x),
                len(y),
                WIDTH=x.shape[1],
                A=BLOCKS.rows,
                B=BLOCKS.columns,
                DEPTH=min(BLOCKS.depth, _power(x.shape[1])),
                BY_PLACE=self.numbers.places is not None,
                BY_GROUP=self.numbers.groups is not None,
                DISTANCES=self.distances,
                # as torch multiplies itself, unless told otherwise: ten bits are enough only for who says so
                PRECISION="ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32",
                num_warps=8,
                num_stages=2,
                **options,
            )


def _shared(results: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Results and gradients of one side, so that in a row of nothing nobody has a share: `(R,)` each."""
    logs, gradients = results
    empty = logs == -math.inf
    return logs.masked_fill(empty, math.inf).contiguous(), gradients.masked_fill(empty, 0.0).contiguous()


def _power(size: int) -> int:
    """The next power of two, 16 or more: what the matrix products of a kernel can be made of."""
    return max(16, 1 << (size - 1).bit_length())
