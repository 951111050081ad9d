from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from contrapose.evaluation.logistic import WIDEST, LogisticFit


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_finds_the_minimum_that_scikit_learn_finds(classes: int, dtype: type) -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, classes, 400)
    rows = random.normal(size=(classes, 12))[codes] + random.normal(size=(400, 12)) @ random.normal(size=(12, 12))
    rows = ((rows - rows.mean(0)) / rows.std(0)).astype(dtype)
    fit = LogisticFit(rows, codes, classes, most=500)
    for strength in (1.0, 0.01):
        model = fit(strength)
        other = LogisticRegression(C=1 / (strength * 400), tol=1e-8, max_iter=5000).fit(rows.astype(np.float64), codes)
        assert model.converged
        np.testing.assert_allclose(model.coef_, other.coef_, atol=3e-2)
        assert (model.predict(rows) == other.predict(rows)).mean() > 0.99
        assert model.decision_function(rows).shape == other.decision_function(rows).shape


def test_columns_that_repeat_each_other_cost_no_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 3, 600)
    hidden = random.normal(size=(3, 4))[codes] + random.normal(size=(600, 4))
    rows = hidden @ random.normal(size=(4, 40)) + 0.05 * random.normal(size=(600, 40))
    rows = (rows - rows.mean(0)) / rows.std(0)
    steps = LogisticFit(rows, codes, 3, most=2000)(1e-4).steps
    monkeypatch.setattr("contrapose.evaluation.logistic.WIDEST", 10)  # without the curvature of the rows
    assert WIDEST > 40
    assert steps < 0.7 * LogisticFit(rows, codes, 3, most=2000)(1e-4).steps
