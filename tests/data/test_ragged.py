"""Sequences of any length in one array."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data.ragged import Ragged
from contrapose.errors import ArgumentError


@pytest.fixture
def sequences() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(length, 3)) for length in (4, 1, 0, 7)]


def test_sequences_come_back(sequences: list[np.ndarray]) -> None:
    store = Ragged.of(sequences)
    assert len(store) == 4
    assert store.lengths.tolist() == [4, 1, 0, 7]
    for wanted, got in zip(sequences, store, strict=True):
        assert np.array_equal(wanted, got)


@pytest.mark.parametrize("rows", [[3, 0], [2, 2, 1], [0], []])
def test_some_of_them(sequences: list[np.ndarray], rows: list[int]) -> None:
    chosen = Ragged.of(sequences).gather(np.array(rows, dtype=np.int64))
    assert len(chosen) == len(rows)
    for row, got in zip(rows, chosen, strict=True):
        assert np.array_equal(sequences[row], got)


def test_padding_is_zero_and_behind(sequences: list[np.ndarray]) -> None:
    values, lengths = Ragged.of(sequences).padded(np.array([1, 3, 2]))
    assert values.shape == (3, 7, 3)
    assert lengths.tolist() == [1, 7, 0]
    for row, (wanted, length) in enumerate(zip([1, 3, 2], lengths, strict=True)):
        assert np.array_equal(values[row, :length], sequences[wanted])
        assert not values[row, length:].any()


@pytest.mark.parametrize("pointers", [[1, 4], [0, 3, 2, 4], [0, 3], [[0, 4]], [0.0, 4.0], []])
def test_pointers_that_do_not_fit(pointers: list[int]) -> None:
    with pytest.raises(ArgumentError, match="Pointers of"):
        Ragged(np.zeros((4, 2)), np.array(pointers))


def test_sequences_of_two_shapes() -> None:
    with pytest.raises(ArgumentError, match="agree in all but their length"):
        Ragged.of([np.zeros((2, 3)), np.zeros((2, 4))])
