"""Every pairing against the definition, written out as a matrix."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing import GroupPairing, Pairing, by_groups, by_labels, by_pairs, by_towers, by_views

small = settings(max_examples=30, deadline=None)


def dense(pairing: Pairing) -> tuple[Tensor, Tensor]:
    tile = pairing.tile(torch.arange(pairing.anchors), slice(0, pairing.candidates))
    return tile.weight, tile.valid


@small
@given(views=st.integers(1, 4), batch=st.integers(1, 6))
def test_by_views_is_same_sample_other_view(views: int, batch: int) -> None:
    weight, valid = dense(by_views(views, batch))
    for i in range(views * batch):
        for j in range(views * batch):
            assert bool(valid[i, j]) == (i != j)
            assert bool(weight[i, j]) == (i != j and i % batch == j % batch)


@small
@given(labels=st.lists(st.integers(-1, 3), min_size=1, max_size=8), views=st.integers(1, 3))
def test_by_labels_is_same_class_and_unlabelled_only_own_views(labels: list[int], views: int) -> None:
    weight, valid = dense(by_labels(torch.tensor(labels), views=views))
    size = len(labels)
    for i in range(views * size):
        for j in range(views * size):
            a, b = i % size, j % size
            same = a == b or (labels[a] == labels[b] != -1)
            assert bool(weight[i, j]) == (i != j and same)
            assert bool(valid[i, j]) == (i != j)


def test_by_towers_pairs_equal_numbers_and_may_ignore_the_batch() -> None:
    weight, valid = dense(by_towers(3))
    assert torch.equal(weight, torch.eye(3))
    assert bool(valid.all())
    weight, valid = dense(by_towers(3, in_batch_negatives=False))
    assert torch.equal(weight.bool(), valid)


def test_by_groups_across_two_sides_and_nobody() -> None:
    weight, valid = dense(by_groups(torch.tensor([0, 1, -1]), torch.tensor([0, 0, 1, -1])))
    assert weight.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert bool(valid.all())


def test_by_pairs_keeps_scores_and_takes_negative_scores_for_negatives() -> None:
    pairs, scores = torch.tensor([[2, 0], [0, 1], [1, 1]]), torch.tensor([0.5, 2.0, -1.0])
    weight, valid = dense(by_pairs(pairs, anchors=3, candidates=2, scores=scores))
    assert weight.tolist() == [[0, 2], [0, 0], [0.5, 0]]
    assert bool(valid.all())
    _, listed = dense(by_pairs(pairs, anchors=3, candidates=2, scores=scores, only_listed=True))
    assert listed.tolist() == [[False, True], [False, True], [True, False]]


def test_by_pairs_of_same_rows_leaves_out_the_anchor() -> None:
    _, valid = dense(by_pairs(torch.tensor([[0, 1]]), anchors=3))
    assert torch.equal(valid, ~torch.eye(3, dtype=torch.bool))


@small
@given(queue=st.integers(1, 9), start=st.integers(0, 11), width=st.integers(1, 12))
def test_queue_columns_are_everyones_negatives_in_every_tile(queue: int, start: int, width: int) -> None:
    batch = by_views(2, 3)
    pairing = batch.with_queue(queue)
    weight, valid = dense(pairing)
    assert torch.equal(weight[:, :6], dense(batch)[0])
    assert not bool(weight[:, 6:].any())
    assert bool(valid[:, 6:].all())
    stop = min(start + width, pairing.candidates)
    if start < stop:  # a tile anywhere is the same piece of the whole
        tile = pairing.tile(torch.tensor([4, 1]), slice(start, stop))
        assert torch.equal(tile.weight, weight[[4, 1], start:stop])
        assert torch.equal(tile.valid, valid[[4, 1], start:stop])


@small
@given(seed=st.integers(0, 1000), rows=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_any_tile_is_a_piece_of_the_whole(seed: int, rows: list[int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randperm(36, generator=generator)[:7]
    pairs = torch.stack([keys // 6, keys % 6], dim=1)
    labels = torch.randint(0, 3, (6,), generator=generator)
    for pairing in (by_pairs(pairs, anchors=6, candidates=6), by_labels(labels), by_groups(labels, labels)):
        weight, valid = dense(pairing)
        tile = pairing.tile(torch.tensor(rows), slice(2, 5))
        assert torch.equal(tile.weight, weight[rows, 2:5])
        assert torch.equal(tile.valid, valid[rows, 2:5])


@pytest.mark.parametrize(
    "pairing",
    [
        by_labels(torch.tensor([0, 0, 1, 2, 2, 2]), views=2).with_queue(5),
        by_labels(torch.tensor([3, -1, -1, 3])),
        by_groups(torch.tensor([7, -1, 10**12, 7, -1, 7])),
        by_groups(torch.tensor([0, 1, -1, 5]), torch.tensor([0, 0, 1, -1, 0])),
        by_towers(3),
        by_towers(3, in_batch_negatives=False).with_queue(2),
        by_pairs(torch.tensor([[0, 1], [0, 2], [3, 0]]), anchors=4),
        by_pairs(torch.tensor([[0, 1], [0, 2]]), anchors=4, only_listed=True).with_queue(1),
    ],
    ids=lambda pairing: type(pairing).__name__,
)
def test_counts_agree_with_the_matrix_whatever_the_tile(pairing: Pairing) -> None:
    weight, valid = dense(pairing)
    for columns in (1, 3, 100):
        positives, negatives = pairing.counts(columns=columns)
        assert torch.equal(positives, (weight > 0).sum(1))
        assert torch.equal(negatives, (valid & (weight == 0)).sum(1))
    some = torch.tensor([2, 0])
    for found, expected in zip(pairing.counts(some), pairing.counts(), strict=True):
        assert torch.equal(found, expected[some])


def test_groups_are_counted_without_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    pairing = by_views(3, 1000).with_queue(10)
    monkeypatch.setattr(GroupPairing, "tile", None)
    positives, negatives = pairing.counts()
    assert (positives == 2).all()
    assert (negatives == 3 * 999 + 10).all()


def test_means_are_over_anchors() -> None:
    assert by_views(2, 128).negatives_per_anchor() == 254
    assert by_views(2, 128).candidates_per_anchor() == 255


def test_a_small_pairing_draws_itself_and_a_large_one_sums_up() -> None:
    assert repr(by_views(2, 2)).splitlines()[2] == "a0  .  -  +  -"
    assert repr(by_views(2, 1000)) == "2000 anchors × 2000 candidates: 1 positive and 1998 negative per anchor"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: by_views(0, 3), "views=0"),
        (lambda: by_towers(0), "batch=0"),
        (lambda: by_labels(torch.tensor([0.5])), "labels"),
        (lambda: by_labels(torch.tensor([-2])), "-2"),
        (lambda: by_groups(torch.zeros(2, 2, dtype=torch.long)), "anchor_groups"),
        (lambda: by_pairs(torch.tensor([[0, 5]]), anchors=3), "candidate 5"),
        (lambda: by_pairs(torch.tensor([[-1, 0]]), anchors=3), "anchor -1"),
        (lambda: by_pairs(torch.tensor([[1, 1]]), anchors=3), "itself"),
        (lambda: by_pairs(torch.tensor([[0, 1], [0, 1]]), anchors=3), r"\(0, 1\) is listed twice"),
        (lambda: by_pairs(torch.tensor([[0, 1]]), anchors=3, scores=torch.tensor([float("nan")])), "scores"),
        (lambda: by_pairs(torch.tensor([0, 1]), anchors=3), r"\(P, 2\)"),
        (lambda: by_views(2, 2).with_queue(0), "size=0"),
    ],
)
def test_bad_input_names_the_argument(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]
