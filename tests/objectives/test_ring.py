"""Candidates that travel around a ring of processes: the dense loss and its gradients, in the memory of a share."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from contrapose.distributed import Ring, gather, own_rows, rank, world_size
from contrapose.errors import ArgumentError, RunError
from contrapose.objectives import info_nce
from contrapose.pairing import by_pairs
from distributed_helper import run_ranks

BATCH, DIMENSION = 12, 5
PAIRS = torch.tensor([[0, 0], [0, 7], [3, 2], [11, 4]])  # so that most anchors have no positive
CASES: dict[str, dict[str, Any]] = {
    "one direction": {},
    "both directions": {"symmetric": True},
    "decoupled": {"decoupled": True, "symmetric": True},
    "as they are, far from the origin": {"normalize": False, "symmetric": True},
    "single losses": {"reduction": "none"},
    "small tiles": {"tile_rows": 2, "tile_columns": 1},
    "pairs of the user's own": {"pairing": by_pairs(PAIRS, anchors=BATCH, candidates=BATCH)},
}


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    towers = torch.randn(2, BATCH, DIMENSION, generator=generator, dtype=torch.float64)
    return *towers, torch.randn(DIMENSION, DIMENSION, generator=generator, dtype=torch.float64)


def dense(case: str) -> list[Tensor]:
    """The loss, and the gradients of both towers, of what is before them, and of the temperature: in one process."""
    return _step(case, slice(0, BATCH), {})


def ring(case: str) -> list[Tensor]:
    local = BATCH // world_size()
    return _step(case, slice(rank() * local, (rank() + 1) * local), {"exchange": Ring()})


def gathered(case: str) -> list[Tensor]:
    local = BATCH // world_size()
    return _step(case, slice(rank() * local, (rank() + 1) * local), {"rows": own_rows(local)})


def _step(case: str, own: slice, how: dict[str, Any]) -> list[Tensor]:
    queries, candidates, weight = inputs()
    options = dict(CASES[case])
    temperature = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    q, k = queries[own].requires_grad_(), candidates[own].requires_grad_()
    weight.requires_grad_()
    x, y = q @ weight, k + 100.0 if "far" in case else k @ weight
    if "rows" in how:
        x, y = gather(x), gather(y)
    loss = info_nce(x, y, temperature=temperature, **options, **how)
    (loss.mean() if loss.ndim else loss).backward()
    grads = [leaf.grad for leaf in (q, k, weight, temperature)]
    return [loss.detach(), *(grad for grad in grads if grad is not None)]


def everything() -> dict[str, list[list[Tensor]]]:
    return {case: [ring(case), gathered(case)] for case in CASES}


@pytest.fixture(scope="module", params=(2, 4))
def of_ranks(request: pytest.FixtureRequest) -> list[dict[str, list[list[Tensor]]]]:
    return run_ranks(everything, world_size=request.param)


@pytest.mark.parametrize("case", CASES)
def test_the_ring_is_the_dense_loss(case: str, of_ranks: list[dict[str, list[list[Tensor]]]]) -> None:
    """The rows of a process get as many times their gradient as there are processes, which averaging parameters takes
    back; parameters, the temperature among them, are averaged and no more."""
    loss, q, k, weight, temperature = dense(case)
    assert temperature.abs() > 1e-3
    size, local = len(of_ranks), BATCH // len(of_ranks)
    for number, found in enumerate(of_ranks):
        own = slice(number * local, (number + 1) * local)
        torch.testing.assert_close(found[case][0][1], size * q[own], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(found[case][0][2], size * k[own], rtol=1e-9, atol=1e-12)
        for one, other in zip(*found[case], strict=True):  # what gathering gives each process
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    losses = [found[case][0][0] for found in of_ranks]
    torch.testing.assert_close(torch.cat(losses) if loss.ndim else torch.stack(losses).mean(), loss)
    for place, expected in ((3, weight), (4, temperature)):
        mean = torch.stack([found[case][0][place] for found in of_ranks]).mean(0)
        torch.testing.assert_close(mean, expected, rtol=1e-9, atol=1e-12)


class Largest(TorchDispatchMode):
    """The most numbers that any tensor made meanwhile holds."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(made) if isinstance(leaf, Tensor)]
        self.numbers = max(self.numbers, *sizes, 0)
        return made


def largest() -> tuple[int, int]:
    """In float32, with many more rows than in a tile: of the ring, and with all rows gathered."""
    found = []
    for with_ring in (True, False):
        x, y = torch.randn(2, 64, 32).requires_grad_().unbind(0)
        with Largest() as made:
            how: dict[str, Any] = {"exchange": Ring()} if with_ring else {"rows": own_rows(64)}
            x, y = (x, y) if with_ring else (gather(x), gather(y))
            info_nce(x, y, symmetric=True, tile_rows=16, tile_columns=16, **how).backward()
        found.append(made.numbers)
    return found[0], found[1]


def of_different_lengths() -> str:
    try:
        info_nce(*torch.randn(2, 2 + rank(), 3), exchange=Ring())
    except RunError as error:
        return str(error)
    return ""


def test_a_process_never_holds_the_rows_of_all() -> None:
    for own, all_rows in run_ranks(largest, world_size=4):
        assert own <= 2 * 64 * 32  # both towers of its own share
        assert all_rows >= 4 * 64 * 32


def test_blocks_of_different_lengths_are_refused_everywhere() -> None:
    assert all("equally long on all processes, and are 2, 3" in text for text in run_ranks(of_different_lengths))


def test_alone_it_is_the_loss_without_a_ring() -> None:
    x, y, _ = inputs()
    assert torch.allclose(info_nce(x, y, exchange=Ring(), symmetric=True), info_nce(x, y, symmetric=True))


def test_what_a_ring_cannot_do_is_refused() -> None:
    x, y, _ = inputs()
    with pytest.raises(ArgumentError, match="leave out rows="):
        info_nce(x, y, exchange=Ring(), rows=torch.tensor([0]))
    with pytest.raises(ArgumentError, match="as many candidates as queries"):
        info_nce(x, y[:5], exchange=Ring(), pairing=by_pairs(PAIRS[:1], anchors=12, candidates=5))
    z = x.clone().requires_grad_()
    with pytest.raises(RunError, match="no second derivative"):
        torch.autograd.grad(info_nce(z, y, exchange=Ring()), z, create_graph=True)
