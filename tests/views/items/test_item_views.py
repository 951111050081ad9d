"""Crop, mask and reorder: exact lengths, two different operators a history, guards, everything from the generator."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import OptionError
from contrapose.padded import Padded
from contrapose.views.items import ItemViewMaker, ItemViews


def batch(*lengths: int) -> Padded:
    """Histories of different items each: 1, 2, ... of the first, 101, 102, ... of the second."""
    most = max(lengths)
    values = torch.zeros(len(lengths), most, dtype=torch.int64)
    for row, length in enumerate(lengths):
        values[row, :length] = 100 * row + torch.arange(1, length + 1)
    return Padded(values, values > 0)


def only(**shares: float) -> ItemViewMaker:
    """One operator alone."""
    return ItemViewMaker(ItemViews(**{"count": 1, "crop": 1, "mask": 0, "reorder": 0, **shares}), lambda raw: raw)


def drawn(make: ItemViewMaker, histories: Padded, seed: int = 0) -> tuple[Padded, ...]:
    return make(histories, generator=torch.Generator().manual_seed(seed))


def rows(view: Padded) -> list[list[int]]:
    return [values[mask].tolist() for values, mask in zip(view.values, view.mask, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_each_operator_does_exactly_its_share_rounded_down(seed: int) -> None:
    histories = batch(1, 2, 3, 5, 10)
    (crop,) = drawn(only(crop=0.5), histories, seed)
    assert crop.lengths.tolist() == [1, 1, 1, 2, 5]
    for row, items in enumerate(rows(crop)):
        assert items == list(range(items[0], items[0] + len(items))), "in one piece, in order"
        assert set(items) <= set(rows(histories)[row])
    (mask,) = drawn(only(mask=0.5), histories, seed)
    assert mask.lengths.tolist() == [1, 2, 3, 5, 10], "the steps stay"
    assert [items.count(0) for items in rows(mask)] == [0, 1, 1, 2, 5]
    for got, was in zip(rows(mask), rows(histories), strict=True):
        assert all(item in (0, other) for item, other in zip(got, was, strict=True))
    (reorder,) = drawn(only(reorder=0.8), histories, seed)
    assert [sorted(items) for items in rows(reorder)] == rows(histories)
    for got, was in zip(rows(reorder), rows(histories), strict=True):
        moved = [place for place, (item, other) in enumerate(zip(got, was, strict=True)) if item != other]
        assert not moved or moved[-1] - moved[0] < int(0.8 * len(was))


def test_extreme_shares_leave_one_item_at_least() -> None:
    histories = batch(2, 7)
    assert drawn(only(crop=0.01), histories)[0].lengths.tolist() == [1, 1]
    assert [items.count(0) for items in rows(drawn(only(mask=1.0), histories)[0])] == [1, 6]
    assert [sorted(items) for items in rows(drawn(only(reorder=1.0), histories)[0])] == rows(histories)
    assert drawn(only(crop=0.29), batch(100))[0].lengths.tolist() == [29], "not 28, as binary fractions would have it"


def operator_of(view: list[int], was: list[int]) -> str:
    if len(view) < len(was):
        return "crop"
    return "mask" if 0 in view else "reorder"


def test_two_views_are_never_by_the_same_operator_and_all_pairs_come_up() -> None:
    histories = batch(*[12] * 400)
    first, second = drawn(ItemViewMaker(None, lambda raw: raw), histories)
    pairs = [
        (operator_of(one, was), operator_of(other, was))
        for one, other, was in zip(rows(first), rows(second), rows(histories), strict=True)
    ]
    assert all(one != other for one, other in pairs)
    counts = [pairs.count(pair) for pair in set(pairs)]
    assert len(counts) == 6
    assert min(counts) > 40, "each of 400 / 6 = 67 expected"


def test_a_history_of_one_item_stays_and_starts_are_uniform() -> None:
    for view in drawn(ItemViewMaker(ItemViews(count=5), lambda raw: raw), batch(1, 1)):
        assert rows(view) == [[1], [101]]
    (crop,) = drawn(only(crop=0.5), Padded(torch.arange(1, 5).repeat(3000, 1), torch.ones(3000, 4, dtype=torch.bool)))
    starts = torch.bincount(crop.values[:, 0], minlength=5)[1:4]
    assert (starts - 1000).abs().max() < 120
    hidden = drawn(only(mask=0.5), Padded(torch.ones(3000, 4, dtype=torch.int64), torch.ones(3000, 4) > 0))[0].values
    assert ((hidden == 0).float().mean(dim=0) - 0.5).abs().max() < 0.04, "the last place as often as the first"


def test_the_generator_alone_decides() -> None:
    histories, make = batch(9, 4, 6), ItemViewMaker(ItemViews(count=3), lambda raw: raw)
    state = torch.get_rng_state()
    one, again, other = drawn(make, histories), drawn(make, histories), drawn(make, histories, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a.values, b.values) for a, b in zip(one, again, strict=True))
    assert not all(a.values.equal(b.values) for a, b in zip(one, other, strict=True))
    assert histories.values.equal(batch(9, 4, 6).values), "the batch itself is left alone"


def test_options_say_what_is_done_and_refuse_what_cannot_be() -> None:
    assert ItemViews().in_words() == (
        "2 views of each history: 50 % of the items in a row or 50 % of the items hidden or 80 % in a row reordered"
    )
    copies = ItemViews(crop=1, mask=0, reorder=0)
    assert copies.operators == ()
    assert "dropout alone" in copies.in_words()
    assert [rows(view) for view in ItemViewMaker(copies, lambda raw: raw)(batch(3))] == [[[1, 2, 3]]] * 2
    for options in ({"crop": 0}, {"mask": 1.5}, {"reorder": True}, {"count": 0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            ItemViews(**options)
