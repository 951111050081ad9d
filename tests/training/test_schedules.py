"""Schedules against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.training.schedules import SCHEDULES, constant, cosine, multiplier, one_cycle


def test_cosine_warms_up_linearly_and_ends_near_zero() -> None:
    values = [cosine(step, 100, 10) for step in range(100)]
    assert values[:10] == pytest.approx([(t + 1) / 10 for t in range(10)])
    assert values[55] == pytest.approx(0.5)
    assert 0 < values[99] < 1e-3


def test_one_cycle_is_torchs() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    total = 50
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=total, pct_start=0.3)
    peak = 0.0
    for _ in range(total - 1):
        peak = max(peak, optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    ours = [one_cycle(step, total, 15) for step in range(total)]
    assert max(ours) == pytest.approx(peak, rel=1e-2) == pytest.approx(1.0, rel=1e-2)
    assert one_cycle(total, total, 15) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-3)
    assert one_cycle(-1, total, 15) == pytest.approx(1 / 25)


@settings(max_examples=50, deadline=None)
@given(total=st.integers(1, 500), share=st.floats(0, 0.9), name=st.sampled_from(sorted(SCHEDULES)))
def test_every_schedule_stays_between_zero_and_one(total: int, share: float, name: str) -> None:
    values = [multiplier(name, step, total, share) for step in range(total)]
    assert all(0.0 <= value <= 1.0 + 1e-12 and math.isfinite(value) for value in values)


def test_constant_is_one_after_the_warm_up() -> None:
    assert [constant(step, 10, 2) for step in range(4)] == [0.5, 1.0, 1.0, 1.0]


def test_an_unknown_schedule_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="'cosine'"):
        multiplier("cosin", 0, 10, 0.1)
