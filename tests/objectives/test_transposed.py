from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.objectives.engine import transposed
from contrapose.objectives.engine.transposed import Transposed
from contrapose.pairing import by_groups


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.integers(0, 8), min_size=1, max_size=6),
    start=st.integers(0, 3),
    block=st.sampled_from([1, 2, 4096]),
)
def test_any_tile_is_the_transposed_one(rows: list[int], start: int, block: int) -> None:
    original = by_groups(torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 2, 2, 1, 0, 3, 0, 1]))
    whole = original.tile(torch.arange(4), slice(0, 9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transposed, "BLOCK", block)
        tile = Transposed(original).tile(torch.tensor(rows), slice(start, 4))
    assert torch.equal(tile.weight, whole.weight.T[rows, start:])
    assert torch.equal(tile.valid, whole.valid.T[rows, start:])


def test_it_draws_itself_with_the_names_exchanged() -> None:
    picture = repr(Transposed(by_groups(torch.tensor([0, 1]), torch.tensor([0, 0, 1]))))
    assert picture.startswith("3 anchors × 2 candidates")
    assert "1 + -" in picture
