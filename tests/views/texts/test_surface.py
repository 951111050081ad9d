"""How alike texts look: closed forms, symmetry, and edits against the textbook's loop."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.views.texts.surface import surface_similarity, word_edits


def textbook(a: list[int], b: list[int]) -> int:
    rows = [[*range(len(b) + 1)]]
    for i, one in enumerate(a):
        row = [i + 1]
        for j, other in enumerate(b):
            row.append(min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (one != other)))
        rows.append(row)
    return rows[-1][-1]


def test_edits_are_those_of_the_textbook() -> None:
    random = np.random.default_rng(0)
    one, other = ([random.integers(0, 4, random.integers(0, 9)).tolist() for _ in range(60)] for _ in range(2))
    assert word_edits(one, other).tolist() == [textbook(a, b) for a, b in zip(one, other, strict=True)]


def test_itself_nothing_and_the_mean_of_three_shares() -> None:
    first = ["a b c d", "A  b", "", "", "a b", "a b"]
    second = ["a b c d", "a B", "some words", "", "c d", "c a b d"]
    expected = [1, 1, 0, 1, (0 + 1 + 0) / 3, (2 / 4 + 2 / 4 + 2 / 4) / 3]
    assert surface_similarity(first, second) == pytest.approx(expected)


def test_it_is_symmetric_and_a_share() -> None:
    random, words = np.random.default_rng(1), np.array(["a", "b", "c", "d", "e", "f", "g"])
    one, other = ([" ".join(random.choice(words, random.integers(0, 8))) for _ in range(50)] for _ in range(2))
    found = surface_similarity(one, other)
    assert found == pytest.approx(surface_similarity(other, one))
    assert found.min() >= 0
    assert found.max() <= 1


def test_an_endless_text_is_compared_by_its_beginning() -> None:
    long = " ".join(f"word{number}" for number in range(10_000))
    assert surface_similarity([long], [f"{long} and more"]) == pytest.approx([1.0])
