from __future__ import annotations

import pytest
import torch

from contrapose.data import Batch
from contrapose.errors import ArgumentError


def test_size_counts_samples_not_views() -> None:
    batch = Batch((torch.zeros(4, 3, 8, 8), torch.zeros(4, 3, 4, 4)), torch.arange(4))
    assert batch.size == 4
    assert batch.labels is None


def test_to_moves_every_tensor() -> None:
    batch = Batch((torch.zeros(2, 1),), torch.arange(2), torch.tensor([5, 6])).to("meta")
    assert {tensor.device.type for tensor in (*batch.views, batch.indices, batch.labels)} == {"meta"}


def test_to_keeps_part_and_turn() -> None:
    batch = Batch((torch.zeros(2, 1),), torch.arange(2), part=3, turn="critic").to("cpu")
    assert (batch.part, batch.turn) == (3, "critic")
    assert Batch((torch.zeros(2, 1),), torch.arange(2)).turn == "all"


def test_to_keeps_missing_labels_missing() -> None:
    assert Batch((torch.zeros(2, 1),), torch.arange(2)).to("cpu").labels is None


@pytest.mark.parametrize(
    ("views", "labels", "text"),
    [
        ((), None, "at least one view"),
        ((torch.zeros(3, 1),), None, r"views\[0\] of shape \(3, 1\)"),
        ((torch.zeros(2, 1), torch.zeros(1, 1)), None, r"views\[1\]"),
        ((torch.zeros(2, 1),), torch.zeros(3), "labels of shape"),
    ],
)
def test_disagreement_on_the_batch_size_is_an_error(views: tuple, labels: torch.Tensor, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        Batch(views, torch.arange(2), labels)


def test_indices_must_be_one_row() -> None:
    with pytest.raises(ArgumentError, match=r"shape \(B,\)"):
        Batch((torch.zeros(2, 1),), torch.zeros(2, 1))
