"""`ContrastiveEncoder` on texts: what it learns, and how it lives with the rest of scikit-learn."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from contrapose.errors import ArgumentError
from contrapose.estimator import ContrastiveEncoder
from contrapose.views.texts import TextViews

pytest.importorskip("tokenizers")

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "device": "cpu", "random_state": 0}
TOPICS = {"sea": "wave ship sail harbour anchor captain", "bread": "flour oven yeast dough crust loaf"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def some(number: int = 40, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    topics = [list(TOPICS)[row % 2] for row in range(number)]
    return [" ".join(random.choice(TOPICS[topic].split(), 6)) for topic in topics], topics


def test_it_learns_in_a_pipeline_and_gives_a_row_for_each_text() -> None:
    X, y = some()
    pipeline = make_pipeline(ContrastiveEncoder("simclr", **QUICK), LogisticRegression(max_iter=500)).fit(X, y)
    more, answers = some(30, seed=1)
    assert pipeline.score(more, answers) > 0.9
    encoder = pipeline[0]
    assert encoder.encoder_.name == "bag_of_words"
    z = encoder.transform(["a ship", "", "zebra", "oven " * 500])
    assert z.shape == (4, encoder.encoder_.dimension)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(encoder.transform(["a ship"]), z[:1], rtol=1e-4, atol=1e-5)
    assert encoder.get_feature_names_out()[0] == "contrastiveencoder0"
    assert len(encoder.get_feature_names_out()) == z.shape[1]
    assert not hasattr(encoder, "n_features_in_")


def test_lists_arrays_and_series_are_the_same() -> None:
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    X, _ = some()
    encoder = ContrastiveEncoder("simclr", **QUICK)
    expected = encoder.fit_transform(X)
    assert len(encoder.loss_curve_) == 2
    for given in (tuple(X), np.array(X), np.array(X, dtype=object)[:, None], polars.Series(X), pandas.Series(X)):
        np.testing.assert_array_equal(encoder.transform(given), encoder.transform(X))
    np.testing.assert_array_equal(clone(encoder).fit_transform(pandas.Series(X, index=range(9, 49))), expected)
    assert np.abs(ContrastiveEncoder("simclr", **{**QUICK, "random_state": 1}).fit_transform(X) - expected).max() > 0.01


def test_grid_search_clone_and_pickle() -> None:
    X, y = some()
    pipeline = make_pipeline(ContrastiveEncoder("simclr", **QUICK), LogisticRegression(max_iter=500))
    grid = {"contrastiveencoder__method_options": [{"views": {"delete": 0.0}}, {"views": TextViews(delete=0.4)}]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.9
    best = search.best_estimator_[0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).transform(X), best.transform(X))
    assert not hasattr(clone(best), "encoder_")


def test_options_reach_their_place() -> None:
    X, _ = some()
    z = ContrastiveEncoder("simclr", **QUICK).fit_transform(X)
    for change in (
        {"method_options": {"views": {"delete": 0.5}}},
        {"encoder_options": {"dropout": 0.5}},
        {"max_length": 3},
        {"method": "mmcl"},
    ):
        changed = ContrastiveEncoder(**{"method": "simclr", **QUICK, **change}).fit_transform(X)
        assert np.abs(changed - z).max() > 1e-4, change
    small = {"blocks": 1, "dimension": 16, "heads": 2}
    other = ContrastiveEncoder("simclr", encoder="transformer", encoder_options=small, **{**QUICK, "epochs": 1})
    assert other.fit_transform(X).shape == (40, 16)


def test_some_labels_are_enough_and_a_fit_goes_on_from_another() -> None:
    X, y = some()
    few: list[str | None] = [label if row < 20 else None for row, label in enumerate(y)]
    first = ContrastiveEncoder("supcon", **QUICK).fit(X, few)
    second = ContrastiveEncoder("simclr", init=first.encoder_, **QUICK).fit(X[:20])
    assert second.encoder_.tokenizer.size == first.encoder_.tokenizer.size
    with pytest.raises(ArgumentError, match=r"weights of init are of texts, and X is a table of 3 columns"):
        ContrastiveEncoder("simclr", init=first.encoder_, **QUICK).fit(np.zeros((20, 3)) + np.arange(20)[:, None])


def test_what_is_no_list_of_texts_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = some()
    monkeypatch.chdir(tmp_path)
    new = ContrastiveEncoder("simclr", **QUICK)
    with pytest.raises(ArgumentError, match=r"X\[2\] is None, of type NoneType, among texts"):
        new.fit([*X[:2], None, *X])
    with pytest.raises(ArgumentError, match=r"X\[40\] is 7, of type int"):
        new.fit([*X, 7])
    with pytest.raises(ArgumentError, match=r"X is one string, 'some words', .* give a list"):
        new.fit("some words")
    with pytest.raises(ArgumentError, match=r"X has 1 sample: contrast needs at least 2\. Give more texts"):
        new.fit(X[:1])
    with pytest.raises(ArgumentError, match="Did you mean 'delete'"):
        clone(new).set_params(method_options={"views": {"delte": 0.1}}).fit(X)


def test_texts_pictures_and_tables_are_not_mixed_up() -> None:
    X, _ = some()
    pictures = np.random.default_rng(0).integers(0, 255, (16, 8, 8, 3), dtype=np.uint8)
    of_texts = ContrastiveEncoder("simclr", **QUICK).fit(X)
    with pytest.raises(ArgumentError, match="fitted on texts and was given pictures"):
        of_texts.transform(pictures)
    with pytest.raises(ArgumentError, match="fitted on texts and was given a table"):
        of_texts.transform(np.zeros((3, 4)))
    with pytest.raises(ArgumentError, match="fitted on texts and was given pictures"):
        of_texts.transform(["a.png", "b.png"])
    of_pictures = ContrastiveEncoder("simclr", **{**QUICK, "epochs": 1}).fit(pictures)
    with pytest.raises(ArgumentError, match="fitted on pictures and was given texts"):
        of_pictures.transform(X)
