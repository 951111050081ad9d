"""`ContrastiveEncoder` on lists of graphs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from contrapose import ContrastiveEncoder
from contrapose.data import open_graphs
from contrapose.errors import ArgumentError, DataError

QUICK = {"epochs": 2, "random_state": 0, "device": "cpu", "batch_size": 8, "encoder_options": {"width": 8, "layers": 2}}
RINGS = [(6 + row % 3, [(node, (node + 1) % (6 + row % 3)) for node in range(6 + row % 3)]) for row in range(8)]
STARS = [(6 + row % 3, [(0, node) for node in range(1, 6 + row % 3)]) for row in range(8)]
GRAPHS, LABELS = RINGS + STARS, 8 * [0] + 8 * [1]


def test_it_learns_in_a_pipeline_and_gives_a_row_for_each_graph() -> None:
    features = ContrastiveEncoder("simclr", **QUICK)
    rows = features.fit_transform(GRAPHS)
    assert rows.shape == (16, 16)
    assert features.encoder_.name == "gin"
    np.testing.assert_allclose(features.transform(GRAPHS[3:5]), rows[3:5], rtol=1e-4, atol=1e-5)
    found = make_pipeline(clone(features), LogisticRegression()).fit(GRAPHS, LABELS)
    assert found.score(GRAPHS, LABELS) == 1.0  # a degree tells them
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_allclose(again.transform(GRAPHS), rows, rtol=1e-5, atol=1e-6)
    assert ContrastiveEncoder("supcon", **QUICK).fit(open_graphs(GRAPHS), LABELS).transform(GRAPHS[:2]).shape == (2, 16)


def test_a_fit_goes_on_from_another() -> None:
    first = ContrastiveEncoder("simclr", **QUICK, method_options={"views": {"edit": "edges"}}).fit(GRAPHS)
    options = {name: value for name, value in QUICK.items() if name != "encoder_options"}
    second = ContrastiveEncoder("simclr", **options, init=first.encoder_).fit(RINGS)
    assert second.encoder_.inputs == first.encoder_.inputs


def test_what_is_no_list_of_graphs_is_told() -> None:
    features = ContrastiveEncoder("simclr", **QUICK).fit(GRAPHS)
    with pytest.raises(ArgumentError, match="was fitted on graphs and was given texts"):
        features.transform(["a", "b"])
    with pytest.raises(DataError, match=r"1 graphs cannot be used, the first is 1 \(it has no nodes\)"):
        features.transform([GRAPHS[0], (0, [])])
    with pytest.raises(ArgumentError, match=r"X has 1 sample: contrast needs at least 2. Give more graphs"):
        ContrastiveEncoder("simclr", **QUICK).fit(GRAPHS[:1])
