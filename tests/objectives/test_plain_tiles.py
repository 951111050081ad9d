"""Plain tiles against masked ones, which answer for any pairing: the same channels and gradients, without a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from contrapose.errors import RunError
from contrapose.objectives import cacr, coupling, dcl, hard_weighted, info_nce, mv_dhel, mv_info_nce, nt_xent, sup_con
from contrapose.objectives.engine import second
from contrapose.objectives.engine.plain import choice, exclusions
from contrapose.objectives.engine.tiles import LogSum, Sums, reduce_both_ways, row_reduce
from contrapose.objectives.engine.transposed import Transposed
from contrapose.pairing import GroupPairing, Pairing, by_groups, by_labels, by_towers, by_views

EVERYTHING = ("attraction", "weight", "negatives")
TERMS = {
    "valid": Sums(log=(LogSum("valid"),), linear=EVERYTHING),
    "negative": Sums(log=(LogSum("negative"),), linear=EVERYTHING),
    "several": Sums(log=(LogSum("negative", factor=2.5), LogSum("valid", factor=0.5), LogSum("negative"))),
    "held": Sums(log=(LogSum("valid", factor=1.5, slope=0.25),), linear=("attraction",)),
    "costs": Sums(log=(LogSum("negative", factor=-0.7), LogSum("negative", factor=-0.7, raised=True)), distances=True),
    "held costs": Sums(
        log=(LogSum("negative", factor=-2.0, slope=0.0), LogSum("negative", factor=-2.0, slope=0.0, raised=True)),
        distances=True,
    ),
}
PAIRINGS: dict[str, Callable[[int], Pairing]] = {
    "two views": lambda n: by_views(2, n),
    "three views": lambda n: by_views(3, n),
    "one view": lambda n: by_views(1, n),
    "classes": lambda n: by_labels(torch.arange(n) % 3 - 1, views=2),
    "towers": by_towers,
    "queue": lambda n: by_towers(n).with_queue(5),
    "queue alone": lambda n: by_towers(n, in_batch_negatives=False).with_queue(5),
    "captions": lambda n: by_groups(torch.arange(n) - 1, torch.arange(2 * n) // 2 - 1),
    "among nobody": lambda n: by_groups(torch.arange(n) // 2 - 1),
    "nobody": lambda n: by_groups(torch.full((n,), -1), torch.arange(3)),
}


def masked(terms: Sums) -> Callable[..., Any]:
    """The same terms as a function, of which the engine knows nothing."""
    return lambda similarity, tile: terms(similarity, tile)


def scalar_of(channels: tuple[Tensor, ...]) -> Tensor:
    """A weighted sum of what is finite."""
    total = channels[0].new_zeros(())
    for number, channel in enumerate(channels):
        weights = torch.linspace(0.3 + number, -1.7, len(channel), dtype=total.dtype)
        total = total + (weights * channel.masked_fill(channel.isinf(), 0.0)).sum()
    return total


def same(one: tuple[Tensor, ...], other: tuple[Tensor, ...], inputs: list[Tensor], tolerance: float = 1e-11) -> None:
    for mine, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)
    for found, expected in zip(
        torch.autograd.grad(scalar_of(one), inputs, retain_graph=True),
        torch.autograd.grad(scalar_of(other), inputs, retain_graph=True),
        strict=True,
    ):
        torch.testing.assert_close(found, expected, rtol=10 * tolerance, atol=10 * tolerance)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(PAIRINGS)),
    terms=st.sampled_from(list(TERMS)),
    count=st.integers(2, 7),
    tile=st.sampled_from([None, (1, 1), (2, 5), (5, 2), (3, 3), (100, 100)]),
    scale=st.sampled_from([0.3, 2.0, 500.0]),  # of the last one the exponents are too large as they are
    subset=st.booleans(),
    listed=st.sampled_from([0, 16]),
    seed=st.integers(0, 99),
)
def test_plain_is_masked(
    kind: str, terms: str, count: int, tile: tuple[int, int] | None, scale: float, subset: bool, listed: int, seed: int
) -> None:
    pairing, sums = PAIRINGS[kind](count), TERMS[terms]
    factor = torch.tensor(scale, dtype=torch.float64, requires_grad=True)
    y = drawn(pairing.candidates, 3, seed=seed)
    rows = None
    if sums.distances:
        y = functional.pad(y.abs(), (0, 1)).detach().requires_grad_()  # all products are 0 or more
    x = y if getattr(pairing, "same_rows", False) else (y[0] + drawn(pairing.anchors, y.shape[1], seed=seed + 1).abs())
    if subset:
        rows = torch.randperm(pairing.anchors, generator=torch.Generator().manual_seed(seed))[: max(1, count // 2)]
        x = x[rows]
    tiles = {} if tile is None else {"tile_rows": tile[0], "tile_columns": tile[1]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exclusions, "LONGEST_LIST", listed)
        mine = row_reduce(x, y, sums, pairing, row_indices=rows, scale=factor, **tiles)
    theirs = row_reduce(x, y, masked(sums), pairing, row_indices=rows, scale=factor, tile_rows=3, tile_columns=2)
    same(mine, theirs, [y, factor], tolerance=1e-11 * max(1.0, scale))


@pytest.mark.parametrize("terms", ["valid", "negative", "several"])
@pytest.mark.parametrize("kind", ["towers", "captions", "three views"])
@pytest.mark.parametrize("scale", [1.5, 500.0])
def test_both_ways_are_each_way(kind: str, terms: str, scale: float) -> None:
    pairing, sums = PAIRINGS[kind](5), TERMS[terms]
    x, y = drawn(pairing.anchors, 3, seed=1), drawn(pairing.candidates, 3, seed=2)
    factor = torch.tensor(scale, dtype=torch.float64, requires_grad=True)
    there, back = reduce_both_ways(x, y, sums, pairing, scale=factor, tile_rows=2, tile_columns=3)
    kept = reduce_both_ways(x, y, sums, pairing, scale=factor)
    expected = row_reduce(x, y, masked(sums), pairing, scale=factor)
    expected_back = row_reduce(y, x, masked(sums), Transposed(pairing), scale=factor)
    for found in (there + back, kept[0] + kept[1]):
        same(found, expected + expected_back, [x, y, factor], tolerance=1e-9)
    same(back, expected_back, [x, y, factor], tolerance=1e-9)  # the gradient of one way alone


@pytest.mark.parametrize("tiled", [True, False], ids=["tiled", "kept"])
def test_the_backward_may_be_repeated(tiled: bool) -> None:
    x = drawn(8, 3)
    tiles = {"tile_rows": 3, "tile_columns": 3} if tiled else {}
    found = row_reduce(x, x, TERMS["several"], by_views(2, 4), **tiles)
    first, second_time = (torch.autograd.grad(scalar_of(found), x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second_time)


@pytest.mark.parametrize(
    "loss",
    [
        nt_xent,
        lambda z: nt_xent(z, rows=torch.tensor([3, 1])),
        dcl,
        hard_weighted,
        lambda z: sup_con(z, torch.arange(8) % 3),
        cacr,
        lambda z: cacr(z, cost="rbf"),
        mv_info_nce,
        mv_dhel,
        coupling,
        lambda z: info_nce(z[0], z[1], symmetric=True),
        lambda z: info_nce(z[0], z[1], queue=z[1] + 1),
        lambda z: info_nce(z[0], z[1], queue=z[1] + 1, in_batch_negatives=False),
    ],
)
def test_no_tile_is_asked_for(loss: Callable[[Tensor], Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the pairing is plain")

    z = drawn(2, 8, 4)
    expected = loss(z)
    monkeypatch.setattr(GroupPairing, "tile", refuse)
    assert torch.equal(loss(z), expected)


@pytest.mark.parametrize("temperature", [0.5, 0.07, 0.02, 0.005])
@pytest.mark.parametrize(
    "loss",
    [
        nt_xent,
        lambda z, temperature: dcl(z, temperature=temperature),
        lambda z, temperature: sup_con(z, torch.arange(len(z[0])) % 4, temperature=temperature),
        lambda z, temperature: info_nce(z[0], z[1], temperature=temperature, symmetric=True),
    ],
    ids=["nt_xent", "dcl", "sup_con", "clip"],
)
def test_float32_is_float64_at_any_temperature(loss: Callable[..., Tensor], temperature: float) -> None:
    z = (drawn(1, 40, 16) + 0.5 * drawn(2, 40, 16, seed=1)).detach()
    found = []
    for dtype in (torch.float32, torch.float64):
        x = z.to(dtype).requires_grad_()
        learned = torch.tensor(temperature, dtype=dtype, requires_grad=True)
        value = loss(x, temperature=learned)
        found.append([value.detach(), *torch.autograd.grad(value, (x, learned))])
    for mine, theirs in zip(*found, strict=True):
        # a similarity has 24 digits, and what it is divided by is taken from those of its exponential
        assert float((mine.double() - theirs).norm() / theirs.norm()) < 1e-5 * max(1.0, 0.1 / temperature)


@pytest.mark.parametrize(
    ("kind", "terms"), [("two views", "valid"), ("classes", "several"), ("queue alone", "valid"), ("towers", "costs")]
)
def test_second_derivatives_are_those_of_the_whole_matrix(kind: str, terms: str) -> None:
    pairing, sums = PAIRINGS[kind](2), TERMS[terms]
    y, scale = drawn(pairing.candidates, 3).abs().detach(), torch.tensor(0.7, dtype=torch.float64)
    x = y if pairing.anchors == len(y) and kind != "towers" else y[:2] + 0.5

    def reduced(x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
        return scalar_of(row_reduce(x, y, sums, pairing, scale=scale))

    if x is y:
        assert torch.autograd.gradgradcheck(lambda x, s: reduced(x, x, s), (x.requires_grad_(), scale.requires_grad_()))
    assert torch.autograd.gradgradcheck(reduced, tuple(t.detach().clone().requires_grad_() for t in (x, y, scale)))


def test_a_second_derivative_of_too_many_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "LARGEST_IN_GRAPH", 10)
    with pytest.raises(RunError, match="smaller batch"):
        torch.autograd.grad(nt_xent(z := drawn(2, 4, 3)), z, create_graph=True)


def test_only_what_fits_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "LARGEST_KEPT", 8 * 8 - 1)
    asked: list[bool] = []
    whole = choice.plan_of
    monkeypatch.setattr(choice, "plan_of", lambda *a, **k: (asked.append(k["keep"]), whole(*a, **k))[1])
    for batch in (3, 4):
        nt_xent(drawn(2, batch, 3))
    nt_xent(drawn(2, 3, 3), tile_rows=2)
    assert asked == [True, False, False]
