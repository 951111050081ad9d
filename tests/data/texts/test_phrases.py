"""Which columns of strings read like texts."""

from __future__ import annotations

from typing import Any

import pytest

from contrapose.data.texts.phrases import looked_at, reads_like_texts


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-31", "2024-02-01 12:30:00", "01.02.2024", "2/1/24"],
        ["3 Jan 2024", "January 3, 2024", "Mon, 3 Jan 2024 10:00:00 +0100", "10:30 a.m."],
        ["1,485", "46%", "12 000", "-3.5e7", "(030) 1234-56"],
        ["a1b2", "user_7", "someone@example.org", "https://example.org/x"],
        ["Berlin", "Zürich", "Москва", "Athen", "Rom", "Oslo", "Bern", "Wien", "Prag", "New York"],
        ["", None, " "],
        [],
    ],
)
def test_dates_numbers_and_single_words_do_not(cells: list[Any]) -> None:
    assert not reads_like_texts(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["a good film", "bad"],
        ["Ada Lovelace", "Alan Turing"],
        ["12 left", "3 apples", "May I?"],
        ["今日はいい天気です", "猫が好きです"],
        ["ok", "fine", "not so good", "no"],
        ["see you Monday", None],
    ],
)
def test_what_has_words_does(cells: list[Any]) -> None:
    assert reads_like_texts(cells)


def test_some_cells_stand_for_all() -> None:
    assert looked_at(range(1000)) == list(range(0, 1000, 5))
    assert looked_at("ab") == ["a", "b"]
