"""Two real processes that gather, answer for their own rows and average gradients, against one process."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.distributed as dist
from objective_cases import NAMES, loss_of
from torch import Tensor

from contrapose.distributed import gather, own_rows, rank, world_size
from distributed_helper import run_ranks

BATCH = 8  # in all
LABELS = torch.tensor([0, 1, 2, 3, 1, 1, 0, 4])  # two of rank 0 are alone in their class, one of rank 1
CASES: dict[str, dict[str, Any]] = {
    **{name: {} for name in NAMES},
    "info_nce, both directions": {"symmetric": True},
    "info_nce, decoupled": {"decoupled": True},
    "dcl, weighted": {"sigma": 0.5, "detach_weight": False},
    "self_con, weighted": {"sub_networks_weight": 0.5},
    "cacr, kernel": {"cost": "rbf"},
    "cacr_predicted, squared": {"cost": "squared"},
    "cacr_queue, with the batch": {"in_batch_negatives": True},
}


def one_step(case: str) -> tuple[Tensor, Tensor]:
    """Loss and gradient of a linear encoder, averaged over ranks as DistributedDataParallel does."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, BATCH, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(6, 4, generator=generator, dtype=torch.float64).requires_grad_()
    local = BATCH // world_size()
    own = slice(rank() * local, (rank() + 1) * local)
    z = gather(inputs[:, own] @ weight, dim=1)  # (2, b, D) -> (2, B, D)
    labels = gather(LABELS[own])  # (b,) -> (B,)
    loss = loss_of(case.split(",")[0], z, labels, rows=own_rows(local), **CASES[case])
    loss.backward()
    value, gradient = loss.detach().clone(), weight.grad
    assert gradient is not None
    if world_size() > 1:
        for tensor in (value, gradient):
            dist.all_reduce(tensor)
            tensor /= world_size()
    return value, gradient


def all_steps(cases: list[str]) -> dict[str, tuple[Tensor, Tensor]]:
    return {case: one_step(case) for case in cases}


@pytest.fixture(scope="module")
def of_two_ranks() -> list[dict[str, tuple[Tensor, Tensor]]]:
    return run_ranks(all_steps, list(CASES))


@pytest.mark.parametrize("case", list(CASES))
def test_two_processes_are_one(case: str, of_two_ranks: list[dict[str, tuple[Tensor, Tensor]]]) -> None:
    value, gradient = one_step(case)
    assert gradient.abs().max() > 1e-3
    for results in of_two_ranks:
        assert torch.allclose(results[case][0], value, atol=1e-12)
        assert torch.allclose(results[case][1], gradient, atol=1e-12)
