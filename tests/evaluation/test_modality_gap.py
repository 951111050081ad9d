from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import modality_gap


def test_one_tower_twice_has_no_gap(generator) -> None:
    x = torch.randn(200, 8, generator=generator)
    found = modality_gap(x, 5 * x)
    assert found.distance == pytest.approx(0, abs=1e-6)
    assert found.domain_accuracy.value == pytest.approx(0.5)


def test_opposite_poles_are_two_apart(generator) -> None:
    x = torch.zeros(40, 8)
    x[:, 0] = 1 + torch.rand(40, generator=generator)
    found = modality_gap(x, -x)
    assert found.distance == pytest.approx(2)
    assert found.domain_accuracy.value == 1


def test_a_cone_apart_is_seen_and_the_centres_are_those_of_unit_rows(generator) -> None:
    x, y = torch.randn(2, 300, 8, generator=generator, dtype=torch.float64)
    y[:, 0] += 2
    found = modality_gap(x, y)
    unit = torch.nn.functional.normalize
    assert found.distance == pytest.approx(float((unit(x).mean(0) - unit(y).mean(0)).norm()))
    assert 0.7 < found.domain_accuracy.low < found.domain_accuracy.value < 1
    assert found == modality_gap(x, y)


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match="the same samples into one space"):
        modality_gap(torch.ones(5, 3), torch.ones(6, 3))
    with pytest.raises(ArgumentError, match="y must hold at least 4 row"):
        modality_gap(torch.ones(5, 3), torch.ones(3, 3))
    with pytest.raises(ArgumentError, match="y: 5 of 5 rows are all zeros"):
        modality_gap(torch.ones(5, 3), torch.zeros(5, 3))
