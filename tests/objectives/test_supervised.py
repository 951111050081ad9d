from __future__ import annotations

import math

import pytest
import torch
from objective_cases import some_embeddings
from softmax_literal import literal_softmax, literal_sup_con
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import nt_xent, self_con, sup_con
from contrapose.pairing import by_labels, by_views

LONELY = torch.tensor([0, 1, 2, 1, 3, 1])  # samples 0, 2 and 4 are alone in their class


def test_is_the_mean_outside_the_logarithm() -> None:
    z, labels = some_embeddings(8), torch.tensor([0, 1, 0, 2, 1, 0, 2, 2])
    assert torch.allclose(sup_con(z, labels), literal_sup_con(z, labels), atol=1e-12)


def test_without_labels_or_with_all_labels_distinct_it_is_nt_xent() -> None:
    z = some_embeddings(6)
    expected = nt_xent(z, temperature=0.1)
    assert torch.allclose(sup_con(z), expected)
    assert torch.allclose(sup_con(z, torch.tensor([5, 3, 9, 0, 1, 7])), expected)
    assert torch.allclose(sup_con(z, torch.full((6,), -1)), expected)  # all unlabelled
    assert torch.allclose(sup_con(z, pairing=by_views(2, 6)), expected)


def test_names_of_classes_do_not_matter() -> None:
    z, labels = some_embeddings(6), torch.tensor([0, 1, 0, 2, 1, 0])
    renamed = torch.tensor([7, 0, 3])[labels]
    assert torch.equal(sup_con(z, labels), sup_con(z, renamed))


@pytest.mark.parametrize("base", [None, 0.07, 0.1])
def test_equal_embeddings_give_the_scaled_log_of_the_terms(base: float | None) -> None:
    scale = 1.0 if base is None else 0.1 / base
    value = sup_con(torch.ones(2, 5, 3), torch.tensor([0, 1, 0, 1, 0]), base_temperature=base)
    assert float(value) == pytest.approx(math.log(9) * scale, abs=1e-5)


def test_base_temperature_also_scales_a_learned_temperature() -> None:
    z, labels = some_embeddings(5), torch.tensor([0, 1, 0, 1, 0])
    temperature = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: sup_con(z, labels, temperature=t, base_temperature=0.07), temperature)


def test_what_happens_to_anchors_without_positives() -> None:
    z = some_embeddings(6)[:1]
    rows = functional.normalize(z[0], dim=-1)
    others = ~torch.eye(6, dtype=torch.bool)
    same = (LONELY[:, None] == LONELY) & others
    each = literal_softmax(rows, rows, same.double(), others, 0.1)
    total = sum(loss for loss in each if loss is not None)
    assert torch.allclose(sup_con(z, LONELY), total / 3)
    assert torch.allclose(sup_con(z, LONELY, empty="zero"), total / 6)
    listed = sup_con(z, LONELY, reduction="none")
    assert torch.allclose(listed, torch.stack([loss if loss is not None else rows.new_zeros(()) for loss in each]))
    with pytest.raises(ArgumentError, match=r"3 of 6 anchors.*empty="):
        sup_con(z, LONELY, empty="error")
    assert torch.equal(sup_con(z, torch.tensor([0, 0, 1, 1, 2, 2]), empty="error"),
                       sup_con(z, torch.tensor([0, 0, 1, 1, 2, 2])))  # fmt: skip


def test_empty_anchors_get_no_gradient_of_their_own_and_never_nan() -> None:
    z = some_embeddings(6)[:1].clone().requires_grad_()
    value = sup_con(z, torch.arange(6))  # nobody has a positive
    (gradient,) = torch.autograd.grad(value, z)
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("empty", ["drop", "zero"])
def test_ranks_with_unequal_numbers_of_empty_anchors_average_to_one_process(empty: str) -> None:
    z, labels = some_embeddings(6)[:1].clone().requires_grad_(), torch.tensor([0, 1, 2, 3, 1, 1])
    expected = sup_con(z, labels, empty=empty)
    parts = [sup_con(z, labels, empty=empty, rows=torch.arange(3 * r, 3 * r + 3)) for r in range(2)]
    assert torch.allclose(sum(parts) / 2, expected, atol=1e-12)
    (gradient,) = torch.autograd.grad(sum(parts) / 2, z)
    assert torch.allclose(gradient, torch.autograd.grad(expected, z)[0], atol=1e-12)
    local = sup_con(z, labels, reduction="none")[:3]
    assert not torch.allclose(parts[0], local[local > 0].mean()) or empty == "zero"


def test_every_rank_sees_the_error_of_another() -> None:
    z, labels = some_embeddings(6)[:1], torch.tensor([0, 0, 0, 1, 2, 3])
    with pytest.raises(ArgumentError, match="3 of 6"):
        sup_con(z, labels, empty="error", rows=torch.arange(3))


def test_anchors_of_one_view_still_contrast_with_all() -> None:
    z, labels = some_embeddings(6), torch.tensor([0, 1, 0, 2, 1, 0])
    each = sup_con(z, labels, reduction="none")
    assert torch.allclose(sup_con(z, labels, anchor_views=(0,)), each[:6].mean())
    assert torch.allclose(sup_con(z, labels, anchor_views=(1,), rows=torch.tensor([2])), each[8])


def test_self_con_without_a_weight_is_sup_con_over_exits() -> None:
    exits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 0, 1, 2])
    assert torch.allclose(self_con(exits, labels), literal_sup_con(exits, labels))
    assert torch.allclose(self_con(exits), literal_sup_con(exits, torch.arange(5)))


def test_self_con_with_a_weight_is_the_last_exit_plus_the_sub_networks_anchors() -> None:
    exits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 1, 0, 1, 2])
    rows = functional.normalize(exits, dim=-1).flatten(0, 1)
    others = ~torch.eye(15, dtype=torch.bool)
    same = (labels.repeat(3)[:, None] == labels.repeat(3)) & others
    sub_networks = torch.stack(literal_softmax(rows, rows, same.double(), others, 0.1)[:10]).mean()
    expected = literal_sup_con(exits[-1:], labels) + 0.3 * sub_networks
    assert torch.allclose(self_con(exits, labels, sub_networks_weight=0.3), expected)
    each = self_con(exits, labels, sub_networks_weight=0.3, reduction="none")
    assert each.shape == (15,)
    assert torch.allclose(each[:10].mean(), 0.3 * sub_networks)


def test_self_con_lets_the_last_exit_learn_as_a_candidate() -> None:
    exits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.tensor([0, 1, 2, 3])  # so the last exit alone has no positive
    (gradient,) = torch.autograd.grad(self_con(exits, labels, sub_networks_weight=1.0), exits)
    assert gradient[1].abs().max() > 0.01


def test_self_con_is_shared_by_two_ranks() -> None:
    exits, labels = some_embeddings(6), LONELY
    expected = self_con(exits, labels, sub_networks_weight=0.5)
    parts = [self_con(exits, labels, sub_networks_weight=0.5, rows=torch.arange(3 * r, 3 * r + 3)) for r in range(2)]
    assert torch.allclose(sum(parts) / 2, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"labels": torch.arange(4), "pairing": by_labels(torch.arange(4), views=2)}, "labels and pairing"),
        ({"labels": torch.arange(5)}, "labels has 5"),
        ({"labels": torch.ones(4)}, "labels"),
        ({"empty": "dropp"}, "empty"),
        ({"anchor_views": (2,)}, "anchor_views"),
        ({"anchor_views": ()}, "anchor_views"),
        ({"base_temperature": 0.0}, "base_temperature"),
        ({"z": torch.ones(4, 3)}, "z must be"),
        ({"z": torch.ones(1, 4, 3)}, "1 view"),
    ],
)
def test_bad_input_is_named(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        sup_con(**{"z": torch.ones(2, 4, 3), **options})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"exits": torch.ones(1, 4, 3)}, "exits"),
        ({"exits": torch.ones(4, 3)}, "exits"),
        ({"sub_networks_weight": -1.0}, "sub_networks_weight"),
        ({"sub_networks_weight": 1.0}, "labels"),
    ],
)
def test_bad_exits_are_named(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        self_con(**{"exits": torch.ones(2, 4, 3), **options})
