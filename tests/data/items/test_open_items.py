"""Histories from all that people have: lists, actions with times, names of any sort, and the usual slips."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrapose.data import kind_of
from contrapose.data.items import Histories, open_items
from contrapose.errors import ArgumentError, DataError

pl = pytest.importorskip("polars")


def names(histories: Histories) -> dict[str, list[str]]:
    """Each user's items by their names."""
    read = histories.batch(np.arange(len(histories)))
    rows = ([histories.item_names[item - 1] for item in one.tolist()] for one in read)
    return dict(zip(histories.identifiers, rows, strict=True))


def actions(**columns: Any) -> dict[str, Any]:
    """Two users, whose actions do not stand in the order of time."""
    return {
        "user_id": ["b", "a", "b", "a", "b"],
        "item_id": [30, 7, 10, 30, 200],
        "timestamp": [300, 20, 100, 10, 200],
        **columns,
    }


def test_actions_are_sorted_by_time_within_each_user_and_that_is_said() -> None:
    found = open_items(actions())
    assert names(found) == {"b": ["10", "200", "30"], "a": ["30", "7"]}
    assert found.item_names == ("7", "10", "30", "200"), "numbers by their size"
    assert any("did not stand in the order of time: sorted" in note for note in found.notes)
    still = open_items(actions(timestamp=[1, 1, 2, 2, 3]))
    assert names(still) == {"b": ["30", "10", "200"], "a": ["7", "30"]}
    assert not any("sorted" in note for note in still.notes)


def test_equal_times_stay_in_the_order_of_the_table_and_copies_of_a_row_are_taken_once() -> None:
    found = open_items(
        {"user": [1] * 6, "item": ["x", "y", "x", "z", "x", "y"], "time": [5, 5, 5, 5, 9, 5]},
    )
    assert names(found) == {"1": ["x", "y", "z", "x"]}
    assert any("2 rows with the same user, item and time" in note for note in found.notes)
    without = open_items({"user": [1, 1, 1], "item": ["x", "x", "y"]})
    assert names(without) == {"1": ["x", "x", "y"]}
    assert any("no times: the order of the rows" in note for note in without.notes)


@pytest.mark.parametrize(
    "times",
    [
        ["2024-07-01", "2024-06-30T23:00:00", "2024-06-01"],
        ["1719792000.5", "1719788400", "1e9"],
        [datetime(2024, 7, 1), datetime(2024, 6, 30, 23), datetime(2024, 6, 1)],
        ["2024-07-01T00:30:00+02:00", "2024-06-30T22:00:00Z", "2024-06-30T21:00:00Z"],
        np.array([3.5, 2.0, 1.0]),
    ],
)
def test_times_may_be_numbers_or_dates(times: Any) -> None:
    assert names(open_items({"user": [1, 1, 1], "item": [3, 2, 1], "time": times})) == {"1": ["1", "2", "3"]}


def test_files_of_every_sort_and_columns_by_usual_names_or_as_asked(tmp_path: Path) -> None:
    frame = pl.DataFrame({"reviewerID": ["A", "A", "B", "B"], "asin": ["007", "7", "7", "B00"], "date": [2, 1, 1, 2]})
    frame.write_csv(tmp_path / "reviews.csv")
    expected = {"A": ["7", "007"], "B": ["7", "B00"]}
    assert kind_of(str(tmp_path / "reviews.csv")) == "items"
    assert names(open_items(str(tmp_path / "reviews.csv"))) == expected, "007 is not 7"
    frame.rename({"reviewerID": "who", "asin": "what", "date": "when"}).write_parquet(tmp_path / "odd.parquet")
    odd = {"user_column": "who", "item_column": "what", "time_column": "when"}
    assert names(open_items(str(tmp_path / "odd.parquet"), **odd)) == expected
    lists = pl.DataFrame({"user": [5, 9], "items": [[0, 4, 2], [4, 4]], "label": ["x", "y"], "age": [1.5, 2.5]})
    lists.write_parquet(tmp_path / "lists.parquet")
    lists.write_ndjson(tmp_path / "lists.jsonl")
    for file in ("lists.parquet", "lists.jsonl"):
        found = open_items(str(tmp_path / file), number_column="age")
        assert kind_of(str(tmp_path / file)) == "items"
        assert names(found) == {"5": ["0", "4", "2"], "9": ["4", "4"]}
        assert found.class_names == ("x", "y")
        assert found.targets["number"].tolist() == [1.5, 2.5]
        assert found.store.values.tolist() == [1, 3, 2, 3, 3], "item 0 has a number as well: 0 is none here"


def test_lists_in_python_and_frames() -> None:
    assert names(open_items([["a", "b"], ["b"]])) == {"0": ["a", "b"], "1": ["b"]}
    assert names(open_items([[3, 1], np.array([2, 3])])) == {"0": ["3", "1"], "1": ["2", "3"]}
    assert names(open_items([[3.0, 1.0], [2]])) == {"0": ["3", "1"], "1": ["2"]}
    assert names(open_items(pl.DataFrame(actions())))["a"] == ["30", "7"]
    assert names(open_items([{"user": 1, "item": 4}, {"user": 1, "item": 2}])) == {"1": ["4", "2"]}
    assert kind_of([[1, 2], [3]]) == "items"
    assert kind_of([["a", "b"], ["c", "d"]]) == "items"
    assert kind_of([[1, 2], [3, 4]]) != "items", "as many in each: rather a table"
    assert kind_of({"user": [1], "age": [3.5], "pay": [2]}) == "rows"


def test_the_k_core_is_its_own_and_is_counted() -> None:
    random = np.random.default_rng(0)
    data = {"user": random.integers(0, 30, 300), "item": random.integers(0, 40, 300), "time": np.arange(300)}
    found = open_items(data, core=5)
    again = open_items(data, core=0)
    assert len(found) < len(again) or found.items < again.items
    counts = np.bincount(found.store.values, minlength=found.items + 1)[1:]
    assert counts.min() >= 5
    assert found.store.lengths.min() >= 5
    assert names(open_items(found, core=5)) == names(found), "a fixed point"
    assert any(note.startswith("5-core: ") and "round" in note for note in found.notes)
    unravels = open_items([["a", "b"], ["b", "c"], ["c", "d"], ["x", "y"], ["y", "x"]], core=2)
    assert names(unravels) == {"3": ["x", "y"], "4": ["y", "x"]}, "who is left out takes others along"
    with pytest.raises(DataError, match="Nothing of a dictionary is left of its 40-core"):
        open_items(data, core=40)


def test_titles_come_from_a_column_a_file_or_a_dictionary(tmp_path: Path) -> None:
    own = open_items(actions(title=["Soap", "Comb", "Brush", "Soap", "Cream"]))
    assert own.excerpt(0) == "Brush > Cream > Soap"
    pl.DataFrame({"item_id": [7, 10, 30], "title": ["Comb", "Brush", "Soap"]}).write_csv(tmp_path / "titles.csv")
    for titles in (str(tmp_path / "titles.csv"), {7: "Comb", 10: "Brush", "30": "Soap"}):
        assert open_items(actions(), titles=titles).excerpt(0) == "Brush > 200 > Soap"
    with pytest.raises(DataError, match="None of the 4 items has one of the 1 titles"):
        open_items(actions(), titles={"other": "x"})
    with pytest.raises(DataError, match="has no column of titles"):
        open_items(actions(), titles={"item": [1], "price": [2]})


def test_who_has_no_more_than_is_held_out_is_skipped_with_a_reason() -> None:
    found = open_items([["a", "b", "c"], ["a"], ["c", "b"]], hold_out=1)
    assert names(found) == {"0": ["a", "b"], "2": ["c"]}
    assert [(one.path, one.reason) for one in found.skipped] == [("user 1", "1 item, and 1 are held out")]
    with pytest.raises(DataError, match="No user of a list of histories has more than 3 items"):
        open_items([["a", "b", "c"], ["a"]], hold_out=3)


def test_an_encoders_items_keep_their_numbers_and_others_are_left_out_with_a_note() -> None:
    found = open_items([["b", "x", "a"], ["x"], ["a"]], known=("a", "b", "c"))
    assert found.store.values.tolist() == [2, 1, 1]
    assert found.item_names == ("a", "b", "c")
    assert any("1 item ('x') not known to the encoder: 2 actions of 5 left out" in note for note in found.notes)
    assert [one.path for one in found.skipped] == ["user 1"]
    brought = open_items(open_items([["c", "a"]]), known=("a", "b", "c"))
    assert brought.store.values.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ({"user": [1, 2], "price": [3, 4]}, {}, r"no column of items .*\(item, item_id, .*--item-column"),
        ({"item": [1, 2], "time": [3, 4]}, {}, "no column of users"),
        (actions(item_id=[30, 7, -1, 30, 200]), {}, "holds -1, and a negative number is no item"),
        (actions(item_id=[30.0, 7.5, 10, 30, 200]), {}, r"holds 7\.5, which is no whole number"),
        (actions(timestamp=["1/7/2024", *["2024-07-01"] * 4]), {}, "'1/7/2024' in row 0, which is no time"),
        (actions(timestamp=[1, None, 2, 3, 4]), {}, "no time in row 1"),
        (actions(user_id=[None] * 5), {}, "names no user"),
        ({"user": [1, 1], "items": [[1], [2]]}, {}, "holds 1 user twice or more"),
        ([[1, 2], 3], {}, "holds an int in row 1, and a history is a list"),
        ([], {}, "holds no histories"),
        ([[]], {}, "holds no item"),
    ],
)
def test_slips_are_told_in_sentences(data: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises((DataError, ArgumentError), match=words):
        open_items(data, **options)


def test_missing_items_and_users_are_left_out_with_a_note() -> None:
    found = open_items(actions(item_id=[30, 7, None, 30, 200], user_id=["b", "a", "b", None, "b"]))
    assert names(found) == {"b": ["200", "30"], "a": ["7"]}
    assert any("1 action without an item" in note for note in found.notes)
    assert any("1 row without a user" in note for note in found.notes)


def test_options_that_make_no_sense_are_refused() -> None:
    for options in ({"core": -1}, {"hold_out": 1.5}, {"limit": 0}):
        with pytest.raises(ArgumentError, match=next(iter(options))):
            open_items([[1, 2, 3]], **options)
    with pytest.raises(ArgumentError, match="has no column 'whom'"):
        open_items(actions(), user_column="whom")


def test_real_histories_open_whole(shared_data: Any) -> None:
    found = open_items(str(shared_data("amazon_seq/beauty_sequences.parquet")), hold_out=2)
    assert (len(found), found.items, len(found.store.values)) == (22_363, 12_101, 198_502)
    assert len(found.prefixes()) == 198_502 - 3 * 22_363
