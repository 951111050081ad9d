from __future__ import annotations

import math

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import Health, PrototypeUse


def test_the_closed_forms(generator) -> None:
    alike = PrototypeUse.of(torch.zeros(40, 8))
    assert alike.entropy == pytest.approx(math.log(8))
    sure = PrototypeUse.of(1000 * torch.eye(8).repeat(5, 1))
    assert (sure.prototypes, sure.entropy, sure.largest_share) == (8, pytest.approx(0), pytest.approx(1 / 8))
    one = PrototypeUse.of(torch.tensor([[0.0, 5.0, 0.0]]).repeat(6, 1))
    assert one.largest_share == 1
    # p = 3/4, 1/4
    half = PrototypeUse.of(torch.tensor([[math.log(3.0), 0.0]]))
    assert half.entropy == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))


def test_each_failure_has_its_sentence_and_a_healthy_use_none(generator) -> None:
    rows = torch.nn.functional.normalize(torch.randn(200, 16, generator=generator), dim=1)
    prototypes = torch.nn.functional.normalize(torch.randn(30, 16, generator=generator), dim=1)
    assert PrototypeUse.of(rows @ prototypes.T / 0.1).warning() is None
    equal = prototypes[:1].expand(30, 16)
    found = PrototypeUse.of(rows @ equal.T / 0.1).warning() or ""
    assert found.startswith("uniform prototypes: every sample is assigned to all 30 alike (entropy 3.4 of ln 30 = 3.4)")
    one = rows @ prototypes.T / 0.1 + 50 * torch.eye(1, 30)
    assert (PrototypeUse.of(one).warning() or "").startswith(
        "one prototype for all: 100% of the samples choose the same"
    )


def test_it_is_part_of_a_health_verdict(generator) -> None:
    z = torch.randn(64, 16, generator=generator)

    def verdict(scores: torch.Tensor | None) -> str | None:
        return Health.measure(z, loss=1.0, negatives_per_anchor=None, prototype_scores=scores).warning()

    assert verdict(None) is None
    assert verdict(10 * torch.randn(64, 4, generator=generator)) is None
    assert (verdict(torch.ones(64, 4)) or "").startswith("uniform prototypes")


def test_bad_scores() -> None:
    broken = PrototypeUse.of(torch.tensor([[1.0, math.nan], [0.0, 1.0]]))
    assert math.isnan(broken.entropy)
    assert broken.warning() is None
    for shape in [(4,), (4, 1), (0, 3)]:
        with pytest.raises(ArgumentError, match=r"must be \(N, P\)"):
            PrototypeUse.of(torch.zeros(shape))
