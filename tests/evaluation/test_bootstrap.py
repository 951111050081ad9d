from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import bootstrap
from contrapose.evaluation.bootstrap import bootstrap_interval, paired_difference


def test_the_interval_covers_the_true_share_about_as_often_as_it_says() -> None:
    generator = torch.Generator().manual_seed(0)
    held = 0
    for _ in range(200):
        items = torch.rand(150, generator=generator) < 0.7
        _, low, high = bootstrap_interval(items, draws=300, generator=generator)
        held += low <= 0.7 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_the_width_is_that_of_the_normal_approximation(generator) -> None:
    items = torch.randn(2000, generator=generator, dtype=torch.float64)
    value, low, high = bootstrap_interval(items, draws=4000, generator=generator)
    half = 1.96 * items.std().item() / math.sqrt(2000)
    assert value == pytest.approx(items.mean().item(), abs=1e-12)
    assert high - value == pytest.approx(half, rel=0.1)
    assert value - low == pytest.approx(half, rel=0.1)


def test_a_higher_level_is_wider() -> None:
    items = np.arange(50)
    _, low, high = bootstrap_interval(items, level=0.99)
    _, inner_low, inner_high = bootstrap_interval(items, level=0.8)
    assert low < inner_low < inner_high < high


def test_equal_items_leave_no_width() -> None:
    assert bootstrap_interval(np.ones(10)) == (1, 1, 1)


def test_the_same_generator_gives_the_same_interval_and_none_leaves_the_global_state_alone() -> None:
    items = np.random.default_rng(0).random(100)
    before = torch.get_rng_state()
    assert bootstrap_interval(items) == bootstrap_interval(items)
    assert torch.equal(before, torch.get_rng_state())
    first = bootstrap_interval(items, generator=torch.Generator().manual_seed(5))
    assert first == bootstrap_interval(items, generator=torch.Generator().manual_seed(5))
    assert first != bootstrap_interval(items)


def test_draws_come_in_bounded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    draw = torch.randint
    monkeypatch.setattr(bootstrap, "DRAW_BUDGET", 1000)
    monkeypatch.setattr(torch, "randint", lambda high, shape, **k: sizes.append(shape) or draw(high, shape, **k))
    bootstrap_interval(np.arange(90), draws=100)
    assert sum(rows for rows, _ in sizes) == 100
    assert max(rows * columns for rows, columns in sizes) <= 1000


def test_pairing_resolves_what_two_intervals_do_not(generator) -> None:
    hardness = torch.randn(400, generator=generator)
    a, b = (hardness > -0.6).double(), (hardness > -0.5).double()
    difference = paired_difference(a, b)
    assert difference.value == pytest.approx((a - b).mean().item())
    assert difference.low > 0
    assert bootstrap_interval(a).low < bootstrap_interval(b).high
    assert paired_difference(b, a) == (-difference.value, -difference.high, -difference.low)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bootstrap_interval(np.ones(1)), "at least 2 numbers"),
        (lambda: bootstrap_interval(np.ones((3, 2))), r"shape \(3, 2\)"),
        (lambda: bootstrap_interval(np.array(["a", "b"])), "at least 2 numbers"),
        (lambda: bootstrap_interval(np.array([1.0, np.nan, np.inf])), "2 of 3 items"),
        (lambda: bootstrap_interval(np.ones(5), level=95), "level must lie between 0 and 1; got 95"),
        (lambda: bootstrap_interval(np.ones(5), draws=39), "at least 40"),
        (lambda: paired_difference(np.ones(5), np.ones(6)), "got 5 and 6 items"),
    ],
)
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        call()
