"""Pictures with words from tables, folders, COCO files, tars and made scenes; and the slips that people make."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PIL import Image

from contrapose.data import kind_of, open_data
from contrapose.data.images.made import scenes
from contrapose.data.pairs import Pairs, open_pairs
from contrapose.data.pairs.problems import false_negatives, pair_facts, pair_problems
from contrapose.data.samples import Skipped
from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import asked_kind

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
SAID = ["a red field", "a green field", "a blue field", "a yellow field"]


def png(row: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), COLOURS[row]).save(file, format="png")
    return file.getvalue()


def table(captions: list[Any], **more: Any) -> polars.DataFrame:
    return polars.DataFrame({"image": [png(row) for row in range(len(captions))], "caption": captions, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures with words, one without, one text without a picture."""
    place = tmp_path / "photos"
    place.mkdir()
    for row in range(4):
        (place / f"{row}.png").write_bytes(png(row))
    for row in range(3):
        (place / f"{row}.txt").write_text(f"{SAID[row]}\n\nalso {SAID[row]}\n")
    (place / "stray.txt").write_text("nobody")
    return place


def colours(pairs: Pairs) -> list[list[int]]:
    return pairs.pictures.pixels[:, :, 0, 0].tolist()


@pytest.mark.parametrize("how", ["parquet", "frame", "list"])
def test_columns_of_pictures_and_words(how: str, tmp_path: Path) -> None:
    frame = table([[SAID[0], "red"], [SAID[1]], [SAID[2], " "], [SAID[3], SAID[3]]])
    if how == "parquet":
        frame.write_parquet(tmp_path / "pairs.parquet")
        spec: Any = tmp_path / "pairs.parquet"
        assert asked_kind(spec, None, {}, kinds=("pairs",)).name == "pairs"
    else:
        pixels = np.array(COLOURS, np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
        spec = frame if how == "frame" else list(zip(pixels, frame["caption"].to_list(), strict=True))
    pairs = open_pairs(spec)
    assert colours(pairs) == [list(colour) for colour in COLOURS]
    assert [tuple(some) for some in pairs.captions] == [(SAID[0], "red"), (SAID[1],), (SAID[2],), (SAID[3],)]
    assert pairs.texts.texts == [SAID[0], "red", *SAID[1:]]
    assert pairs.owners.tolist() == [0, 0, 1, 2, 3]
    assert pairs.texts.identifiers[:3] == ["0#0", "0#1", "1"]


@pytest.mark.parametrize("names", [("caption_1", "caption_2"), ("Text", "text.1"), ("said 1", "said 2")])
def test_columns_that_differ_by_a_number_hold_several_captions(names: tuple[str, str]) -> None:
    frame = (
        table(SAID[:3])
        .drop("caption")
        .with_columns(polars.Series(names[0], SAID[:3]), polars.Series(names[1], ["the first", None, "the third"]))
    )
    pairs = open_pairs(frame.with_columns(label=polars.Series(["a", "b", "a"])))
    assert pairs.batch([0, 1, 2]).captions == ((SAID[0], "the first"), (SAID[1],), (SAID[2], "the third"))
    assert any(f"{names[0]!r}, {names[1]!r}" in note for note in pairs.notes)
    alone = open_pairs(frame, text_column=names[1])
    assert alone.batch([0, 1]).captions == (("the first",), ("the third",))


def test_rows_of_one_picture_are_one_pair(folder: Path) -> None:
    """As Flickr8k has its captions: a row a caption, the picture named in each."""
    rows = [("0.png", SAID[0], "x"), ("1.png", SAID[1], "y"), ("0.png", "zero", "x"), ("2.png", "two", "x")]
    rows += [("0.png", SAID[0], "x"), ("1.png", "one", "x"), ("3.png", "", "y"), ("3.png", "three", "y")]
    polars.DataFrame(rows, schema=["image", "caption", "label"], orient="row").write_csv(folder / "captions.csv")
    pairs = open_pairs(folder / "captions.csv", progress=False)
    assert pairs.batch(range(4)).captions == ((SAID[0], "zero"), (SAID[1], "one"), ("two",), ("three",))
    assert colours(pairs) == [list(COLOURS[row]) for row in range(4)]
    assert [pairs.class_names[one] for one in pairs.labels] == ["x", "y", "x", "y"]
    assert any("8 rows name 4 pictures" in note for note in pairs.notes)
    assert any("1 picture with different labels" in note for note in pairs.notes)


def test_a_table_of_pictures_and_lists_of_captions_is_of_pairs(tmp_path: Path) -> None:
    for name, cells, kind in (
        ("captions", [["red", "a"], ["green"]], "pairs"),
        ("said", [["a field all of red"], ["a field all of green", "grass seen from above"]], "pairs"),
        ("tags", [["red", "warm"], ["green"]], "image"),
        ("box", [[0.5, 1.0], [0.25, 2.0]], "image"),
    ):
        frame = polars.DataFrame({"image": [png(0), png(1)], name: cells})
        frame.write_parquet(tmp_path / f"{name}.parquet")
        assert kind_of(frame) == kind_of(tmp_path / f"{name}.parquet") == kind


def test_words_beside_pictures(folder: Path) -> None:
    assert kind_of(folder) == "pairs"
    pairs = open_pairs(folder, cache=False)
    assert colours(pairs) == [list(colour) for colour in COLOURS[:3]]
    assert tuple(pairs.captions[1]) == (SAID[1], f"also {SAID[1]}")
    assert pairs.skipped == (Skipped("3.png", "it has no caption"),)
    assert any("1 text file without a picture of the same name left out: stray.txt" in note for note in pairs.notes)
    again = open_pairs(folder, cache=False)
    assert again.fingerprint == pairs.fingerprint
    (folder / "0.txt").write_text("something else")
    assert open_pairs(folder, cache=False).fingerprint != pairs.fingerprint


def test_notes_tell_text_files_that_were_read_from_those_that_were_not(folder: Path) -> None:
    (folder / "1.txt").write_bytes("schöner Käse".encode("latin-1"))
    (folder / "notes.md").write_text("no caption")
    notes = open_pairs(folder, cache=False).notes
    assert [note for note in notes if "passed over" in note] == ["1 other file was passed over (1 .md)."]
    assert any("1 text file not in UTF-8, with letters lost: 1.txt" in note for note in notes)


def test_a_folder_without_captions_names_the_json_file_that_lies_there(folder: Path) -> None:
    for path in folder.glob("*.txt"):
        path.unlink()
    with pytest.raises(DataError) as without:
        open_pairs(folder, cache=False)
    assert "which lies there" not in str(without.value)
    (folder / "captions_train.json").write_text("{}")
    with pytest.raises(DataError, match=r"is it captions_train\.json, which lies there"):
        open_pairs(folder, cache=False)


@pytest.mark.parametrize("how", ["folder", "tar"])
def test_encodings_of_text_files(how: str, tmp_path: Path) -> None:
    """A mark at the beginning is no letter, UTF-16 says that it is, and what is neither is told."""
    place = tmp_path / "photos"
    place.mkdir()
    contents = ["\ufeffa fête".encode(), "a fête".encode("utf-16"), "a fête".encode("latin-1"), b"a feast"]
    for row, content in enumerate(contents):
        (place / f"{row}.PNG").write_bytes(png(row))
        (place / f"{row}.TXT").write_bytes(content)
    if how == "tar":
        with tarfile.open(tmp_path / "photos.tar", "w") as archive:
            for path in sorted(place.iterdir()):
                archive.add(path, path.name.lower())
    source = place if how == "folder" else tmp_path / "photos.tar"
    assert kind_of(source) == "pairs"
    pairs = open_pairs(source, cache=False, progress=False)
    assert pairs.batch(range(4)).captions == (("a fête",), ("a fête",), ("a f\ufffdte",), ("a feast",))
    assert any("1 text file not in UTF-8" in note or "Captions of 1 sample" in note for note in pairs.notes)
    assert colours(pairs) == [list(one) for one in COLOURS]


def test_coco_captions(folder: Path) -> None:
    (folder.parent / "annotations").mkdir()
    path = folder.parent / "annotations" / "captions.json"
    images = [{"id": 10 + row, "file_name": f"{row}.png"} for row in range(3)]
    said = [{"image_id": 10 + row, "caption": SAID[row]} for row in (1, 0, 0)]
    said.append({"image_id": 17, "caption": "nothing"})
    said[2]["caption"] = "red"
    path.write_text(json.dumps({"info": {}, "images": images, "annotations": said}))
    assert kind_of(path) == "pairs"
    pairs = open_pairs(path, cache=False)
    assert colours(pairs) == [list(colour) for colour in COLOURS[:2]]
    assert [tuple(some) for some in pairs.captions] == [(SAID[0], "red"), (SAID[1],)]
    assert [one.path for one in pairs.skipped] == ["2.png"]
    assert any("Captions of 1 picture that the file does not list" in note for note in pairs.notes)
    path.write_text('{"images": [{"id": 1}]}')
    with pytest.raises(DataError, match="is no COCO caption file"):
        open_pairs(path)


def test_tars(tmp_path: Path) -> None:
    def write(name: str, members: dict[str, bytes]) -> Path:
        with tarfile.open(tmp_path / name, "w") as tar:
            for member, content in members.items():
                entry = tarfile.TarInfo(member)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return tmp_path / name

    plain = write("a.tar", {f"{r}.{e}": c for r in range(3) for e, c in (("png", png(r)), ("txt", SAID[r].encode()))})
    assert kind_of(plain) == "pairs"
    assert [tuple(some) for some in open_pairs(plain, cache=False).captions] == [(text,) for text in SAID[:3]]
    said = [json.dumps({"caption": SAID[r], "other": f"o{r}"}).encode() for r in range(2)]
    keyed = write("b.tar", {f"{r}.{e}": c for r in range(2) for e, c in (("png", png(r)), ("json", said[r]))})
    assert [tuple(some) for some in open_pairs(keyed, cache=False).captions] == [(text,) for text in SAID[:2]]
    assert tuple(open_pairs(keyed, cache=False, text_column="other").captions[1]) == ("o1",)


def test_targets_and_limits_stay_with_their_pairs(tmp_path: Path) -> None:
    frame = table([SAID[0], None, SAID[2], SAID[3]], label=["a", "b", "c", "a"], size=[1.5, 2.5, 3.5, 4.5])
    frame.write_parquet(tmp_path / "pairs.parquet")
    pairs = open_pairs(tmp_path / "pairs.parquet", number_column="size", cache=False)
    assert pairs.targets["number"].tolist() == [1.5, 3.5, 4.5]
    assert pairs.class_names is not None
    assert pairs.labels is not None
    assert [pairs.class_names[one] for one in pairs.labels] == ["a", "c", "a"]
    some = open_pairs(tmp_path / "pairs.parquet", limit=2, cache=False)
    assert [tuple(one) for one in some.captions] == [(SAID[0],), (SAID[2],)]
    chosen = pairs.subset([2, 0])
    assert chosen.batch([0]).captions == ((SAID[3],),)
    assert chosen.pictures.labels is not None
    assert chosen.texts.texts == [SAID[3], SAID[0]]
    assert chosen.with_captions([["x"], ["y"]]).batch([1]).captions == (("y",),)


def test_scenes_are_what_their_captions_say() -> None:
    pairs = open_pairs("made:scenes?count=40&captions=3&seed=2")
    pictures = scenes(40, seed=2)
    assert (pairs.pictures.pixels == pictures.pixels).all()
    for row, words in enumerate(pairs.captions):
        digit, colour = (pictures.names_of[name][int(pictures.targets[name][row])] for name in ("digit", "colour"))
        assert len(set(words)) == 3
        assert all(digit in text.split() and colour in text.split() for text in words)
        tint = pictures.pixels[row].max(axis=(1, 2)) > 0
        assert tint.tolist() == {"red": [1, 0, 0], "green": [0, 1, 0], "blue": [0, 0, 1]}.get(colour, tint.tolist())
    assert open_pairs("made:scenes?count=40&captions=3&seed=2").fingerprint == pairs.fingerprint
    with pytest.raises(ArgumentError, match="a scene has from 1 to 4 captions"):
        open_pairs("made:scenes?captions=5")
    with pytest.raises(ArgumentError, match="made:tint makes pictures without words; scenes are made with captions"):
        open_pairs("made:tint")


def test_slips_are_one_sentence_each(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match=r"All 3 pictures .* have the same caption \('a field'\).*--text-column"):
        open_pairs(table(["a field"] * 3))
    with pytest.raises(DataError, match=r"None of the 3 pictures .* has a caption"):
        open_pairs(table([None, "", None], other=["x", "y", "z"]), text_column="caption")
    with pytest.raises(ArgumentError, match=r"Column 'size' .* holds no captions: choose one"):
        open_pairs(table(SAID, size=[1, 2, 3, 4]), text_column="size")
    with pytest.raises(ArgumentError, match=r"has no column 'captoin'.* Did you mean 'caption'"):
        open_pairs(table(SAID), text_column="captoin")
    two = table(SAID).rename({"caption": "one"}).with_columns(other=polars.Series(SAID))
    with pytest.raises(DataError, match=r"several columns could hold the captions \(one, other\)"):
        open_pairs(two)
    with pytest.raises(DataError, match=r"no column holds captions; its columns are image"):
        open_pairs(table(SAID).drop("caption"))
    for text in folder.glob("*.txt"):
        text.unlink()
    with pytest.raises(DataError, match=r"None of the 4 pictures .* has its captions in a text file"):
        open_pairs(folder, cache=False)
    with pytest.raises(DataError, match="holds pictures without words"):
        open_pairs(np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"omniglot stands for pictures that come with the package, .*made:scenes"):
        open_pairs("omniglot")
    with pytest.raises(DataError, match="python-docs stands for texts that come"):
        open_pairs("python-docs")
    with pytest.raises(ArgumentError, match=r"A list of pairs holds \(picture, caption\)"):
        open_pairs([("a.png", 3)])


def test_pictures_are_asked_for_before_captions() -> None:
    """Where two columns hold texts and none pictures, no choice among the texts would help."""
    words = {"title": SAID, "review": [f"{text}, I think" for text in SAID]}
    for options in ({}, {"text_column": "title"}):
        with pytest.raises(DataError, match=r"no column holds pictures.* are title, review\..*--image-column"):
            open_pairs(words, **options)
    files = {"scan": [f"{row}.JPG" for row in range(4)]}
    with pytest.raises(DataError, match=r"'scan' names files of pictures: .*--image-column"):
        open_pairs({**files, **words})
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8))
    assert len(open_pairs({"x": pictures, "caption": SAID})) == 4  # as arrays are called, and not tables


@pytest.mark.parametrize("place", [".", "annotations"])
def test_a_folder_says_that_captions_lie_in_it(folder: Path, place: str) -> None:
    for text in folder.glob("*.txt"):
        text.unlink()
    boxes = {"images": [{"id": 0, "file_name": "0.png"}], "annotations": [{"image_id": 0, "bbox": [0, 0, 4, 4]}]}
    (folder / "boxes.json").write_text(json.dumps(boxes))
    assert not [note for note in open_data(folder, cache=False).notes if "captions" in note]
    path = folder / place / "said.json"
    path.parent.mkdir(exist_ok=True)
    # What is said of pictures comes after very many of them.
    listed = [{"id": row, "file_name": f"{row}.png", "license": "x" * 40_000} for row in range(4)]
    said = [{"image_id": row, "caption": text} for row, text in enumerate(SAID)]
    path.write_text(json.dumps({"images": listed, "annotations": said}))
    name = str(path.relative_to(folder))
    assert open_data(folder, cache=False).notes[-1] == (
        f"{name} holds captions of pictures: to learn from both as pairs, contrapose train clip --data {path}."
    )
    with pytest.raises(DataError, match=f"is it {name}, which lies there"):
        open_pairs(folder, cache=False)
    assert len(open_pairs(path, cache=False)) == 4


def test_captions_that_are_names_of_classes_are_told() -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (48, 8, 8, 3), np.uint8))

    def of(captions: list[Any]) -> Pairs:
        return open_pairs(list(zip(pictures, captions, strict=True)))

    named = of([f"class {row % 3}" for row in range(48)])
    # 47 others, of which 15 have the same name: in batches of 24, 23 * 15 / 47.
    assert (false_negatives(named, 24) or "").startswith(
        "3 different captions for 48 pictures: in a batch of 24, 7.34 others have a picture's own caption on average"
    )
    assert "in a batch of 48, 15 others" in str(false_negatives(named, 128))
    assert "same captions" in [problem.kind for problem in pair_problems(named)]
    assert false_negatives(named, 4) is None  # 3 * 15 / 47 < 1
    two = of([[f"class {row % 3}", f"picture {row}"] for row in range(48)])  # each is taken half of the time
    assert "48 pictures: in a batch of 48, 3.75 others" in str(false_negatives(two, 128))
    assert false_negatives(of([f"picture {row // 2}" for row in range(48)]), 24) is None
    assert ", of 1 word (median); " in pair_facts(of(["dog", "cat"] * 24))[0]
    kinds = [problem.kind for problem in pair_problems(of(["a dog"] * 40 + ["a cat"] * 8))]
    assert ("one caption" in kinds, "same captions" in kinds) == (True, False)
    assert false_negatives(open_pairs("made:scenes?count=400&captions=2"), 128) is None


def test_names_of_pictures_are_no_captions(folder: Path) -> None:
    files = [f"{row}.png" for row in range(4)]
    own = folder / "own.csv"
    polars.DataFrame({"file": files, "notiz": SAID}).write_csv(own)
    assert [tuple(some) for some in open_pairs(own, cache=False).captions] == [(text,) for text in SAID]
    with pytest.raises(ArgumentError, match=r"Column 'file' of .* holds no captions"):
        open_pairs(own, cache=False, text_column="file")
    polars.DataFrame({"file": files, "caption": [None, " ", "", None]}, schema_overrides={"caption": str}).write_csv(
        own
    )
    with pytest.raises(DataError, match=r"None of the 4 pictures .* has a caption\. .* --text-column|no column holds"):
        open_pairs(own, cache=False)
    (folder / "said.txt").write_text("a red field\n")
    with pytest.raises(DataError, match=r"said\.txt holds texts without pictures\. Give a table"):
        open_pairs(folder / "said.txt")
