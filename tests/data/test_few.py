"""Few labels of each class: how many are left, and which."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data.embedded_samples import EmbeddedSamples, as_they_are
from contrapose.data.few import few_a_class
from contrapose.data.rows import open_rows
from contrapose.errors import ArgumentError

LABELS = np.array([0, 1, -1, 0, 1, 0, 2, 0, 1, 1])


def test_each_class_keeps_so_many_or_all_that_it_has() -> None:
    drawn = few_a_class(LABELS, 2, seed=0)
    assert np.bincount(drawn[drawn >= 0]).tolist() == [2, 2, 1]
    kept = drawn >= 0
    assert (drawn[kept] == LABELS[kept]).all()
    assert few_a_class(LABELS, 9, seed=0).tolist() == LABELS.tolist()


def test_a_smaller_draw_is_part_of_a_larger_one_and_seeds_differ() -> None:
    many = np.repeat([0, 1], 50)
    small, large, other = (few_a_class(many, count, seed=seed) for count, seed in ((3, 1), (6, 1), (3, 2)))
    assert (large[small >= 0] >= 0).all()
    assert (small != other).any()
    with pytest.raises(ArgumentError, match="at least"):
        few_a_class(many, 0, seed=0)


def test_embeddings_stand_for_their_samples() -> None:
    samples = open_rows({"a": [1.0, 2.0, 3.5, 4.0], "label": ["x", "y", "x", "y"]})
    embedded = EmbeddedSamples(samples, torch.arange(8.0).view(4, 2))
    assert embedded.fingerprint == samples.fingerprint
    assert embedded.recorded_as(samples.fingerprint)
    assert embedded.labels is not None
    assert embedded.labels.tolist() == [0, 1, 0, 1]
    (view,) = as_they_are(embedded.subset([3, 1]).batch([0, 1]))
    assert view.tolist() == [[6.0, 7.0], [2.0, 3.0]]
