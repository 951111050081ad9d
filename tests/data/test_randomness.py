from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.data import derived_generator, derived_seed
from contrapose.errors import ArgumentError

NUMBERS = st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=4)


def test_derived_seed_is_the_documented_hash() -> None:
    digest = hashlib.sha256(b"3,-1,20").digest()
    assert derived_seed(3, -1, 20) == int.from_bytes(digest[:8], "big") // 2


@settings(max_examples=30, deadline=None)
@given(first=NUMBERS, second=NUMBERS)
def test_streams_are_equal_only_for_equal_numbers(first: list[int], second: list[int]) -> None:
    assert (derived_seed(*first) == derived_seed(*second)) == (first == second)
    assert 0 <= derived_seed(*first) < 2**63


def test_concatenated_digits_do_not_collide() -> None:
    assert len({derived_seed(1, 23), derived_seed(12, 3), derived_seed(123), derived_seed(3, 12)}) == 4


def test_generator_starts_the_same_stream_again() -> None:
    first = torch.rand(5, generator=derived_generator(0, 7))
    assert torch.equal(first, torch.rand(5, generator=derived_generator(0, 7)))
    assert not torch.equal(first, torch.rand(5, generator=derived_generator(0, 8)))


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    torch.rand(3, generator=derived_generator(1, 2, 3))
    assert torch.equal(before, torch.get_rng_state())


def test_numpy_and_tensor_integers_name_the_same_stream() -> None:
    assert derived_seed(np.int64(4), torch.tensor(5)) == derived_seed(4, 5)


@pytest.mark.parametrize("wrong", [0.5, b"1", None])
def test_other_than_integers_and_texts_is_an_error(wrong: object) -> None:
    with pytest.raises(ArgumentError, match="named by integers"):
        derived_seed(0, wrong)
