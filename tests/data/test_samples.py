"""What all kinds of data share: targets by name, subsets, identities."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data import Batch, Images, Rows
from contrapose.errors import ArgumentError


def rows(**described: object) -> Rows:
    return Rows(torch.arange(12.0).view(6, 2), **described)


def test_targets_go_with_their_samples() -> None:
    data = rows(targets={"label": np.array([0, 1, -1, 0, 1, 1]), "number": np.array([0, 10, 20, np.nan, 40, 50])})
    part = data.subset([4, 0]).subset([1, 0])
    assert part.labels.tolist() == [0, 1]
    assert part.targets["number"].tolist() == [0.0, 40.0]
    assert part.identifiers == ["0", "4"]
    assert part.batch([1]).tolist() == [[8.0, 9.0]]
    assert data.labels.dtype == np.int64
    assert data.targets["number"].dtype == np.float64


def test_targets_are_changed_in_a_copy() -> None:
    data = rows(targets={"label": np.zeros(6)}, class_names=["a"])
    other = data.with_labels(None).with_target("number", np.arange(6))
    assert data.labels is not None
    assert data.class_names == ("a",)
    assert other.labels is None
    assert other.class_names is None
    assert set(other.targets) == {"number"}
    assert other.with_target("number", None).targets == {}
    assert set(other.with_labels(np.ones(6)).with_targets(["label"]).targets) == {"label"}
    assert other.fingerprint == data.fingerprint  # which identifies the samples, not what is known of them


def test_subsets_have_fingerprints_of_their_own() -> None:
    data = rows()
    assert data.subset([0, 1]).fingerprint != data.fingerprint
    assert data.subset([0, 1]).fingerprint == rows().subset([0, 1]).fingerprint != data.subset([1, 0]).fingerprint
    assert Rows(torch.arange(12.0).view(6, 2).double()).fingerprint != data.fingerprint


@pytest.mark.parametrize("targets", [{"label": np.zeros(5)}, {"number": np.zeros(7)}])
def test_one_target_a_sample(targets: dict[str, np.ndarray]) -> None:
    with pytest.raises(ArgumentError, match=r"6 rows came with \d (label|number)s"):
        rows(targets=targets)
    with pytest.raises(ArgumentError, match="came with 5 numbers"):
        rows().with_target("number", np.zeros(5))


def test_rows_are_numbers() -> None:
    with pytest.raises(ArgumentError, match="floating point numbers of shape"):
        Rows(torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(ArgumentError, match="floating point numbers of shape"):
        Rows(torch.zeros(3))


def test_kinds_in_words() -> None:
    pictures = Images(np.zeros((2, 3, 8, 8), np.uint8), np.array([0, 1]))
    assert repr(pictures) == "Images(2 of 3 x 8 x 8, 2 classes, from memory)"
    assert repr(rows()) == "Rows(6 of 2 numbers, no labels, from memory)"
    with pytest.raises(ArgumentError, match="2 pictures came with 1 labels"):
        Images(np.zeros((2, 3, 8, 8), np.uint8), np.array([0]))


def test_a_batch_carries_targets_and_others_by_name() -> None:
    index = torch.arange(2)
    side = Batch((torch.ones(2, 5),), index)
    batch = Batch(
        (torch.zeros(2, 3),), index, torch.tensor([1, 0]), targets={"number": torch.ones(2)}, others={"text": side}
    )
    moved = batch.to("cpu")
    assert moved.labels.tolist() == [1, 0]
    assert set(moved.targets) == {"label", "number"}
    assert moved.others["text"].views[0].shape == (2, 5)
    with pytest.raises(ArgumentError, match="numbers of shape"):
        Batch((torch.zeros(2, 3),), index, targets={"number": torch.ones(3)})
