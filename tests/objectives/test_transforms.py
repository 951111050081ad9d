"""Every objective under torch.func, vmap and torch.compile: the same numbers from plain operations, or our words."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from objective_cases import FITTED, FIXED, NAMES, of_views, queue_of, some_embeddings, some_labels, some_targets
from softmax_literal import literal_nt_xent
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import OBJECTIVES, groco, info_nce, isd, mmcl, mochi, nt_xent, sup_con


def loss_of(name: str, z: Tensor, **options: Any) -> Tensor:
    """As in the common checks, without the check of shapes, which cannot be traced."""
    takes, function = OBJECTIVES[name].takes, OBJECTIVES[name].function
    fitted = FITTED[name](z.shape[1]) if name in FITTED else {}
    arguments = {
        "queue": lambda: (z[0], z[1], queue_of(z)),
        "view_queue": lambda: (*of_views(z), queue_of(z)),
        "view_towers": lambda: of_views(z),
        "towers": lambda: (z[0], z[1]),
        "labels": lambda: (z, some_labels(z.shape[1])),
        "targets": lambda: (z, some_targets(z.shape[1])),
        "views": lambda: (z,),
    }[takes]()
    return function(*arguments, **FIXED.get(name, {}), **fitted, **options)


def value_and_gradient(name: str, z: Tensor) -> tuple[Tensor, Tensor]:
    z = z.clone().requires_grad_()
    loss = loss_of(name, z)
    return loss.detach(), torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize("name", NAMES)
def test_functional_gradients_are_the_gradient(name: str) -> None:
    z = some_embeddings(4, 3)
    value, gradient = value_and_gradient(name, z)
    torch.testing.assert_close(torch.func.grad(lambda x: loss_of(name, x))(z), gradient)
    torch.testing.assert_close(torch.func.jacrev(lambda x: loss_of(name, x))(z), gradient)
    loss, pull = torch.func.vjp(lambda x: loss_of(name, x), z)
    torch.testing.assert_close(loss, value)
    torch.testing.assert_close(pull(torch.tensor(2.0, dtype=z.dtype))[0], 2 * gradient)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", NAMES)
def test_many_batches_at_once(name: str) -> None:
    batches = torch.stack([some_embeddings(4, 3, seed=seed) for seed in range(3)])  # (3, 2, 4, 3)
    many = torch.vmap(lambda z: loss_of(name, z), randomness="different")(batches)
    torch.testing.assert_close(many, torch.stack([loss_of(name, z) for z in batches]))


@pytest.mark.parametrize("name", NAMES)
def test_the_second_derivative_is_that_of_the_gradient(name: str) -> None:
    if name in ("mochi", "mmcl"):  # draws at random, which a hessian refuses; weights that are solved for
        pytest.skip("see the tests of its own below")
    z, direction = some_embeddings(4, 3), some_embeddings(4, 3, seed=9)

    def along(z: Tensor) -> Tensor:
        return (torch.func.grad(lambda x: loss_of(name, x))(z) * direction).sum()

    row = torch.func.grad(along)(z)
    torch.testing.assert_close(
        torch.einsum("abcdef,def->abc", torch.func.hessian(lambda x: loss_of(name, x))(z), direction), row
    )


def test_the_hessian_is_that_of_the_whole_matrix() -> None:
    z = some_embeddings(3, 3)
    torch.testing.assert_close(torch.func.hessian(nt_xent)(z), torch.func.hessian(literal_nt_xent)(z))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Dynamo detected")
@pytest.mark.parametrize("name", NAMES)
def test_compiled_in_one_graph(name: str) -> None:
    torch._dynamo.reset()
    z = some_embeddings(4, 3)
    value, gradient = value_and_gradient(name, z)
    z.requires_grad_()
    loss = torch.compile(lambda x: loss_of(name, x), fullgraph=True, backend="eager")(z)
    torch.testing.assert_close(loss.detach(), value)
    torch.testing.assert_close(torch.autograd.grad(loss, z)[0], gradient)


def test_compiled_with_labels_a_learned_temperature_and_rows() -> None:
    torch._dynamo.reset()
    z, labels, rows = some_embeddings(), some_labels(6), torch.tensor([4, 1])
    temperature = torch.tensor(0.3, dtype=z.dtype, requires_grad=True)

    def loss(z: Tensor, labels: Tensor, temperature: Tensor, rows: Tensor) -> Tensor:
        supervised = sup_con(z, labels, temperature=temperature, rows=rows)
        return supervised + info_nce(z[0], z[1], temperature=temperature, symmetric=True)

    expected = loss(z, labels, temperature, rows)
    found = torch.compile(loss, fullgraph=True, backend="eager")(z, labels, temperature, rows)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, temperature)[0], torch.autograd.grad(expected, temperature)[0]
    )


def test_too_large_for_a_graph_goes_to_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    monkeypatch.setattr("contrapose.objectives.engine.tiles.LARGEST_IN_GRAPH", 100)
    z = some_embeddings().requires_grad_()
    found = torch.compile(nt_xent, backend="eager")(z)
    torch.testing.assert_close(found, nt_xent(z))
    torch.testing.assert_close(torch.autograd.grad(found, z)[0], torch.autograd.grad(nt_xent(z), z)[0])


def test_a_temperature_for_each_of_many() -> None:
    z, temperatures = some_embeddings(), torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64)
    many = torch.vmap(lambda t: nt_xent(z, temperature=t))(temperatures)
    torch.testing.assert_close(many, torch.stack([nt_xent(z, temperature=float(t)) for t in temperatures]))
    slopes = torch.vmap(torch.func.grad(lambda t: isd(z[0], z[1], queue_of(z), temperature=t)))(temperatures)
    assert slopes.shape == (3,)
    assert slopes.isfinite().all()


def test_what_cannot_be_traced_is_said() -> None:
    batches = torch.stack([some_embeddings(4, 3, seed=seed) for seed in range(2)])
    with pytest.raises(ArgumentError, match="solver='inverse'"):
        torch.vmap(lambda z: mmcl(z, solver="pgd"))(batches)
    with pytest.raises(ArgumentError, match="return_statistics"):
        torch.vmap(lambda z: mmcl(z, return_statistics=True)[0])(batches)
    with pytest.raises(ArgumentError, match="randomness"):
        torch.vmap(lambda z: mochi(z[0], z[1], queue_of(z), hardest=2))(batches)


def test_nan_is_still_named_where_numbers_can_be_read() -> None:
    z = some_embeddings(4, 3)
    z[0, 0, 0] = torch.nan
    with pytest.raises(ArgumentError, match="NaN"):
        torch.func.grad(nt_xent)(z)


def test_blocks_of_groco_are_one_under_a_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["contrapose.objectives.ranking.groco"], "BLOCK_NUMBERS", 100)
    z = some_embeddings(8).requires_grad_()
    (expected,) = torch.autograd.grad(groco(z, negatives=3), z)
    torch.testing.assert_close(torch.func.grad(lambda x: groco(x, negatives=3))(z.detach()), expected)
