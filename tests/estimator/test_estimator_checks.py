"""scikit-learn's own checks of what an estimator promises."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from contrapose.estimator import ContrastiveEncoder

SMALL = {"epochs": 3, "encoder_options": {"widths": [32, 32]}}


@parametrize_with_checks(
    [ContrastiveEncoder(), *(ContrastiveEncoder(method, **SMALL) for method in ("supcon", "simclr", "moco"))]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_it_is_an_estimator(estimator: ContrastiveEncoder, check: Any) -> None:
    check(estimator)
