from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import fit_linear_probe, linear_probe
from contrapose.evaluation.linear_probe import STRENGTHS, _validation_mask


def _blobs(count: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centres = 2.0 * np.eye(3, 6)
    return centres[labels] + noise * random.normal(size=(count, 6)), labels


def test_digits_from_raw_pixels() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    result = linear_probe(digits.data[:1200], digits.target[:1200], digits.data[1200:], digits.target[1200:])
    assert 0.88 < result.low <= result.value <= result.high < 1
    assert result.value > 0.9
    assert result.count == 597
    assert "on 20% of train), 1,200 train rows, 10 classes" in result.protocol


def test_the_weights_are_a_minimum_of_the_equation() -> None:
    rows, labels = _blobs(120)
    probe = fit_linear_probe(rows, labels, strengths=(0.03,))
    x = torch.tensor((rows - probe.mean) / probe.scale)
    weights = torch.tensor(probe.model.coef_, requires_grad=True)
    bias = torch.tensor(probe.model.intercept_, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x @ weights.T + bias, torch.tensor(labels))
    (loss + 0.03 / 2 * weights.square().sum()).backward()
    assert weights.grad is not None
    assert bias.grad is not None
    assert weights.grad.abs().max() < 2e-4
    assert bias.grad.abs().max() < 2e-4
    assert weights.abs().max() > 0.1
    np.testing.assert_allclose(probe.mean, rows.mean(axis=0))
    np.testing.assert_allclose(probe.scale, rows.std(axis=0))
    assert probe.converged
    assert probe.scores == {}


def test_the_strength_is_chosen_on_rows_held_out_of_train() -> None:
    # few rows of many dimensions with label noise: a weak penalty learns the training rows by heart
    random = np.random.default_rng(1)
    labels = random.integers(2, size=200)
    rows = random.normal(size=(200, 150))
    rows[:, 0] += 1.2 * labels
    probe = fit_linear_probe(rows, labels)
    assert probe.strength == max(probe.scores, key=lambda strength: (probe.scores[strength], strength))
    assert probe.strength >= 0.01
    assert set(probe.scores) <= set(STRENGTHS)
    assert max(probe.scores.values()) < 0.9  # training accuracy would be 1


def test_the_test_rows_decide_nothing() -> None:
    train, labels = _blobs(150)
    test, truth = _blobs(60, seed=1)
    plain = linear_probe(train, labels, test, truth)
    shifted = linear_probe(train, labels, test * 100 + 7, truth)
    assert plain.protocol == shifted.protocol
    assert plain.value > 0.7


@pytest.mark.parametrize("below_float32", [0.0, 1e-9])
def test_constant_features_score_the_majority_share(below_float32: float) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat([4, 5, 6], [100, 60, 40]))
    features = 0.1 + below_float32 * np.eye(3)[labels - 4]
    result = linear_probe(features, labels, features, labels)
    assert result.value == 0.5
    assert result.high < 0.6


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_units_and_offsets_of_the_columns_change_nothing(seed: int, scale: float) -> None:
    rows, labels = _blobs(90, seed=seed)
    units = scale * np.random.default_rng(seed).uniform(0.1, 10, size=6)
    one = fit_linear_probe(rows, labels, strengths=(0.01,))
    other = fit_linear_probe(rows * units + 3 * scale, labels, strengths=(0.01,))
    test, _ = _blobs(50, seed=seed + 1)
    assert np.mean(one.predict(test) == other.predict(test * units + 3 * scale)) > 0.97


def test_the_held_out_part_has_every_class_in_its_share(generator) -> None:
    codes = np.repeat([0, 1, 2, 3], [100, 10, 2, 1])
    held_out = _validation_mask(codes, 0.2, generator)
    assert np.bincount(codes[held_out], minlength=4).tolist() == [20, 2, 1, 0]
    other = _validation_mask(codes, 0.2, torch.Generator().manual_seed(1))
    assert not np.array_equal(held_out, other)


def test_a_seed_repeats_and_strings_come_back() -> None:
    rows, codes = _blobs(60)
    labels = np.array(["ant", "bee", "cow"])[codes]
    assert linear_probe(rows, labels, rows, labels) == linear_probe(rows, labels, rows, labels)
    assert set(fit_linear_probe(rows, labels).predict(rows)) == {"ant", "bee", "cow"}


def test_unseen_test_classes_count_as_wrong() -> None:
    rows, labels = _blobs(60, noise=0.1)
    with pytest.warns(UserWarning, match="20 of 60 test_labels"):
        result = linear_probe(rows, labels, rows, np.where(labels == 2, 9, labels), strengths=(0.01,))
    assert result.value == pytest.approx(2 / 3)
    assert "(given)" in result.protocol


def test_a_fit_that_does_not_converge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules["contrapose.evaluation.linear_probe"]
    monkeypatch.setattr(module, "MAX_ITERATIONS", 2)
    rows, labels = _blobs(60)
    assert "stopped before it converged" in linear_probe(rows, labels, rows, labels).protocol


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_labels": np.zeros(6)}, "one class only"),
        ({"train_labels": np.arange(5)}, "each of the 6 rows"),
        ({"train_labels": np.arange(6), "test_labels": np.arange(6)}, "No class has two rows"),
        ({"strengths": ()}, "at least one penalty"),
        ({"strengths": (0.1, 0.0)}, "strengths must be a finite number above 0"),
        ({"validation_share": 1.0}, "validation_share must lie between 0 and 1"),
        ({"test": np.ones((6, 4))}, "length of the training rows, 3; got 4"),
        ({"test": np.full((6, 3), np.nan)}, "test: 6 of 6 rows hold NaN"),
        ({"test_labels": np.arange(6) + 7}, "no class in common"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"train": np.eye(6, 3), "train_labels": np.arange(6) % 2}
    good |= {"test": np.eye(6, 3), "test_labels": np.arange(6) % 2}
    with pytest.raises(ArgumentError, match=words):
        linear_probe(**{**good, **change})
