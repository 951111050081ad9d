"""What the machines of a batch look like, in numbers to log."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from contrapose.objectives.max_margin.weights import Machines


@dataclass(frozen=True)
class MaxMarginStatistics:
    """What the machines of a batch look like, over the anchors that were asked for.

    Arguments:
        zero_share: share of weights that are 0: samples that are no support vectors.
        saturated_share: share of weights at C, among the positive ones; 0 without a bound.
        positive_kernel: mean k(x_t, z_t).
        negative_kernel: mean k(x_j, z_t), j != t.
        iterations: steps of the solver; 0 for "inverse".
        largest_weight: the largest alpha.
        residual: the largest violation of the optimality conditions of the box-constrained problem, in units
            of alpha; large for "inverse" wherever clipping changed the solution.
    """

    zero_share: float
    saturated_share: float
    positive_kernel: float
    negative_kernel: float
    iterations: int
    largest_weight: float
    residual: float


def statistics(machines: Machines, cross: Tensor, anchors: Tensor) -> MaxMarginStatistics:
    """Of the anchors `(R,)` alone, from the kernels of all samples with their second views, `(B, R)`."""
    alpha, upper = machines.alpha[anchors], machines.problem.upper  # (R, B)
    R, B = alpha.shape
    positive = (alpha > 0).sum()
    own = cross.gather(0, anchors[None, :]).sum()
    return MaxMarginStatistics(
        zero_share=1 - positive.item() / (R * (B - 1)),
        saturated_share=(alpha >= upper).sum().item() / max(1, int(positive)),
        positive_kernel=own.item() / R,
        negative_kernel=(cross.sum() - own).item() / (R * (B - 1)),
        iterations=machines.iterations,
        largest_weight=alpha.max().item(),
        residual=machines.problem.residual(machines.alpha)[anchors].max().item(),
    )


def merge(parts: list[MaxMarginStatistics]) -> MaxMarginStatistics:
    """Of both roles of a symmetric loss: the mean of shares and kernels, the larger of the rest."""

    def mean(name: str) -> float:
        return sum(getattr(part, name) for part in parts) / len(parts)

    return MaxMarginStatistics(
        zero_share=mean("zero_share"),
        saturated_share=mean("saturated_share"),
        positive_kernel=mean("positive_kernel"),
        negative_kernel=mean("negative_kernel"),
        iterations=max(part.iterations for part in parts),
        largest_weight=max(part.largest_weight for part in parts),
        residual=max(part.residual for part in parts),
    )
