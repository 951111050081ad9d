"""`ContrastiveEncoder` on lists of items."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from contrapose import ContrastiveEncoder
from contrapose.data.items import open_items
from contrapose.errors import ArgumentError, DataError

QUICK = {"epochs": 1, "random_state": 0, "device": "cpu", "batch_size": 8, "encoder": "item_bag"}
SMALL = {"encoder_options": {"dimension": 8}}
LISTS = [[f"s{(start + step) % 6}" for step in range(2 + start % 3)] for start in range(16)]


def test_it_gives_a_row_for_each_history_and_goes_on_from_another() -> None:
    features = ContrastiveEncoder("simclr", **QUICK, **SMALL)
    rows = features.fit_transform(LISTS)
    assert rows.shape == (16, 8)
    assert features.encoder_.item_names == tuple(f"s{number}" for number in range(6))
    np.testing.assert_allclose(features.transform(LISTS[3:5]), rows[3:5], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features.transform([["s1", "s2"]]), features.transform([["s1", "s2"], ["s3"]])[:1])
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_allclose(again.transform(LISTS), rows, rtol=1e-5, atol=1e-6)
    numbers = [[1 + (start + step) % 6 for step in range(3)] for start in range(12)]
    alike = ContrastiveEncoder("simclr", **QUICK, **SMALL).fit(open_items(numbers))
    assert alike.transform(numbers[:2]).shape == (2, 8), "as long as each other, and still histories"


def test_what_cannot_be_embedded_is_told() -> None:
    features = ContrastiveEncoder("simclr", **QUICK, **SMALL).fit(LISTS)
    with pytest.raises(ArgumentError, match="was fitted on users and was given texts"):
        features.transform(["a", "b"])
    with pytest.raises(DataError, match="1 users cannot be used, the first is user 1"):
        features.transform([["s1"], ["unheard of"]])
