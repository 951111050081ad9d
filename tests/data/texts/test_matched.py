"""Anchors with what was given for them: rows joined, partners of one anchor kept together, and slips in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data.texts import MatchedTexts, open_texts
from contrapose.data.texts.matched import matched
from contrapose.errors import ArgumentError, DataError
from contrapose.padded import Padded
from contrapose.views.texts.given_pairs import GivenPairs

COLUMNS = ("premise", "entailed", "contradicted")
TABLE: dict[str, list[Any]] = {
    "premise": ["a dog runs", "a cat sleeps", "a dog runs", "birds sing", None, "it rains"],
    "entailed": ["an animal moves", "a cat rests", "a dog is moving", "birds make music", "nobody", "  "],
    "contradicted": ["a dog sits", "a cat runs", "no dog runs", "birds sing", "somebody", "it is dry"],
}


def opened(*columns: str, table: Any = TABLE) -> MatchedTexts:
    return matched([open_texts(table, text_column=column) for column in columns], columns)


def test_rows_of_one_anchor_are_its_partners() -> None:
    found = opened(*COLUMNS[:2])
    assert found.texts == ["a dog runs", "a cat sleeps", "birds sing"]
    assert found.partners["a dog runs"] == [("an animal moves",), ("a dog is moving",)]
    assert "4 pairs of 3 different anchors." in found.notes
    assert "1 row without one of the sides left out." in found.notes
    assert {"birds make music", "a cat sleeps"} <= {*found.every_text}
    assert "nobody" not in found.every_text


def test_a_hard_negative_that_is_its_anchor_is_left_out() -> None:
    found = opened(*COLUMNS)
    assert found.texts == ["a dog runs", "a cat sleeps"]
    assert found.partners["a cat sleeps"] == [("a cat rests", "a cat runs")]
    assert "1 row whose hard negative is its anchor or positive left out." in found.notes
    assert "anchors from 'premise', positives from 'entailed', hard negatives from 'contradicted'." in found.notes


def test_what_was_given_for_the_anchors_belongs_to_the_fingerprint() -> None:
    other = {**TABLE, "entailed": [*TABLE["entailed"][:3], "birds are loud", *TABLE["entailed"][4:]]}
    assert opened(*COLUMNS[:2]).fingerprint == opened(*COLUMNS[:2]).fingerprint
    assert opened(*COLUMNS[:2]).fingerprint != opened(*COLUMNS[:2], table=other).fingerprint
    some = opened(*COLUMNS[:2]).subset(np.array([1]))
    assert some.every_text == ["a cat sleeps", "a cat rests"]


def test_slips_are_named() -> None:
    with pytest.raises(DataError, match="hold the same texts: pair_columns name columns of a table"):
        matched([open_texts(["a b", "c d"])] * 2, ["a", "b"])
    with pytest.raises(DataError, match="No row of a dictionary has a text of its own in each of a, b"):
        opened("a", "b", table={"a": ["one", None], "b": [None, "two"]})
    for partners in ({}, {"a": []}, {"a": [("b",)], "c": [("d", "e")]}):
        with pytest.raises(ArgumentError, match=r"Each anchor needs partners|Texts hold one str"):
            MatchedTexts(partners)  # type: ignore[arg-type]


def test_views_are_the_anchor_and_one_of_its_partners_drawn_anew() -> None:
    seen: list[list[str]] = []

    def make(texts: list[str], *, generator: torch.Generator | None) -> tuple[Padded, ...]:
        seen.append(texts)
        values = torch.zeros(len(texts), 1, dtype=torch.long)
        return (Padded(values, torch.ones_like(values, dtype=torch.bool)),)

    views = GivenPairs(opened(*COLUMNS).partners, make)
    assert len(views(["a cat sleeps", "a dog runs"], generator=torch.Generator().manual_seed(0))) == 3
    anchors, positives, negatives = seen
    assert (anchors, positives[0], negatives[0]) == (["a cat sleeps", "a dog runs"], "a cat rests", "a cat runs")
    assert (positives[1], negatives[1]) in views.partners["a dog runs"]
    seen.clear()
    views(["a dog runs"] * 400, generator=torch.Generator().manual_seed(0))
    moving = seen[1].count("a dog is moving")
    assert abs(moving - 200) < 3 * 10
    assert [text == "no dog runs" for text in seen[2]] == [text == "a dog is moving" for text in seen[1]]
