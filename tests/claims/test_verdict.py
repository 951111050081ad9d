"""Intervals over seeds by their closed forms, and verdicts in one of three words that speak of the experiment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from claim_cases import claim_of

from contrapose.claims import Prediction, Results, findings_of, judge, level, seed_interval, verdict
from contrapose.errors import ArgumentError


def results_of(*numbers: float, name: str = "kNN") -> Results:
    return Results({"a": tuple({1: {name: 0.0}, 3: {name: number}} for number in numbers)}, (1, 3))


def judged(*numbers: float, threshold: float = 0.0, role: str = "claim") -> str:
    prediction = Prediction("a", ("a",), level("a", "kNN"), threshold=threshold, role=role)  # type: ignore[arg-type]
    return judge(prediction, results_of(*numbers)).word


def test_two_seeds_give_students_interval() -> None:
    value, low, high = seed_interval(np.array([1.0, 3.0]))
    assert value == 2.0
    assert math.isclose(high - 2.0, 12.7062, rel_tol=1e-4)
    assert math.isclose(2.0 - low, 12.7062, rel_tol=1e-4)


def test_students_interval_holds_the_mean_19_times_of_20() -> None:
    random = np.random.default_rng(0)
    held = [low < 0 < high for _, low, high in (seed_interval(random.normal(size=5)) for _ in range(2000))]
    assert 0.93 < np.mean(held) < 0.97  # a bootstrap of five would hold it 84 times of 100


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ArgumentError, match="at least 2"):
        seed_interval(np.array([1.0]))


def test_the_three_words() -> None:
    assert judged(0.10, 0.11, 0.12) == "reproduced here"
    assert judged(-0.10, -0.11, -0.12) == "contrary here"
    assert judged(-0.1, 0.1, 0.2) == "not resolved here"


def test_a_threshold_below_zero_asks_not_to_be_worse() -> None:
    assert judged(-0.002, -0.003, -0.004, threshold=-0.01) == "reproduced here"
    assert judged(-0.002, -0.003, -0.004) == "contrary here"


def test_a_mechanism_must_hold_in_every_seed() -> None:
    assert judged(0.1, 0.5, 0.001, role="mechanism") == "reproduced here"
    assert judged(0.5, 0.5, 0.5, 0.5, -0.001, role="mechanism") == "contrary here"


def test_the_claim_is_its_weakest_prediction() -> None:
    def finding(*numbers: float, role: str = "claim"):  # type: ignore[no-untyped-def]
        prediction = Prediction("a", ("a",), level("a", "kNN"), role=role)  # type: ignore[arg-type]
        return judge(prediction, results_of(*numbers))

    good, bad, open_ = finding(0.1, 0.11), finding(-0.1, -0.1001), finding(-1.0, 1.0)
    assert verdict([good]) == "reproduced here"
    assert verdict([good, open_]) == "not resolved here"
    assert verdict([good, open_, bad]) == "contrary here"
    assert verdict([good, finding(-0.1, -0.1001, role="secondary")]) == "reproduced here"


def test_an_earlier_epoch_is_read_by_its_share() -> None:
    results = results_of(0.5, 0.7)
    assert results.of("a", "kNN", share=1 / 3).tolist() == [0.0, 0.0]
    assert results.of("a", "kNN").tolist() == [0.5, 0.7]


def test_unknown_arms_and_measures_name_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="No arm 'b'"):
        results_of(0.1, 0.2).of("b", "kNN")
    with pytest.raises(ArgumentError, match=r"no measure 'knn'.*kNN"):
        results_of(0.1, 0.2).of("a", "knn")


def test_every_prediction_is_judged() -> None:
    values = tuple({2: {"kNN": number, "asked validation": 0.0}} for number in (0.5, 0.6))
    claim = claim_of()
    findings = findings_of(claim, Results({"simclr": values, "mmcl": values}, (2,)))
    assert [finding.value for finding in findings] == [0.0]
    assert findings[0].text() == "+0.0 [+0.0, +0.0]"
