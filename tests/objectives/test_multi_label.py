"""SelfCon by two labels: against a literal loop, in closed forms, and who gets a gradient of which term."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import multi_label_self_con, multi_label_terms, nt_xent, self_con, sup_con

ORIGINS = torch.tensor([0, 1, 1, 0, 1, 1, -1])
FAMILIES = torch.tensor([5, 1, 2, 5, 1, 3, 1])


def exits(count: int = 2, batch: int = 7, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, batch, 5, generator=generator, dtype=torch.float64).requires_grad_()


def literal(
    z: Tensor, labels: list[int], rows: list[int], anchors: list[int], tau: float, tau0: float
) -> Tensor | float:
    """Over the samples `rows` alone, one anchor and one positive at a time; -1 is a class of its own."""
    units = z / z.norm(dim=-1, keepdim=True)
    all_rows = [(exit, row) for exit in range(len(z)) for row in rows]
    losses = []
    for exit, row in all_rows:
        others = [other for other in all_rows if other != (exit, row)]
        mine = [(e, r) for e, r in others if r == row or (labels[r] == labels[row] and labels[row] >= 0)]
        if exit not in anchors or not mine:
            continue
        similar = {other: units[exit, row] @ units[other] / tau for other in others}
        total = torch.stack(list(similar.values())).logsumexp(0)
        losses.append(-(tau / tau0) * sum(similar[one] - total for one in mine) / len(mine))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("sub_networks_only", [False, True])
def test_value_and_gradient_are_those_of_the_definition(count: int, sub_networks_only: bool) -> None:
    if sub_networks_only and count == 1:
        return
    z, how = exits(count), {"temperature": 0.2, "base_temperature": 0.1, "sub_networks_only": sub_networks_only}
    found = multi_label_self_con(z, ORIGINS, FAMILIES, origin_weight=0.7, family_weight=1.3, **how)  # type: ignore[arg-type]
    anchors = list(range(count - 1 if sub_networks_only else count))
    synthetic = [row for row in range(7) if ORIGINS[row] == 1]
    origin = literal(z, ORIGINS.tolist(), list(range(7)), anchors, 0.2, 0.1)
    family = literal(z, FAMILIES.tolist(), synthetic, anchors, 0.2, 0.1)
    expected = 0.7 * origin + 1.3 * family
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    one, other = (torch.autograd.grad(value, z)[0] for value in (found, expected))
    torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


def test_one_exit_is_sup_con_and_exits_without_labels_are_views() -> None:
    one, two, labels = exits(1), exits(2), torch.tensor([0, 1, 1, 0, 1, 0, 1])
    term = multi_label_terms(one, labels, labels, temperature=0.3, base_temperature=None).origin
    torch.testing.assert_close(term, sup_con(one, labels, temperature=0.3))
    torch.testing.assert_close(self_con(two, temperature=0.3), nt_xent(two, temperature=0.3))
    unknown = torch.full((7,), -1)
    term = multi_label_terms(two, unknown, unknown, temperature=0.3, base_temperature=None).origin
    torch.testing.assert_close(term, nt_xent(two, temperature=0.3))


@pytest.mark.parametrize("labels", [ORIGINS, torch.zeros(7, dtype=torch.long), torch.arange(7) % 2])
def test_equal_features_give_the_log_of_the_candidates(labels: Tensor) -> None:
    z = torch.ones(2, 7, 5, dtype=torch.float64)
    found = multi_label_terms(z, labels, FAMILIES, temperature=0.14, base_temperature=0.07)
    assert float(found.origin) == pytest.approx(2 * math.log(2 * 7 - 1))
    synthetic = int((labels == 1).sum())
    assert float(found.family) == pytest.approx(2 * math.log(2 * synthetic - 1) if synthetic > 1 else 0)


@pytest.mark.parametrize("each", [2, 4])
def test_two_collapsed_orthogonal_classes(each: int) -> None:
    labels = torch.arange(2 * each) % 2
    z = torch.eye(4, dtype=torch.float64)[labels].expand(2, 2 * each, 4)
    found = float(multi_label_terms(z, labels, labels, temperature=0.07).origin)
    expected = math.log((2 * each - 1) * math.exp(1 / 0.07) + 2 * each) - 1 / 0.07
    assert found == pytest.approx(expected, abs=1e-12)


def test_doubling_the_base_temperature_halves_loss_and_gradient() -> None:
    found = []
    for base in (0.07, 0.14):
        z = exits()
        loss = multi_label_self_con(z, ORIGINS, FAMILIES, base_temperature=base)
        found.append((float(loss.detach()), torch.autograd.grad(loss, z)[0]))
    assert found[0][0] == pytest.approx(2 * found[1][0])
    torch.testing.assert_close(found[0][1], 2 * found[1][1])


def test_real_samples_get_nothing_of_the_second_term() -> None:
    z = exits()
    (gradient,) = torch.autograd.grad(multi_label_terms(z, ORIGINS, FAMILIES).family, z)
    assert not gradient[:, ORIGINS != 1].any()
    assert bool((gradient[:, ORIGINS == 1] != 0).any())


@pytest.mark.parametrize("synthetic", [0, 1])
def test_without_two_synthetic_samples_there_is_no_second_term(synthetic: int) -> None:
    z, origins = exits(3), (torch.arange(7) < synthetic).long()
    found = multi_label_self_con(z, origins, FAMILIES)
    torch.testing.assert_close(found, sup_con(z, origins, temperature=0.07, base_temperature=0.07))
    assert bool(torch.autograd.grad(found, z)[0].isfinite().all())


def test_ranks_with_unequal_numbers_of_synthetic_samples_make_one_loss() -> None:
    z = exits()
    whole = multi_label_self_con(z, ORIGINS, FAMILIES)
    parts = [multi_label_self_con(z, ORIGINS, FAMILIES, rows=rows) for rows in (torch.arange(1), torch.arange(1, 7))]
    torch.testing.assert_close((1 * parts[0] + 6 * parts[1]) / 7, whole)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"exits": torch.ones(4, 3)}, r"exits must be a non-empty tensor of shape \(E, B, D\)"),
        ({"origins": torch.zeros(3, dtype=torch.long)}, "origins has 3 entries for 4 samples"),
        ({"families": torch.zeros(5, dtype=torch.long)}, "families has 5 entries"),
        ({"family_weight": -1.0}, "family_weight must be 0 or above"),
        ({"normalize": False}, "one is off by 0.732"),
        ({"exits": torch.ones(1, 4, 3), "sub_networks_only": True}, "needs a sub-network"),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], words: str) -> None:
    usual = {"origins": torch.tensor([0, 1, 0, 1]), "families": torch.arange(4)}
    with pytest.raises(ArgumentError, match=words):
        multi_label_self_con(**{"exits": torch.ones(2, 4, 3), **usual, **options})
