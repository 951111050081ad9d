"""Intervals of right-or-wrong answers: they have a width where a bootstrap has none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import Metric, bootstrap_interval, paired_difference, wilson_interval
from contrapose.evaluation.proportions import paired_proportions

Z = 1.959964


def test_wilson_is_its_equation() -> None:
    _, low, high = wilson_interval(0.7, 40)
    for end in (low, high):
        assert abs(0.7 - end) == pytest.approx(Z * np.sqrt(end * (1 - end) / 40), rel=1e-5)


@pytest.mark.parametrize("count", [1, 24, 1000])
def test_all_right_and_all_wrong_have_a_width(count: int) -> None:
    assert wilson_interval(1.0, count) == pytest.approx((1, count / (count + Z**2), 1))
    assert wilson_interval(0.0, count) == pytest.approx((0, 0, Z**2 / (count + Z**2)))


def test_wilson_covers_the_true_share_near_one_as_often_as_it_says() -> None:
    right = np.random.default_rng(0).random((2000, 60)) < 0.97
    held = [low <= 0.97 <= high for _, low, high in (wilson_interval(float(row.mean()), 60) for row in right)]
    assert 0.92 <= np.mean(held) <= 0.99
    boot = [
        low <= 0.97 <= high
        for _, low, high in (bootstrap_interval(row, draws=200, generator=torch.Generator()) for row in right[:300])
    ]
    assert np.mean(boot) < 0.9  # what it stands for now


def test_bad_shares_are_refused() -> None:
    for share, count, level in ((1.2, 5, 0.95), (0.5, 0, 0.95), (0.5, 5, 95)):
        with pytest.raises(ArgumentError):
            wilson_interval(share, count, level=level)


def test_a_metric_of_right_or_wrong_answers_takes_wilson() -> None:
    perfect = Metric.from_items("kNN", np.ones(24), protocol="")
    assert (perfect.value, perfect.low, perfect.high) == wilson_interval(1.0, 24)
    assert str(perfect) == "100.0 % [86.2, 100.0]"
    some = Metric.from_items("kNN", np.arange(40) < 38, protocol="")
    assert (some.value, some.low, some.high) == wilson_interval(0.95, 40)
    fractions = Metric.from_items("MAP@R", np.ones(24), protocol="")
    assert fractions.low == perfect.low
    distance = Metric.from_items("alignment", np.ones(24), protocol="", percent=False)
    assert (distance.low, distance.high) == (1, 1)


def test_shares_of_clusters_are_never_surer_than_their_answers() -> None:
    perfect = Metric.from_items("one-shot", np.ones(20), protocol="", count=400, trials=400)
    assert (perfect.low, perfect.high) == wilson_interval(1.0, 400)[1:]
    almost = Metric.from_items("one-shot", np.r_[np.ones(19), 0.95], protocol="", trials=400)
    assert almost.low < perfect.low  # a worse score has no better lower end
    clustered = Metric.from_items("one-shot", np.arange(8) % 2, protocol="", trials=800)
    assert clustered.high - clustered.low > 0.5


def test_pairs_that_never_differ_are_not_proven_equal() -> None:
    same = paired_difference(np.ones(24), np.ones(24))
    assert same.value == 0
    assert (same.low, same.high) == pytest.approx((-Z * np.sqrt(2) / 26, Z * np.sqrt(2) / 26), rel=1e-4)
    apart = paired_difference(np.ones(24), np.zeros(24))
    assert apart.value == 1
    assert 0.7 < apart.low < 1 == apart.high


def test_four_items_of_twenty_four_prove_nothing_and_six_of_thirty_do() -> None:
    assert paired_proportions(np.arange(24) < 4, np.zeros(24)).low < 0  # the exact test: p = 0.125
    assert paired_proportions(np.arange(30) < 6, np.zeros(30)).low > 0  # p = 0.03
