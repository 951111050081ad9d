from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import agreement, clustering


def _blobs(generator: torch.Generator, noise: float) -> tuple[torch.Tensor, np.ndarray]:
    labels = np.arange(60) % 3
    return 2 * torch.eye(3, 8)[labels] + noise * torch.randn(60, 8, generator=generator), labels


@given(st.lists(st.integers(0, 4), min_size=4, max_size=40).filter(lambda labels: len(set(labels)) > 1))
@settings(max_examples=25, deadline=None)
def test_renaming_changes_nothing(labels: list[int]) -> None:
    assert agreement(np.array([7, 2, 9, 4, 0])[labels], labels) == pytest.approx((1, 1, 1))


def test_a_single_cluster_says_nothing() -> None:
    assert agreement([0] * 6, ["a", "a", "a", "b", "b", "c"]) == pytest.approx((0, 0, 1 / 2))


def test_every_row_its_own_cluster_matches_one_row_a_class() -> None:
    found = agreement(np.arange(6), [0, 0, 0, 1, 1, 1])
    assert found.accuracy == pytest.approx(2 / 6)
    assert found.ari == pytest.approx(0)
    assert found.nmi == pytest.approx(math.log(2) / ((math.log(2) + math.log(6)) / 2))


def test_separated_clusters_are_found_whatever_the_lengths(generator) -> None:
    z, labels = _blobs(generator, 0.1)
    found = clustering(z * torch.rand(60, 1, generator=generator).add(0.01), labels, seeds=2)
    assert found.mean == pytest.approx((1, 1, 1))
    assert found.sd == pytest.approx((0, 0, 0))
    assert "k = 3, best inertia of 10 k-means++ starts, 2 seeds" in found.protocol
    assert "nmi 100.0 ± 0.0 %" in str(found)


def test_seeds_are_reported_as_they_are_and_repeat(generator) -> None:
    z, labels = _blobs(generator, 3.0)
    found = clustering(z, labels, seeds=3, starts=1, clusters=5)
    assert len(set(found.per_seed)) > 1
    assert found.mean.ari == pytest.approx(np.mean([run.ari for run in found.per_seed]))
    assert found.sd.ari == pytest.approx(np.std([run.ari for run in found.per_seed], ddof=1))
    assert found == clustering(z, labels, seeds=3, starts=1, clusters=5)
    assert math.isnan(clustering(z, labels, seeds=1, starts=1).sd.nmi)


def test_bad_input_is_named(generator) -> None:
    z, labels = _blobs(generator, 0.1)
    with pytest.raises(ArgumentError, match="one class only"):
        clustering(z, labels * 0)
    with pytest.raises(ArgumentError, match="at most the 60 rows; got 61"):
        clustering(z, labels, clusters=61)
    with pytest.raises(ArgumentError, match="60 of 60 rows are all zeros"):
        clustering(0 * z, labels)
    with pytest.raises(ArgumentError, match="clusters must hold one label for each of the 3"):
        agreement([0, 1], [0, 1, 1])


def test_its_metrics_have_intervals_and_only_the_accuracy_has_items(generator) -> None:
    z, labels = _blobs(generator, noise=1.2)
    found = clustering(z, labels, seeds=3, starts=1)
    metrics = found.metrics()
    assert list(metrics) == ["NMI", "ARI", "cluster accuracy"]
    values = [metric.value for metric in metrics.values()]
    assert values == pytest.approx(list(found.mean))
    assert metrics["NMI"].items is None
    assert metrics["cluster accuracy"].items.mean() == pytest.approx(found.mean.accuracy)
    half = 4.3027 * found.sd.nmi / math.sqrt(3)  # Student's t with 2 degrees of freedom
    assert metrics["NMI"].high - metrics["NMI"].value == pytest.approx(half, rel=1e-4)
    assert metrics["NMI"].value - metrics["NMI"].low == pytest.approx(half, rel=1e-4)
    with pytest.raises(ArgumentError, match="no interval over seeds"):
        clustering(z, labels, seeds=1, starts=1).metrics()


def test_the_items_are_those_in_the_cluster_of_their_class() -> None:
    z = torch.tensor([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 2)
    labels = ["a", "a", "a", "b", "b", "b"]
    np.testing.assert_array_equal(clustering(z, labels, seeds=2).per_item, [1, 1, 1, 0, 1, 1])
