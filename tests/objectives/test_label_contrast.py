"""Supervised contrast within and across two sides: closed forms, the literal formula, and what is refused."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import contrast_across, contrast_within, hinge_loss, info_nce

T = 0.1


def literal(u: Tensor, z: Tensor, positive: Tensor, valid: Tensor, t: float = T) -> Tensor:
    """The formula, anchor after anchor."""
    u, z = (torch.nn.functional.normalize(x, dim=1) for x in (u, z))
    losses = []
    for i in range(len(u)):
        few = [j for j in range(len(z)) if positive[i, j]]
        if few:
            below = torch.logsumexp(torch.stack([u[i] @ z[a] / t for a in range(len(z)) if valid[i, a]]), dim=0)
            losses.append(-torch.stack([u[i] @ z[p] / t - below for p in few]).mean())
    return torch.stack(losses).mean()


@pytest.fixture
def sides() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 7, 5, generator=draw, dtype=torch.float64)
    return first, second


def test_both_are_the_literal_formula(sides: tuple[Tensor, Tensor]) -> None:
    labels, things = torch.tensor([0, 1, 0, 2, 1, 0, 2]), torch.tensor([0, 1, 2, 3, 4, 2, 6])
    same, different = labels[:, None] == labels, things[:, None] != things
    v, w = sides
    found = contrast_within(v, labels, things, temperature=T)
    torch.testing.assert_close(found, literal(v, v, same & different, different))
    torch.testing.assert_close(contrast_across(v, w, labels, temperature=T), literal(v, w, same, torch.ones_like(same)))


def test_without_labels_in_common_nothing_pulls_within_and_across_is_the_loss_of_clip(
    sides: tuple[Tensor, Tensor],
) -> None:
    v, w = sides
    with pytest.warns(UserWarning, match="No row has another of its label"):
        assert float(contrast_within(v, torch.arange(7))) == 0
    torch.testing.assert_close(contrast_across(v, w, torch.arange(7), temperature=T), info_nce(v, w, temperature=T))


def test_one_class_has_a_least_value_where_all_rows_are_equal(sides: tuple[Tensor, Tensor]) -> None:
    one = torch.zeros(7, dtype=torch.long)
    assert float(contrast_within(torch.ones(7, 3), one)) == pytest.approx(math.log(6))
    assert float(contrast_within(sides[0], one)) > math.log(6)


@pytest.mark.parametrize("n", [2, 5])
def test_two_collapsed_orthogonal_classes(n: int) -> None:
    rows = torch.eye(2, dtype=torch.float64).repeat_interleave(n, dim=0)
    found = contrast_within(rows, torch.tensor([0, 1]).repeat_interleave(n), temperature=T)
    assert float(found) == pytest.approx(math.log((n - 1) + n * math.exp(-1 / T)))


def test_a_single_partner_leaves_nothing_to_learn_within() -> None:
    rows = torch.randn(2, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = contrast_within(rows, torch.zeros(2, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert rows.grad is not None
    assert float(rows.grad.abs().max()) < 1e-6


def test_the_mean_over_positives_stands_outside_the_logarithm() -> None:
    """With two positives of similarity a and b the two forms differ by the gap of Jensen's inequality."""
    a, b = 0.9, 0.2
    v = torch.tensor([[1.0, 0, 0], [a, math.sqrt(1 - a * a), 0], [b, 0, math.sqrt(1 - b * b)]], dtype=torch.float64)
    rows = torch.tensor([0])
    found = float(contrast_within(v, torch.zeros(3, dtype=torch.long), temperature=T, rows=rows))
    below = math.log(math.exp(a / T) + math.exp(b / T))
    outside = below - (a + b) / (2 * T)
    inside = below - math.log((math.exp(a / T) + math.exp(b / T)) / 2)
    assert found == pytest.approx(outside)
    assert found - inside == pytest.approx(math.log((math.exp(a / T) + math.exp(b / T)) / 2) - (a + b) / (2 * T))
    assert found > inside + 1


def test_overlaps_of_0_and_1_are_the_hard_loss_and_others_are_weights(sides: tuple[Tensor, Tensor]) -> None:
    v, w = sides
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2])
    tags = torch.eye(3, dtype=torch.long)[labels]
    for soft in (False, True):
        torch.testing.assert_close(contrast_within(v, tags, soft=soft), contrast_within(v, labels))
        torch.testing.assert_close(contrast_across(v, w, tags, soft=soft), contrast_across(v, w, labels))
    more = tags.clone()
    more[0, 1] = 1  # half of it is shared with two others of each of two classes
    assert not torch.isclose(contrast_within(v, more, soft=True), contrast_within(v, more))


def test_an_anchor_without_positives_is_not_in_the_mean() -> None:
    v = torch.randn(3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1])
    same = (labels[:, None] == labels) & ~torch.eye(3, dtype=torch.bool)
    found = contrast_within(v, labels, temperature=T)
    torch.testing.assert_close(found, literal(v, v, same, ~torch.eye(3, dtype=torch.bool)))
    each = [literal(v[[i, 1 - i, 2]], v[[i, 1 - i, 2]], same, ~torch.eye(3, dtype=torch.bool)) for i in (0, 1)]
    assert float(found) == pytest.approx(float(torch.stack(each).mean()))


def test_branches_may_be_swapped_and_rows_permuted(sides: tuple[Tensor, Tensor]) -> None:
    v, w = sides
    labels, things = torch.tensor([0, 1, 0, 2, 1, 0, 2]), torch.tensor([0, 1, 2, 3, 4, 2, 6])
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(
        contrast_within(v[order], labels[order], things[order]), contrast_within(v, labels, things)
    )
    torch.testing.assert_close(contrast_across(v[order], w[order], labels[order]), contrast_across(v, w, labels))


def test_shares_of_the_anchors_average_to_the_whole(sides: tuple[Tensor, Tensor]) -> None:
    v, w = sides
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 3])  # the last has no positive within
    shares = (torch.arange(4), torch.arange(4, 7))
    parts = [len(rows) / 7 * contrast_within(v, labels, rows=rows) for rows in shares]
    torch.testing.assert_close(sum(parts), contrast_within(v, labels))
    parts = [len(rows) / 7 * contrast_across(v, w, labels, rows=rows) for rows in shares]
    torch.testing.assert_close(sum(parts), contrast_across(v, w, labels))


def test_what_is_refused(sides: tuple[Tensor, Tensor]) -> None:
    v, w = sides
    with pytest.raises(ArgumentError, match="needs labels"):
        contrast_across(v, w, None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="tags are of 3 rows, and there are 7"):
        contrast_within(v, torch.zeros(3, dtype=torch.long))
    with pytest.raises(ArgumentError, match="temperature"):
        contrast_within(v, torch.zeros(7, dtype=torch.long), temperature=0.0)
    with pytest.raises(ArgumentError, match="has no tag"):
        contrast_across(v, w, torch.zeros(7, 2, dtype=torch.long))
    with pytest.raises(ArgumentError, match="row i of both belongs together"):
        contrast_across(v, w[:5], torch.zeros(7, dtype=torch.long))


def test_nothing_is_said_where_something_pulls(sides: tuple[Tensor, Tensor]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        contrast_within(sides[0], torch.tensor([0, 0, 1, 2, 3, 4, 5]))


def test_the_hinge_is_content_beyond_its_margins() -> None:
    zero, high = torch.zeros(3), torch.full((3,), 1.5)
    assert float(hinge_loss(zero, zero)) == float(hinge_loss(zero, zero, zero)) == 2
    assert float(hinge_loss(high, -high, -high)) == 0
    assert float(hinge_loss(high, -high, zero)) == 0.5
    assert float(hinge_loss(high, zero, -high)) == 0.5
    with pytest.raises(ArgumentError):
        hinge_loss(torch.zeros(3, 1), zero)
