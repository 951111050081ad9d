"""Group ordering: which negatives are chosen, who gets a gradient, and the loss anchor by anchor."""

from __future__ import annotations

import importlib
import math

import pytest
import torch
from groco_literal import literal_groco
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.ranking.groco import groco, groco_chance
from contrapose.objectives.ranking.hardest import hardest
from contrapose.objectives.ranking.sorting import DISTRIBUTIONS

module = importlib.import_module("contrapose.objectives.ranking.groco")  # its name is that of the function, too


def some_views(views: int = 2, batch: int = 7, dim: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(views * batch)
    base = torch.randn(1, batch, dim, generator=generator, dtype=torch.float64)
    return base + 0.7 * torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("stop_gradient", [True, False])
@pytest.mark.parametrize(
    ("views", "positive_views", "negatives"), [(2, None, 1), (2, None, 4), (3, None, 3), (4, 2, 2)]
)
def test_value_and_gradient_are_those_of_the_literal_loss(
    views: int, positive_views: int | None, negatives: int, stop_gradient: bool
) -> None:
    z = some_views(views, 5).requires_grad_()
    options = {"positive_views": positive_views, "steepness": 1.7, "stop_gradient": stop_gradient}
    loss = groco(z, negatives=negatives, **options)
    expected = literal_groco(z, negatives, **options)
    assert torch.allclose(loss, expected, rtol=1e-12)
    (gradient,) = torch.autograd.grad(loss, z)
    (expected_gradient,) = torch.autograd.grad(expected, z)
    assert gradient.abs().max() > 1e-3
    assert torch.allclose(gradient, expected_gradient, atol=1e-13)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("network", ["odd_even", "bitonic"])
def test_one_negative_in_closed_form(network: str, distribution: str) -> None:
    """k = 1: one comparator, whatever the network (odd-even's second layer is empty)."""
    z = functional.normalize(some_views(2, 2), dim=-1)
    kept = DISTRIBUTIONS[distribution]
    each = groco(z, negatives=1, network=network, distribution=distribution, steepness=1.5, reduction="none")
    for anchor, (view, sample) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        positive = z[view, sample] @ z[1 - view, sample]
        difference = positive - z[view, 0] @ z[view, 1]
        assert float(each[anchor]) == pytest.approx(-math.log(kept(1.5 * difference, difference)))


def test_one_negative_at_equal_scores_and_at_opposite_ends() -> None:
    assert float(groco(torch.ones(2, 2, 3), negatives=1)) == pytest.approx(math.log(2))
    line = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    assert float(groco(torch.stack([line, line]), negatives=1)) == pytest.approx(0.159680, abs=1e-6)


@pytest.mark.parametrize(
    ("views", "options"),
    [
        (2, {}),
        (2, {"negatives": 3, "network": "bitonic"}),
        (3, {"negatives": 5}),
        (5, {"negatives": 4, "positive_views": 2}),
    ],
)
def test_chance_is_the_loss_of_equal_embeddings(views: int, options: dict) -> None:
    equal = torch.ones(views, 12, 4, dtype=torch.float64)
    assert float(groco(equal, **options)) == pytest.approx(groco_chance(views, **options))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("network", ["odd_even", "bitonic"])
def test_finite_where_it_sorts_hard(network: str, distribution: str) -> None:
    """In order, out of order and tied: every cosine of the second batch is 1 or -1."""
    line = torch.zeros(7, 4)
    line[:, 0] = torch.tensor([1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
    for z in (some_views().float(), torch.stack([line, line.flip(0)])):
        z.requires_grad_()
        loss = groco(z, negatives=4, steepness=1e4, network=network, distribution=distribution)
        (gradient,) = torch.autograd.grad(loss, z)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_a_perfect_order_still_costs_something() -> None:
    corners = torch.eye(6, dtype=torch.float64)
    loss = groco(torch.stack([corners, corners]), negatives=3)
    assert 0.1 < float(loss) < groco_chance(negatives=3)


def test_only_the_anchor_gets_a_gradient() -> None:
    """The loss of the anchors of view 0 alone: the second view is a constant, unless asked for otherwise."""
    z = some_views().requires_grad_()
    values = []
    for stop_gradient in (True, False):
        of_first_view = groco(z, negatives=3, stop_gradient=stop_gradient, reduction="none")[:7].sum()
        (gradient,) = torch.autograd.grad(of_first_view, z)
        values.append(of_first_view.detach())
        assert gradient[0].abs().min() > 0
        assert bool((gradient[1] == 0).all()) is stop_gradient
    assert torch.equal(values[0], values[1])


def test_negatives_beyond_the_hardest_have_no_part() -> None:
    z = functional.normalize(some_views(2, 9), dim=-1).requires_grad_()
    anchor = 4
    loss = groco(z, negatives=3, stop_gradient=False, reduction="none")[anchor]
    (gradient,) = torch.autograd.grad(loss, z)
    cosines = (z[0] @ z[0, anchor]).detach()
    order = [j for j in cosines.argsort(descending=True).tolist() if j != anchor]
    assert all((gradient[0, j] != 0).any() for j in order[:3])
    assert (gradient[0, order[3:]] == 0).all()
    assert (gradient[1, [j for j in range(9) if j != anchor]] == 0).all()  # negatives come from the anchor's own view
    moved = z.detach().clone()
    moved[0, order[3:]] = -moved[0, anchor]  # below the third hardest they may be anywhere
    again = groco(moved, negatives=3, reduction="none")[anchor]
    assert torch.equal(again, loss.detach())


def test_order_of_samples_and_of_positives_does_not_matter() -> None:
    z = some_views(4, 8)
    samples = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    each = groco(z, negatives=3, reduction="none").view(4, 8)
    torch.testing.assert_close(groco(z[:, samples], negatives=3, reduction="none").view(4, 8), each[:, samples])
    swapped = groco(z[[0, 3, 1, 2]], negatives=3, reduction="none").view(4, 8)
    torch.testing.assert_close(swapped[0], each[0])  # the anchors' own view stayed first


def test_anchors_are_answered_in_view_major_order() -> None:
    z, rows = some_views(3, 6), torch.tensor([4, 1])
    everyone = groco(z, negatives=2, reduction="none")
    torch.testing.assert_close(
        groco(z, negatives=2, rows=rows, reduction="none"), everyone[[4, 1, 10, 7, 16, 13]], rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("tile", [(1, 1), (2, 3), (4, 100)])
def test_hardest_are_the_nearest_of_the_same_view(tile: tuple[int, int]) -> None:
    x = some_views(3, 9)
    anchors = torch.tensor([0, 8, 10, 20, 26])
    found = hardest(x, 4, anchors, tile_rows=tile[0], tile_columns=tile[1])
    for anchor, chosen in zip(anchors.tolist(), found.tolist(), strict=True):
        view, sample = divmod(anchor, 9)
        scores = x[view] @ x[view, sample]
        scores[sample] = -math.inf
        assert chosen == [9 * view + j for j in scores.topk(4).indices.tolist()]


def test_blocks_compute_what_one_block_does(monkeypatch: pytest.MonkeyPatch) -> None:
    z = some_views(3, 9).requires_grad_()
    for stop_gradient in (True, False):
        whole = groco(z, negatives=4, stop_gradient=stop_gradient)
        (expected,) = torch.autograd.grad(whole, z)
        with monkeypatch.context() as patch:
            patch.setattr(module, "BLOCK_NUMBERS", 3 * 6 * 4 * 2)  # two anchors of each view at a time
            blocks = groco(z, negatives=4, stop_gradient=stop_gradient)
            (gradient,) = torch.autograd.grad(blocks, z)
        torch.testing.assert_close(blocks, whole, rtol=1e-12, atol=0)
        torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-14)


def test_many_candidates_are_held_one_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_NUMBERS", 2**12)
    z = torch.randn(2, 200, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    held: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: held.append(t.numel()) or t, lambda t: t):
        loss = groco(z)
    loss.backward()
    assert max(held) <= max(2**12, 2 * 200 * 16)
    assert max(held) < 200 * 200


def test_the_candidates_of_all_views_together_are_held_to_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one view, 16 · 13 · 8, would fit."""
    monkeypatch.setattr(module, "BLOCK_NUMBERS", 2000)
    z = torch.randn(4, 16, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    held: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: held.append(t.numel()) or t, lambda t: t):
        loss = groco(z)
    loss.backward()
    assert max(held) <= z.numel()


def test_the_share_of_negatives_with_a_gradient_is_that_of_the_hardest() -> None:
    """All negatives of nt_xent get a gradient, of groco k an anchor."""
    z = functional.normalize(some_views(2, 12), dim=-1).requires_grad_()
    (gradient,) = torch.autograd.grad(groco(z, negatives=5, stop_gradient=False, reduction="none")[0], z)
    assert int((gradient[0].norm(dim=1) > 0).sum()) == 1 + 5  # the anchor and its negatives
    assert int((gradient[1].norm(dim=1) > 0).sum()) == 1


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(2, 4, 3), {"negatives": 4}, "asks for more than the 3 other samples .* take at most 3"),
        (torch.randn(2, 4, 3), {"negatives": 0}, "at least 1"),
        (torch.randn(1, 4, 3), {"negatives": 1}, "1 view"),
        (torch.randn(3, 4, 3), {"negatives": 1, "positive_views": 1}, "positive_views must be from 2 to .* 3"),
        (torch.randn(3, 4, 3), {"negatives": 1, "positive_views": 4}, "positive_views"),
        ([torch.randn(4, 3), torch.randn(5, 3)], {"negatives": 1}, "tensor"),
        (torch.randn(2, 4, 3), {"negatives": 1, "network": "merge"}, "Unknown network 'merge'"),
        (torch.randn(2, 4, 3), {"negatives": 1, "distribution": "gauss"}, "Unknown distribution 'gauss'"),
        (torch.randn(2, 4, 3), {"negatives": 1, "steepness": -1.0}, "steepness"),
        (torch.randn(2, 4, 3), {"negatives": 1, "tile_rows": 0}, "tile_rows"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        groco(z, **options)
