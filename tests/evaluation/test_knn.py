from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import knn, knn_predict


def _voted(bank: np.ndarray, labels: np.ndarray, query: np.ndarray, k: int, temperature: float) -> int:
    """The definition, for one query, by a loop."""
    cosines = bank @ query / np.linalg.norm(bank, axis=1) / np.linalg.norm(query)
    scores = dict.fromkeys(sorted(set(labels.tolist())), 0.0)
    for i in np.argsort(-cosines, kind="stable")[:k]:
        scores[labels[i]] += np.exp(cosines[i] / temperature)
    return max(scores, key=scores.__getitem__)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 30), temperature=st.sampled_from([0.02, 0.07, 1.0, 50.0]))
@settings(max_examples=25, deadline=None)
def test_it_is_the_definition(seed: int, k: int, temperature: float) -> None:
    random = np.random.default_rng(seed)
    bank, queries = random.normal(size=(30, 4)), random.normal(size=(12, 4))
    labels = np.concatenate([[3, 5], random.integers(3, 7, size=28)])
    predicted = knn_predict(bank, labels, queries, k=k, temperature=temperature, block=5)
    assert predicted.tolist() == [_voted(bank, labels, query, k, temperature) for query in queries]


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_rotation_and_scale_change_nothing(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    bank, queries = torch.randn(2, 40, 6, generator=generator, dtype=torch.float64)
    labels = torch.arange(40) % 3
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    for metric in ("cosine", "euclidean"):
        plain = knn_predict(bank, labels, queries, k=5, metric=metric)
        moved = knn_predict(scale * bank @ rotation, labels, scale * queries @ rotation, k=5, metric=metric)
        assert plain.tolist() == moved.tolist()


def test_the_bank_names_itself(generator) -> None:
    bank, labels = torch.randn(200, 16, generator=generator), torch.randint(10, (200,), generator=generator)
    result = knn(bank, labels, bank, labels, k=1)
    assert (result.value, result.high, result.count) == (1, 1, 200)
    assert 0.97 < result.low < 1  # 200 right answers are no proof of all


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_constant_features_score_the_share_of_one_class(noise: float, generator) -> None:
    labels = torch.arange(300) % 3
    labels[:60] = 1
    features = 0.1 * torch.ones(300, 48) + noise * torch.randn(300, 48, generator=generator)
    result = knn(features, labels, features[:201], labels[:201], k=7, block=16)
    assert result.value == pytest.approx((labels[:201] == 1).double().mean().item())
    assert result.high < 0.7


def test_equal_scores_go_to_the_larger_similarity_then_to_the_smaller_class() -> None:
    # two neighbours each, mirrored about the query: equal scores and sums, so the smaller class wins
    bank = torch.tensor([[1.0, 0.2], [1.0, -0.2], [1.0, 0.4], [1.0, -0.4]])
    assert knn_predict(bank, [8, 2, 2, 8], [[1.0, 0.0]] * np.ones((1, 1)), k=4).tolist() == [2]
    # equal votes, one each, but class 8 is nearer
    assert knn_predict(bank, [2, 2, 8, 8], np.array([[1.0, 0.38]]), k=2, metric="euclidean").tolist() == [8]


def test_euclidean_is_the_plain_majority_vote(generator) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    bank, queries = torch.randn(150, 5, generator=generator), torch.randn(80, 5, generator=generator)
    labels = torch.randint(2, (150,), generator=generator)
    reference = KNeighborsClassifier(7).fit(bank, labels).predict(queries)
    assert knn_predict(bank, labels, queries, k=7, metric="euclidean", block=32).tolist() == reference.tolist()


def test_a_tiny_temperature_listens_to_the_nearest(generator) -> None:
    bank, queries = torch.randn(2, 50, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(5, (50,), generator=generator)
    nearest = knn_predict(bank, labels, queries, k=1)
    assert knn_predict(bank, labels, queries, k=20, temperature=1e-6).tolist() == nearest.tolist()


def test_digits_from_raw_pixels() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    result = knn(digits.data[:1200], digits.target[:1200], digits.data[1200:], digits.target[1200:])
    assert 0.9 < result.low <= result.value <= result.high < 1
    assert result.protocol == "top-1, k = 20, cosine, temperature 0.07, bank of 1,200, 10 classes, chance 10.0 %"
    assert result.count == 597


def test_labels_may_be_strings() -> None:
    bank = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert knn_predict(bank, ["dog", "cat"], bank[::-1], k=1).tolist() == ["cat", "dog"]


def test_k_is_cut_to_the_bank_with_a_warning() -> None:
    bank = torch.eye(4)
    with pytest.warns(UserWarning, match="k = 20 is more than the 4 training rows"):
        result = knn(bank, [0, 1, 0, 1], bank, [0, 1, 0, 1])
    assert "k = 4" in result.protocol


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 0}, "k must be a whole number of at least 1; got 0"),
        ({"temperature": 0}, "temperature must be a finite number above 0"),
        ({"block": 0}, "block must be a whole number"),
        ({"metric": "cosin"}, "Did you mean 'cosine'"),
        ({"test": torch.ones(1, 4)}, "test must hold at least 2 row"),
        ({"train": torch.full((6, 4), torch.nan)}, "train: 6 of 6 rows hold NaN"),
        ({"test": torch.zeros(6, 4)}, "test: 6 of 6 rows are all zeros"),
        ({"train_labels": torch.zeros(6)}, "train_labels hold one class only"),
        ({"test_labels": torch.zeros(5)}, "test_labels must hold one label for each of the 6 rows"),
        ({"test_labels": torch.arange(6) + 10}, "no class in common"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"train": torch.ones(6, 4), "train_labels": torch.arange(6) % 2, "k": 3}
    good |= {"test": torch.ones(6, 4), "test_labels": torch.arange(6) % 2}
    with pytest.raises(ArgumentError, match=words):
        knn(**{**good, **change})


def test_zero_rows_have_a_distance(generator) -> None:
    bank = torch.cat([torch.zeros(3, 2), torch.ones(3, 2)])
    assert knn_predict(bank, [0, 0, 0, 1, 1, 1], bank, k=3, metric="euclidean").tolist() == [0, 0, 0, 1, 1, 1]
