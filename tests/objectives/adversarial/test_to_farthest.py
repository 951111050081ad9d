"""Pairs led apart: a ratio of batch means with closed forms, whom a sample is pulled to, and whose gradient it is."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import farthest_owners, squared_shift, to_farthest

B, D = 3, 5


def rows(count: int, seed: int = 0) -> Tensor:
    return torch.nn.functional.normalize(
        torch.randn(count, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1
    )


def given(own: int = 2, others: int = 3) -> dict[str, Any]:
    """B anchors with `own` rows each, and 4 others with `others` rows each."""
    return {
        "adversarial": rows(B, 1).requires_grad_(),
        "own": rows(own * B, 2),
        "owners": torch.arange(B).repeat(own),
        "others": rows(others * 4, 3),
        "other_owners": torch.arange(4).repeat(others),
        "chosen": torch.tensor([3, 0, 3]),
    }


def literal(parts: dict[str, Any], temperature: float) -> float:
    """As it is written: loops, and means before the ratio."""
    true = pulled = 0.0
    for i in range(B):
        for j, owner in enumerate(parts["owners"].tolist()):
            true += math.exp(float(parts["adversarial"][i] @ parts["own"][j]) / temperature) * (owner == i)
        for k, owner in enumerate(parts["other_owners"].tolist()):
            wanted = owner == int(parts["chosen"][i])
            pulled += math.exp(float(parts["adversarial"][i] @ parts["others"][k]) / temperature) * wanted
    return math.log(true / B / (true / B + pulled / B))


@pytest.mark.parametrize("temperature", [0.1, 0.7, 3.0])
def test_it_is_what_is_written(temperature: float) -> None:
    parts = given()
    found = to_farthest(**parts, temperature=temperature)
    assert float(found) == pytest.approx(literal(parts, temperature), rel=1e-10)
    assert float(found) < 0


@pytest.mark.parametrize(("own", "others"), [(1, 1), (2, 3), (5, 2)])
def test_all_alike_or_a_temperature_without_end(own: int, others: int) -> None:
    parts = given(own, others)
    alike = {name: torch.ones_like(parts[name]) for name in ("adversarial", "own", "others")}
    expected = math.log(own / (own + others))
    assert float(to_farthest(**{**parts, **alike})) == pytest.approx(expected, rel=1e-6)
    hot = to_farthest(**parts, temperature=1e9)
    assert float(hot) == pytest.approx(expected, rel=1e-6)
    hot.backward()
    assert float(parts["adversarial"].grad.abs().max()) < 1e-8


def test_its_ends() -> None:
    anchor, away = torch.eye(2)[:1], -torch.eye(2)[:1]
    one: dict[str, Any] = {
        "owners": torch.zeros(1, dtype=torch.long),
        "other_owners": torch.zeros(1, dtype=torch.long),
        "chosen": torch.zeros(1, dtype=torch.long),
    }
    whole = to_farthest(anchor, own=anchor, others=away, **one, temperature=0.1)
    assert -1e-8 < float(whole) < 0
    gone = to_farthest(anchor, own=away, others=anchor, **one, temperature=0.001)
    assert float(gone) == pytest.approx(-2000, rel=1e-6)


def test_means_come_before_the_ratio() -> None:
    """Similarities (1, 0) and (0, 1) at temperature 1: a mean of ratios would differ."""
    anchors = torch.eye(4)[:2]
    own = torch.stack([anchors[0], torch.eye(4)[2]])  # similarities 1 and 0
    others = torch.stack([torch.eye(4)[3], anchors[1]])  # 0 and 1
    each = torch.arange(2)
    found = to_farthest(anchors, own, each, others, each, each, temperature=1.0)
    assert float(found) == pytest.approx(math.log(1 / 2))
    first, alone = each[:1], []
    for i in range(2):
        anchor, its, pulled = (rows[i : i + 1] for rows in (anchors, own, others))
        alone.append(float(to_farthest(anchor, its, first, pulled, first, first, temperature=1.0)))
    assert sum(alone) / 2 == pytest.approx((math.log(math.e / (math.e + 1)) + math.log(1 / (1 + math.e))) / 2)
    assert abs(sum(alone) / 2 - float(found)) > 0.1


def test_the_farthest_is_so_on_average() -> None:
    anchor = torch.tensor([[1.0, 0.0]])

    def at(*cosines: float) -> Tensor:
        return torch.tensor([[c, math.sqrt(1 - c * c)] for c in cosines])

    others = torch.cat([at(-0.9, 0.9), at(-0.3, -0.2)])  # the least similar row, and the lower mean
    assert farthest_owners(anchor, others, torch.tensor([0, 0, 1, 1])).tolist() == [1]
    assert farthest_owners(3 * anchor, 7 * others, torch.tensor([0, 1, 0, 1])).tolist() == [0]


def test_only_what_is_perturbed_has_a_gradient() -> None:
    parts = given()
    others = {name: parts[name].requires_grad_() for name in ("own", "others")}
    to_farthest(**parts).backward()
    assert float(parts["adversarial"].grad.abs().min()) > 0
    assert all(one.grad is None for one in others.values())
    clean, moved = rows(4, 5).requires_grad_(), rows(4, 6).requires_grad_()
    shift = squared_shift(clean, moved)
    shift.backward()
    assert clean.grad is None
    assert moved.grad is not None
    assert float(shift.detach()) == pytest.approx(float((2 - 2 * (clean * moved).sum(dim=1)).sum()))
    assert torch.autograd.gradcheck(lambda a: to_farthest(**{**given(), "adversarial": a}), rows(B, 1).requires_grad_())


def test_lengths_play_no_part() -> None:
    parts = given()
    longer = {name: 9 * parts[name] for name in ("adversarial", "own", "others")}
    torch.testing.assert_close(to_farthest(**{**parts, **longer}), to_farthest(**parts))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"owners": torch.tensor([0, 1, 3, 0, 1, 2])}, "Owners of 'own' must be from 0 to 2"),
        ({"owners": torch.tensor([0, 1, 1, 0, 1, 1])}, "Sample 2 owns no row of 'own'"),
        ({"owners": torch.tensor([0, 1, 2])}, "Each of 6 rows of 'own' has one owner"),
        ({"other_owners": torch.arange(4).repeat(3) - 1}, "Owners of 'others' must be from 0"),
        ({"chosen": torch.tensor([0, 4, 1])}, "chosen must name one of 4 samples"),
        ({"others": torch.zeros(0, D), "other_owners": torch.zeros(0, dtype=torch.long)}, "others"),
        ({"temperature": 0.0}, "temperature must be"),
        ({"temperature": -1.0}, "temperature must be"),
        ({"adversarial": torch.full((B, D), torch.nan)}, "nan"),
    ],
)
def test_bad_input(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"(?i){told}"):
        to_farthest(**{**given(), **wrong})


def test_bad_input_to_choosing_and_to_moving() -> None:
    with pytest.raises(ArgumentError, match="others"):
        farthest_owners(rows(2), torch.zeros(0, D), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ArgumentError, match="Sample 1 owns no row"):
        farthest_owners(rows(2), rows(2), torch.tensor([0, 2]))
    with pytest.raises(ArgumentError, match="of one shape"):
        squared_shift(rows(2), rows(3))
