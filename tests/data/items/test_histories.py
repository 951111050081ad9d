"""`Histories`: what is held out stays out, beginnings are places, and what identifies the data."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data.items import Histories, open_items
from contrapose.data.items.problems import item_facts, item_problems
from contrapose.data.ragged import Ragged
from contrapose.errors import ArgumentError

LISTS = [[1, 2, 3, 4], [5, 6, 1], [2, 3, 4, 5, 6]]


def histories(**options: object) -> Histories:
    return open_items(LISTS, **options)


def read(samples: Histories) -> list[list[int]]:
    return [one.tolist() for one in samples.batch(np.arange(len(samples)))]


def test_what_is_held_out_is_in_no_batch_and_can_be_asked_for() -> None:
    held = histories(hold_out=2)
    assert read(held) == [[1, 2], [5], [2, 3, 4]]
    assert read(held.holding_out(1)) == [[1, 2, 3], [5, 6], [2, 3, 4, 5]]
    assert held.holding_out(0).last_read().tolist() == [4, 1, 6]
    assert read(held.subset([2, 0])) == [[2, 3, 4], [1, 2]]
    assert read(held.subset([2, 0]).holding_out(1)) == [[2, 3, 4, 5], [1, 2, 3]]
    assert held.lengths.tolist() == [2, 1, 3]
    with pytest.raises(ArgumentError, match="3 last items cannot be held out"):
        held.holding_out(3)
    assert read(held) == [[1, 2], [5], [2, 3, 4]], "itself unchanged"


def test_beginnings_are_all_places_with_what_came_next() -> None:
    prefixes = histories(hold_out=1).prefixes()
    expected = [([1], 2), ([1, 2], 3), ([5], 6), ([2], 3), ([2, 3], 4), ([2, 3, 4], 5)]
    assert list(zip(read(prefixes), prefixes.targets["next"].tolist(), strict=True)) == expected
    assert prefixes.targets["next"].dtype == np.int64
    assert prefixes.users.tolist() == [0, 0, 1, 2, 2, 2]
    assert prefixes.identifiers == ["0", "0", "1", "2", "2", "2"]
    assert prefixes.store is not None
    assert prefixes.store.values.base is None or prefixes.store is histories().store, "no copies"
    some = prefixes.subset([4, 1])
    assert (read(some), some.targets["next"].tolist(), some.users.tolist()) == ([[2, 3], [1, 2]], [4, 3], [2, 0])
    assert len(histories(hold_out=0).subset([1]).prefixes()) == 2
    with pytest.raises(ArgumentError, match="No user has two items"):
        histories(hold_out=2).subset([1]).prefixes()


def test_leaving_the_last_two_out_never_leaks() -> None:
    """Every user's last two items are unique: not one of them may be seen, or be a target, in what is learned from."""
    lists = [[*range(1, 6), 100 + 2 * user, 101 + 2 * user] for user in range(20)]
    train = open_items(lists, hold_out=2)
    learned = {train.item_names[item - 1] for item in train.batch(np.arange(20)).values.tolist()}
    learned |= {train.item_names[item - 1] for item in train.prefixes().targets["next"].tolist()}
    assert learned == {"1", "2", "3", "4", "5"}


def test_a_fingerprint_is_of_items_users_and_what_is_held_out() -> None:
    one = histories(hold_out=1)
    assert one.fingerprint == histories(hold_out=1).fingerprint
    others = [histories(hold_out=2), open_items([*LISTS[:2], [2, 3, 4, 6, 5]], hold_out=1), one.prefixes()]
    others += [open_items([[str(i) + "x" for i in row] for row in LISTS], hold_out=1), one.holding_out(0)]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 6
    assert list(histories().contents()) == list(open_items(histories(), known=tuple("654321")).contents())


def test_people_are_told_the_last_items() -> None:
    assert histories().excerpt(0) == "1 > 2 > 3 > 4"
    long = open_items([list(range(1, 20))])
    assert long.excerpt(0) == "... > 12 > 13 > 14 > 15 > 16 > 17 > 18 > 19"
    assert histories(hold_out=2).in_words() == "2 items (median) of 6"
    assert histories().words(0) == {"1", "2", "3", "4"}


def test_one_is_no_plural() -> None:
    one = Histories(Ragged.of([[1], [1], [2]]), ["a", "b"], hold_out=0)
    assert one.in_words() == "1 item (median) of 2"
    alone = Histories(Ragged.of([[1]]), ["a"], hold_out=0)
    assert item_facts(alone)[0].startswith("1 user took 1 of 1 item 1 time (100 % of all pairs)")


def test_wrong_histories_are_refused() -> None:
    with pytest.raises(ArgumentError, match="Item 0 does not exist: items are 1 to 3"):
        Histories(Ragged.of([[0, 3]]))
    with pytest.raises(ArgumentError, match="Item 7 does not exist: items are 1 to 2"):
        Histories(Ragged.of([[1, 7]]), ["a", "b"])
    with pytest.raises(ArgumentError, match="1 history has no more than the 2 items to be"):
        Histories(Ragged.of([[1, 2], [1, 2, 3]]), hold_out=2)
    with pytest.raises(ArgumentError, match="2 items came with 1 title:"):
        Histories(Ragged.of([[1, 2]]), titles=["a"])
    with pytest.raises(ArgumentError, match="one or more of whole numbers"):
        Histories(Ragged.of([[1.5]]))


def test_problems_name_copies_items_taken_once_and_one_that_drowns_the_rest() -> None:
    found = {one.kind: one for one in item_problems(open_items([[1, 2, 3], [1, 2, 3], [1, 1, 1, 1, 1, 4]]))}
    assert "1 exact copy of 1 user" in found["duplicates"].text
    assert "1 item taken once (25 % of those that were taken: 4)" in found["seen once"].text
    assert "'1' is 58 % of all actions" in found["one item"].text
    assert set(found) == {"duplicates", "seen once", "one item"}
    short = [one.kind for one in item_problems(open_items([[1, 2], [2, 3], [3, 1]]))]
    assert short == ["short"]
    assert item_facts(histories(hold_out=1))[0].startswith("3 users took 6 of 6 items 9 times (50 % of all pairs), and")


def test_a_user_is_the_same_whatever_is_held_out() -> None:
    whole = Histories(Ragged.of([np.array([1, 2, 3, 4]), np.array([2, 2, 1])]))
    assert list(whole.contents()) == list(whole.holding_out(2).contents())
    assert len(set(whole.holding_out(1).prefixes().contents())) == 3
    assert whole.prefixes().facts()["users"] == 2
