"""Found again after a change, and clones by dot products: closed forms, denominators, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import clone_retrieval, found_again


def test_what_moves_nothing_loses_nothing_and_what_swaps_loses_all() -> None:
    rows = torch.eye(6)
    found = found_again(rows, {0: rows, 1: 3 * rows, 2: rows.roll(1, 0), 4: torch.cat([rows[:3], rows[3:].flip(0)])})
    assert {k: metric.value for k, metric in found.curve.items()} == {0: 1.0, 1: 1.0, 2: 0.0, 4: pytest.approx(4 / 6)}
    assert found.area.value == pytest.approx((1 + 0 + 4 / 6) / 3)
    assert (found.known, found.count) == (6, 6)


def test_who_is_not_found_unchanged_is_in_no_share() -> None:
    rows = torch.eye(5)
    rows[4] = rows[3]  # two that are the same: a tie is not found
    found = found_again(rows, {0: rows, 1: torch.cat([rows[:2], rows[[0, 3, 4]]])})
    assert (found.known, found.count) == (3, 5)
    assert found.curve[0].value == 1.0
    assert found.curve[1].value == pytest.approx(2 / 3)
    assert found.curve[1].count == 3
    assert "3 of 5" in found.curve[1].protocol


def test_embeddings_without_difference_are_no_ground() -> None:
    same = np.ones((4, 3))
    with pytest.raises(ArgumentError, match="None of the 4 originals is found"):
        found_again(same, {0: same, 1: same})
    with pytest.raises(ArgumentError, match="strength 0 and of more"):
        found_again(np.eye(3), {0: np.eye(3)})
    with pytest.raises(ArgumentError, match="give each original one"):
        found_again(np.eye(3), {0: np.eye(3), 1: np.eye(3)[:2]})


def test_clones_of_problems_apart_are_found_and_lengths_count() -> None:
    z = torch.eye(3).repeat_interleave(3, dim=0)
    assert clone_retrieval(z, np.repeat([0, 1, 2], 3)).value == 1.0
    # of query 0 (R = 2): by products 3 (wrong), 2, 1 -> hit at rank 2; by cosines it would be 1 first
    rows = torch.tensor([[1.0, 0.0], [0.5, 0.0], [0.4, 0.3], [3.0, 3.0], [0.1, 0.2], [0.0, 0.3]])
    found = clone_retrieval(rows, [0, 0, 0, 1, 1, 1])
    assert found.items is not None
    assert found.items[0] == pytest.approx((1 / 2) / 2)


def test_map_is_the_literal_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    z, labels = torch.randn(12, 4, generator=generator), np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1])
    expected = []
    for query in range(12):
        order = sorted((n for n in range(12) if n != query), key=lambda n: -float(z[query] @ z[n]))
        wanted = int((labels == labels[query]).sum()) - 1
        hits, total = 0, 0.0
        for rank, n in enumerate(order[:wanted], 1):
            if labels[n] == labels[query]:
                hits += 1
                total += hits / rank
        expected.append(total / wanted)
    assert clone_retrieval(z, labels).value == pytest.approx(np.mean(expected))


def test_a_problem_with_one_program_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"1 problem\(s\) have one program alone \(first: row 2\)"):
        clone_retrieval(torch.eye(3), [0, 0, 1])
