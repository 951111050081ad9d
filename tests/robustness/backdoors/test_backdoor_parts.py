"""The parts of a repair against closed forms: what is put on pictures, losses, units, suspects, the verdict."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.backdoor import backdoor
from contrapose.robustness.backdoors import (
    Inverted,
    Limits,
    Suspects,
    alignment_loss,
    batch_distance,
    critical_units,
    inversion_loss,
    layer_impact,
    most_moved,
    overlaid,
    preservation_loss,
    structural_similarity,
    target_loss,
    verdict,
)

DTYPES = [torch.float32, torch.bfloat16, torch.float64]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_a_mask_of_zeros_leaves_pictures_and_one_of_ones_replaces_them() -> None:
    x, trigger = drawn(3, 3, 8, 8), drawn(3, 8, 8, seed=1)
    assert torch.equal(overlaid(x, torch.zeros(3, 8, 8), trigger), x)
    assert float(1 - structural_similarity(x, x).mean()) == pytest.approx(0, abs=1e-6)
    assert torch.equal(overlaid(x, torch.ones(3, 8, 8), trigger), trigger.expand(3, 3, 8, 8))
    with pytest.raises(ArgumentError, match=r"must be \(3, 8, 8\)"):
        overlaid(x, torch.zeros(3, 9, 9), trigger)


def test_similarity_of_black_with_white_is_next_to_nothing() -> None:
    black = torch.zeros(1, 1, 12, 12)
    assert float(structural_similarity(black, black + 1)) == pytest.approx(1e-4 / (1 + 1e-4), rel=1e-3)
    assert structural_similarity(drawn(2, 3, 6, 6), drawn(2, 3, 6, 6, seed=1)).shape == (2,)  # smaller than the window
    with pytest.raises(ArgumentError, match="of one shape"):
        structural_similarity(black, torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_target_costs_ln_k_where_prototypes_coincide(dtype: torch.dtype) -> None:
    u, same = drawn(4, 5).to(dtype), drawn(1, 5, seed=1).expand(7, 5).to(dtype)
    assert float(target_loss(u, same, 3)) == pytest.approx(math.log(7), rel=1e-5)
    two = torch.eye(2, dtype=dtype)
    assert float(target_loss(two[:1], two, 0)) == pytest.approx(math.log1p(math.exp(-1 / 0.07)), abs=1e-6)
    with pytest.raises(ArgumentError, match="7 is no class"):
        target_loss(u, same, 7)
    with pytest.raises(ArgumentError, match="-1 is no class"):
        target_loss(u, same, -1)


def test_the_distance_of_batches_is_a_sum() -> None:
    u = drawn(9, 4)
    assert float(batch_distance(u, 3 * u)) == pytest.approx(0, abs=1e-5)
    assert float(batch_distance(u, -u)) == pytest.approx(2 * math.sqrt(9), rel=1e-6)
    assert float(batch_distance(u[:1].expand(5, 4), -u[:1])) == pytest.approx(2 * math.sqrt(5), rel=1e-6)  # repeated


def test_the_loss_is_the_sum_of_its_parts() -> None:
    x, mask, trigger = drawn(2, 3, 8, 8), drawn(3, 8, 8, seed=1), drawn(3, 8, 8, seed=2)
    changed, u, prototypes = overlaid(x, mask, trigger), drawn(2, 4, seed=3), drawn(5, 4, seed=4)
    near = drawn(2, 4, seed=5)
    loss, parts = inversion_loss(x, changed, mask, u, prototypes, 1, near)
    expected = 5 * target_loss(u, prototypes, 1) + 0.5 * batch_distance(u, near)
    expected = expected + 1 - structural_similarity(changed, x).mean() + 0.01 * mask.sum()
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    assert "nearness" not in inversion_loss(x, changed, mask, u, prototypes, 1, near[:0])[1]
    assert parts["size"] == pytest.approx(0.01 * float(mask.sum()), rel=1e-6)


def test_the_impact_of_a_layer() -> None:
    a, moved = drawn(4, 3, 3), drawn(4, 3, 3, seed=1)
    assert float(layer_impact(a, a)) == 0
    assert float(layer_impact(7 * a, 7 * moved)) == pytest.approx(float(layer_impact(a, moved)), rel=1e-5)
    assert float(layer_impact(a, 2 * a)) == pytest.approx(1, rel=1e-6)
    assert most_moved({"one": 0.1, "two": 0.4, "three": 0.4, "four": 0.2}, 3) == ["two", "three", "four"]


def test_critical_units_are_the_upper_cluster_every_time() -> None:
    differences = torch.full((100,), 0.1)
    rows = torch.randperm(100, generator=torch.Generator().manual_seed(0))[:10]
    differences[rows] = -2.0
    found = critical_units(differences.view(4, 5, 5))
    assert found.shape == (4, 5, 5)
    assert sorted(found.flatten().nonzero()[:, 0].tolist()) == sorted(rows.tolist())
    assert torch.equal(found, critical_units(differences.view(4, 5, 5)))
    with pytest.raises(ArgumentError, match="moves all 100 units"):
        critical_units(torch.ones(100))
    with pytest.raises(ArgumentError, match="different values"):
        critical_units(torch.tensor([1.0, float("nan")]))


def test_nothing_to_bring_back_has_no_loss_and_no_gradient() -> None:
    z = drawn(6, 4).requires_grad_()
    loss = preservation_loss(z, z.detach())
    (gradient,) = torch.autograd.grad(loss, z)
    assert float(loss) == 0
    assert float(gradient.abs().max()) == 0
    a, units = drawn(4, 3), torch.tensor([[True] * 3, *([[False] * 3] * 3)])
    other = a.clone()
    other[1:] += 5  # none of the units
    assert float(alignment_loss([a], [other], [units])) == 0
    other[0] = 2 * a[0]
    assert float(alignment_loss([a, a], [other, other], [units, units])) == pytest.approx(2, rel=1e-6)


def test_both_sides_of_the_alignment_have_a_gradient() -> None:
    a, moved = drawn(4, 3).requires_grad_(), drawn(4, 3, seed=1).requires_grad_()
    gradients = torch.autograd.grad(alignment_loss([a], [moved], [torch.ones(4, 3, dtype=torch.bool)]), [a, moved])
    assert all(float(one.abs().max()) > 0 for one in gradients)


def test_suspicion_falls_on_what_rose_most_and_ties_on_the_lowest_number() -> None:
    clean, disturbed = torch.tensor([0, 1, 2, 3] * 5), torch.tensor([2] * 18 + [1, 0])
    found = Suspects.of(clean, disturbed, 4)
    assert found.order[0] == 2
    assert found.clear
    assert list(found.candidates()) == [2]
    assert found.rises[2] == pytest.approx(0.9 - 0.25)
    assert found.gained[2] == pytest.approx((0.9 - 0.25) / (1 - 0.25))
    assert Suspects.of(torch.tensor([0, 0]), torch.tensor([0, 0]), 2).gained.tolist() == [0, 0]
    tied = Suspects.of(torch.tensor([3, 3, 3, 3]), torch.tensor([2, 1, 1, 2]), 4)
    assert tied.order[:2] == [1, 2]
    assert not tied.clear
    assert list(tied.candidates()) == [1, 2, 0]
    with pytest.raises(ArgumentError, match="same pictures"):
        Suspects.of(clean, disturbed[:3], 4)


def came(target: int, **changes: float) -> Inverted:
    given = {"rise": 0.7, "gained": 0.7, "mask": 0.05, "cross_entropy": 0.01, "success": 1.0, **changes}
    return Inverted(target=target, **given)


def test_the_verdict_says_what_speaks_against_it() -> None:
    names = ("ant", "bee", "cat")
    whole = verdict([came(1), came(0, mask=0.2), came(2, mask=0.01, cross_entropy=3.0)], names)
    assert (whole.chosen, whole.found) == (0, True)
    assert "'bee' gains 70 points" in whole.reasons[0]
    for changes, told in (
        ({"gained": 0.5}, "to no class more than 60 % of the pictures of others go over"),
        ({"mask": 0.4}, "takes 40 % of them"),
        ({"cross_entropy": 0.3}, "no trigger was found that works"),
    ):
        found = verdict([came(1, **changes)], names)
        assert not found.found
        assert found.usual is None
        assert told in found.reasons[0]


def test_a_class_that_hardly_rises_is_not_suspect_however_small_its_trigger() -> None:
    names = ("ant", "bee", "cat")
    assert verdict([came(1), came(0, mask=0.01, gained=0.5)], names).chosen == 0
    unsure = verdict([came(1, cross_entropy=0.5), came(0, mask=0.01, gained=0.5)], names)
    assert not unsure.found
    assert "the best, of 'bee'" in unsure.reasons[0]


def test_a_planted_class_is_much_easier_to_come_to_than_others() -> None:
    """Whether it rises under a patch without aim or not: a pattern over the whole picture is no patch."""
    names = tuple("abcdef")
    others = [came(place, mask=mask, rise=0.9) for place, mask in enumerate((0.1, 0.09, 0.12, 0.1, 0.3))]
    planted = verdict([*others, came(5, mask=0.06, rise=-0.01)], names)
    assert (planted.chosen, planted.found, planted.usual) == (5, True, 0.1)
    assert "where other classes take 10 %" in planted.reasons[0]
    usual = verdict([*others, came(5, mask=0.061, rise=0.9)], names)
    assert not usual.found
    assert "'f', takes a change of 6.1 % of a picture, others 10 % (at most 0.6 times" in usual.reasons[0]
    assert verdict([*others, came(5, mask=0.061)], names, Limits(usual=0.62)).found
    beside = [came(place, mask=mask) for place, mask in enumerate((0.1, 0.075, 0.12, 0.1, 0.3))]
    two = verdict([*beside, came(5, mask=0.06)], names)  # as easy as another: natural, not planted
    assert (two.chosen, two.found) == (5, False)
    assert "'f' does not stand alone: it takes a change of 6 % of a picture, and another class 7.5 %" in two.reasons[0]
    assert verdict([*beside, came(5, mask=0.06)], names, Limits(next=0.81)).found
    never = verdict([*others, came(5, mask=0.01, cross_entropy=1.0)], names)
    assert (never.chosen, never.found) == (1, False)


def test_others_are_looked_into_evenly_over_the_order() -> None:
    after = torch.tensor([0] * 20 + [1] * 5 + [2] * 4 + [3] * 3 + [4] * 2 + [5])
    found = Suspects.of(torch.arange(6).repeat_interleave(6)[:35], after, 6)
    assert list(found.candidates()) == [0]
    assert found.looked_into(9) == found.order
    assert found.looked_into(0) == [0]
    assert found.looked_into(2) == [0, found.order[1], found.order[3]]
    unclear = Suspects.of(torch.arange(6), torch.arange(6), 6)
    assert list(unclear.looked_into(0)) == [0, 1, 2]  # no fewer than the candidates
    assert list(unclear.looked_into(4)) == [0, 1, 2, 3, 4]


def test_pictures_of_the_target_are_no_victims_of_an_attack() -> None:
    truths = np.array([0, 0, 1, 1, 2, 2])
    clean, moved = np.array([0, 0, 1, 2, 2, 0]), np.array([0, 0, 0, 0, 0, 2])
    found = backdoor(clean, moved, truths, 0)
    assert found.accuracy.value == pytest.approx(4 / 6)
    assert found.success.value == pytest.approx(3 / 4)
    assert found.without.value == pytest.approx(1 / 4)
    assert not found.valid_victim(least_accuracy=0.5)
    assert found.valid_victim(least_accuracy=0.5, least_success=0.7)
    assert not found.valid_victim(least_accuracy=0.9, least_success=0.7)
    with pytest.raises(ArgumentError, match="attacks need others"):
        backdoor(np.zeros(2), np.zeros(2), np.zeros(2), 0)
    with pytest.raises(ArgumentError, match="intervals need two"):
        backdoor(np.zeros(2), np.zeros(2), np.array([0, 1]), 0)
