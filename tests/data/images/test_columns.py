from __future__ import annotations

import pytest

from contrapose.data.images.columns import choose_columns
from contrapose.data.images.request import Request
from contrapose.errors import ArgumentError, DataError


def choose(kinds: dict[str, str], **options: object) -> tuple[str, str | None]:
    columns = choose_columns(kinds, Request(**options), origin="the table")
    return columns.picture, columns.label


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"label": "whole", "image": "bytes"}, ("image", "label")),
        ({"Image": "struct", "Category": "text"}, ("Image", "Category")),
        ({"mask": "bytes", "image": "bytes", "name": "text"}, ("image", None)),
        ({"jpeg": "bytes", "class": "text"}, ("jpeg", "class")),
        ({"path": "text", "image": "bytes"}, ("image", None)),
        ({"filename": "text", "path": "text", "target": "number"}, ("path", None)),
        ({"file": "text", "y": "whole"}, ("file", "y")),
    ],
)
def test_usual_names_and_fitting_types(kinds: dict, expected: tuple) -> None:
    assert choose(kinds) == expected


def test_asked_for_columns_win() -> None:
    kinds = {"image": "bytes", "mask": "bytes", "label": "whole", "kind": "text"}
    assert choose(kinds, image_column="mask", label_column="kind") == ("mask", "kind")
    assert choose(kinds, labels=False) == ("image", None)


@pytest.mark.parametrize("option", ["image_column", "label_column"])
def test_unknown_columns_list_the_known_and_the_nearest(option: str) -> None:
    with pytest.raises(ArgumentError, match=r"columns are image, labell, weight. Did you mean 'labell'"):
        choose({"image": "bytes", "labell": "whole", "weight": "number"}, **{option: "label"})


def test_a_column_that_cannot_hold_pictures_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="neither encoded pictures nor paths"):
        choose({"image": "bytes", "label": "whole"}, image_column="label")


def test_tables_of_numbers_say_so() -> None:
    with pytest.raises(DataError, match=r"numbers only \(columns a, b\)"):
        choose({"a": "number", "b": "whole"})


def test_no_usual_name_asks_for_one() -> None:
    with pytest.raises(DataError, match=r"columns are left, right\. Name the one with image_column="):
        choose({"left": "bytes", "right": "bytes"})
    with pytest.raises(DataError, match="image_column="):
        choose({"sentence": "text", "label": "whole"})
