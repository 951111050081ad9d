from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import lidar


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_identical_views_of_r_axes_give_r(rank: int) -> None:
    means = torch.cat([torch.eye(8)[:rank], -torch.eye(8)[:rank]])
    assert lidar(means.repeat(5, 1, 1)) == pytest.approx(rank, abs=1e-3)


def test_it_is_the_definition(generator) -> None:
    views = torch.randn(4, 30, 6, generator=generator, dtype=torch.float64)
    means = views.mean(0)
    within = sum((view - means).T @ (view - means) for view in views) / (30 * 3) + 0.1 * torch.eye(6)
    values = torch.linalg.eigvals(torch.linalg.solve(within, torch.cov(means.T))).real
    p = values / values.sum() + 1e-7
    assert lidar(views, delta=0.1) == pytest.approx(float(torch.exp(-(p * p.log()).sum())))


def test_a_direction_that_only_the_views_scatter_in_does_not_count(generator) -> None:
    samples = torch.randn(1, 200, 2, generator=generator).repeat(10, 1, 1)
    nuisance = 100 * torch.randn(10, 200, 6, generator=generator)
    assert lidar(torch.cat([samples, nuisance], dim=2)) < 2.1


def test_blocks_of_samples_change_nothing(generator, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    views = torch.randn(3, 25, 5, generator=generator)
    whole = lidar(views)
    monkeypatch.setattr(sys.modules["contrapose.evaluation.lidar"], "ROWS_AT_A_TIME", 12)
    assert lidar(views) == pytest.approx(whole)


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match="no scatter within a sample") as error:
        lidar(torch.ones(1, 5, 3))
    assert isinstance(error.value, ValueError)
    with pytest.raises(ArgumentError, match="2 views of 2 samples"):
        lidar(torch.ones(5, 1, 3))
    with pytest.raises(ArgumentError, match="delta must be"):
        lidar(torch.ones(2, 2, 3), delta=0)
