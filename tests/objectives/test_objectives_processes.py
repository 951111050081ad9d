"""Real processes that gather, answer for their own rows and average gradients, against one process: every registered
objective on two and on four, and with every scalar learned that it lets be learned."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
import torch.distributed as dist
from objective_cases import NAMES, loss_of
from torch import Tensor

from contrapose.distributed import gather, own_rows, rank, world_size
from contrapose.objectives import OBJECTIVES
from distributed_helper import run_ranks

BATCH = 8  # in all
LABELS = torch.tensor([0, 1, 2, 3, 1, 1, 0, 4])  # two of rank 0 are alone in their class, one of the last rank
LEARNED = ('float | Float[Tensor, ""]', "Scalar")
"""How signatures say that a number may be a tensor, and be learned."""


def learned_scalars(name: str) -> dict[str, float]:
    """The scalars of an objective that may be learned, and where they begin."""
    known = inspect.signature(OBJECTIVES[name].function).parameters.values()
    return {
        option.name: 0.3
        for option in known
        if str(option.annotation).replace("'", '"') in LEARNED and isinstance(option.default, int | float)
    }


CASES: dict[str, dict[str, Any]] = {
    **{name: {} for name in NAMES},
    **{f"{name}, learned": {} for name in NAMES if learned_scalars(name)},
    "info_nce, both directions": {"symmetric": True},
    "info_nce, learned, both directions": {"symmetric": True},
    "info_nce, decoupled": {"decoupled": True},
    "dcl, weighted": {"sigma": 0.5, "detach_weight": False},
    "self_con, weighted": {"sub_networks_weight": 0.5},
    "cacr, kernel": {"cost": "rbf"},
    "cacr_predicted, squared": {"cost": "squared"},
    "cacr_queue, with the batch": {"in_batch_negatives": True},
}


def one_step(case: str) -> list[Tensor]:
    """The loss, the gradient of a linear encoder and that of each learned scalar, averaged over ranks as
    DistributedDataParallel does."""
    name, options = case.split(",")[0], dict(CASES[case])
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, BATCH, 6, generator=generator, dtype=torch.float64)
    weight = torch.randn(6, 4, generator=generator, dtype=torch.float64).requires_grad_()
    if ", learned" in case:
        begin = learned_scalars(name).items()
        options |= {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in begin}
    local = BATCH // world_size()
    own = slice(rank() * local, (rank() + 1) * local)
    z = gather(inputs[:, own] @ weight, dim=1)  # (2, b, D) -> (2, B, D)
    labels = gather(LABELS[own])  # (b,) -> (B,)
    loss = loss_of(name, z, labels, rows=own_rows(local), **options)
    loss.backward()
    scalars = [value for value in options.values() if isinstance(value, Tensor)]
    found = [loss.detach().clone(), *(value.grad for value in (weight, *scalars) if value.grad is not None)]
    assert len(found) == 2 + len(scalars)
    if world_size() > 1:
        for tensor in found:
            dist.all_reduce(tensor)
            tensor /= world_size()
    return found


def all_steps(cases: list[str]) -> dict[str, list[Tensor]]:
    return {case: one_step(case) for case in cases}


@pytest.fixture(scope="module", params=(2, 4))
def of_ranks(request: pytest.FixtureRequest) -> list[dict[str, list[Tensor]]]:
    return run_ranks(all_steps, list(CASES), world_size=request.param)


@pytest.mark.parametrize("case", list(CASES))
def test_several_processes_are_one(case: str, of_ranks: list[dict[str, list[Tensor]]]) -> None:
    alone = one_step(case)
    assert all(gradient.abs().max() > 1e-3 for gradient in alone[1:])
    for results in of_ranks:
        for found, expected in zip(results[case], alone, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_every_temperature_can_be_learned() -> None:
    known = {name: inspect.signature(OBJECTIVES[name].function).parameters for name in NAMES}
    fixed = {"cacr_predicted"}  # whose signature takes a number alone
    mute = {name for name in NAMES if "temperature" in known[name] and not learned_scalars(name)}
    assert mute == fixed
