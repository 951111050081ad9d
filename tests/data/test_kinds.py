"""What data look like, before they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest
import torch
from PIL import Image

from contrapose.data import Images, Rows, kind_of
from contrapose.errors import DataError
from contrapose.methods import METHODS
from contrapose.modalities import MODALITIES, asked_kind


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (np.zeros((4, 8, 8)), "image"),
        (torch.zeros(4, 3, 8, 8), "image"),
        (np.zeros((9, 5)), "rows"),
        (["photos/a.jpg", "photos/b.jpg"], "image"),
        (["a dog", "two cats"], "text"),
        (np.array(["a dog", "two cats"]), "text"),
        (["tests", "a dog", "two cats"], "text"),  # one is called like a folder that is there
        ([np.zeros((8, 8))], "image"),
        ({"photos/a.jpg": 1}, "image"),
        ({"text": ["some words in a row", "and more words"], "label": [0, 1]}, "text"),
        ({"height": [1.5, 2.5], "weight": [3, 4]}, "rows"),
        (polars.DataFrame({"image": ["a.png", "b.png"], "label": [0, 1]}), "image"),
        ("omniglot", "image"),
        ("python-docs", "text"),
        ("hub:owner/name", "image"),
        ("", "image"),
        ("nowhere/at/all", "image"),
        (Images(np.zeros((2, 3, 8, 8), np.uint8)), "image"),
        (Rows(torch.zeros(2, 3)), "rows"),
        (None, "image"),
    ],
)
def test_of_things(thing: object, kind: str) -> None:
    assert kind_of(thing) == kind


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("path,label\na.jpg,1\n", "image"),
        ("review,stars\nit broke after a day,1\n", "text"),
        ("age,income,job\n31,2000,cook\n", "rows"),
        ("note,label\nthis one has several words,x\n", "text"),
        ("label\n1\n0\n", "rows"),  # which has no column to learn from: opening it will say
        ("path,label\nreports/one,1\n", "image"),  # paths of what is not there: opening it will say
    ],
)
def test_of_tables(columns: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(columns)
    assert kind_of(tmp_path / "table.csv") == kind


def test_of_folders_and_arrays(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("words")
    (tmp_path / "photos").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "labels.txt").write_text("a 1")
    Image.new("L", (4, 4)).save(tmp_path / "photos" / "b.png")
    np.savez(tmp_path / "rows.npz", x=np.zeros((5, 3)), y=np.zeros(5))
    np.save(tmp_path / "pictures.npy", np.zeros((5, 8, 8)))
    assert kind_of(tmp_path / "notes") == "text"
    assert kind_of(tmp_path / "photos") == "image"
    assert kind_of(tmp_path / "rows.npz") == "rows"
    assert kind_of(tmp_path / "pictures.npy") == "image"


def test_pictures_and_words_are_pairs(tmp_path: Path) -> None:
    (tmp_path / "both.csv").write_text("image,caption\na.jpg,a dog on the grass\n")
    assert kind_of(tmp_path / "both.csv") == "pairs"
    assert kind_of("made:scenes?count=3") == "pairs"
    assert kind_of("made:tint") == "image"
    (tmp_path / "coco.json").write_text('{"info": {}, "images": [], "annotations": []}')
    (tmp_path / "other.json").write_text('{"rows": []}')
    assert kind_of(tmp_path / "coco.json") == "pairs"
    assert kind_of(tmp_path / "other.json") == "image"


def test_files_of_numbers_beside_pictures_are_no_captions(tmp_path: Path) -> None:
    for folder, words in (("captions", "a dog"), ("boxes", "0 0.5 0.5 0.1 0.2")):
        (tmp_path / folder).mkdir()
        for name in "ab":
            Image.new("L", (4, 4)).save(tmp_path / folder / f"{name}.png")
            (tmp_path / folder / f"{name}.txt").write_text(words)
    assert kind_of(tmp_path / "captions") == "pairs"
    assert kind_of(tmp_path / "boxes") == "image"


def test_a_wrong_path_is_no_reason_to_take_another_method(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        asked_kind(str(tmp_path / "clicks.csv"), None, {}, kinds=("items",))
    for name in ("hub:someone/something", "omniglot"):
        assert asked_kind(name, None, {}, kinds=("items",)).name == "image"


def test_lists_of_numbers_of_one_length_are_histories_where_these_are_asked_for() -> None:
    lists = [[1, 2, 3], [4, 5, 6]]
    assert [kind_of(lists), kind_of(lists, wanted=("items",))] == ["image", "items"]
    assert asked_kind(lists, None, {}, kinds=METHODS["sasrec"].kinds).name == "items"
    assert kind_of([[0.5, 2, 3], [4, 5, 6]], wanted=("items",)) == "image"
    for numbers in (lists, [(1, 2), (3, 4)], [[0.5, 1], [2, 3]]):
        with pytest.raises(DataError, match=r"Lists of numbers hold no pictures.*modality='items'.*numpy\.array"):
            MODALITIES["image"].open(numbers)
    assert len(MODALITIES["rows"].open(np.array(lists))) == 2  # as the sentence says
    assert len(MODALITIES["items"].open([[1, 2, 3, 4], [4, 5, 6, 7]])) == 2


@pytest.mark.parametrize("kind", ["image", "text", "rows", "items", "frames", "graph", "pairs"])
def test_a_set_that_comes_with_the_package_is_not_said_to_be_missing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no folder is called so
    texts, pictures = "python-functions stands for texts that come", "omniglot stands for pictures that come"
    made = "made:turned stands for pictures that are made by their name"
    others = {texts: "text", pictures: "image", made: "image"}
    for told, own in others.items():
        name = told.split()[0]
        if kind == own:
            assert len(MODALITIES[kind].open(name, limit=4)) == 4
        elif (kind, name) != ("pairs", "made:turned"):  # which is told by what it lacks, words
            with pytest.raises(DataError, match=f"{told}.*, and another kind of data is wanted here"):
                MODALITIES[kind].open(name)
