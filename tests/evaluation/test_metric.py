from __future__ import annotations

import json

import numpy as np

from contrapose.evaluation import Metric


def test_it_prints_its_interval() -> None:
    assert str(Metric("kNN", 0.8432, 0.8214, 0.8641, "k = 20", 2000)) == "84.3 % [82.1, 86.4]"
    assert str(Metric("rank", 61.274, 60.5, 62.0, "raw rows", 2000, percent=False)) == "61.27 [60.5, 62]"


def test_it_survives_json() -> None:
    metric = Metric.from_items("kNN", np.array([1.0, 0.0, 1.0, 1.0]), protocol="k = 20")
    assert Metric(**json.loads(json.dumps(metric.to_dict()))) == metric


def test_from_items_is_the_mean_with_an_interval_around_it() -> None:
    metric = Metric.from_items("kNN", np.arange(100) < 80, protocol="k = 20")
    assert metric.value == 0.8
    assert 0.7 < metric.low < 0.78 < 0.82 < metric.high < 0.9
    assert metric.count == 100
    assert Metric.from_items("one-shot", np.array([0.2, 0.4]), protocol="", count=40).count == 40


def test_the_items_are_kept_and_are_no_part_of_the_number() -> None:
    right = np.arange(10) < 8
    metric = Metric.from_items("kNN", right, protocol="k = 20")
    assert metric.items.dtype == np.float64
    np.testing.assert_array_equal(metric.items, right)
    bare = Metric(**metric.to_dict())
    assert bare == metric
    assert bare.items is None
    assert hash(bare) == hash(metric)
    assert "items" not in repr(metric)
