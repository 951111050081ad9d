from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_pictures import colour_picture, png_bytes

from contrapose.data import Images, class_texts, open_data
from contrapose.errors import ArgumentError, DataError, MissingExtraError

pl = pytest.importorskip("polars")

PICTURES = [colour_picture(seed) for seed in range(6)]
PIXELS = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in PICTURES])
BYTES = [png_bytes(picture) for picture in PICTURES]


def opened(path: Path | str, **options: object) -> Images:
    return open_data(path, progress=False, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures `p/0.png` ... in a folder, to be named by tables beside it."""
    (tmp_path / "p").mkdir()
    for row, content in enumerate(BYTES):
        (tmp_path / f"p/{row}.png").write_bytes(content)
    return tmp_path


def test_parquet_of_encoded_pictures(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"label": [2, 1, 0, 2, 1, 0], "image": BYTES}).write_parquet(path)
    images = opened(path)
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == [2, 1, 0, 2, 1, 0]
    assert images.identifiers == list("012345")
    assert images.notes == ("Pictures from column 'image', labels from 'label'.",)


def test_parquet_as_the_hub_stores_it(folder: Path) -> None:
    column = [{"bytes": content, "path": None} for content in BYTES[:5]]
    column.append({"bytes": None, "path": "p/5.png"})
    pl.DataFrame({"image": column, "label": list("bbacca")}).write_parquet(folder / "x.parquet")
    images = opened(folder / "x.parquet")
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == [1, 1, 0, 2, 2, 0]
    assert images.class_names == ("a", "b", "c")


def test_parquet_of_paths(folder: Path) -> None:
    frame = pl.DataFrame({"file_name": [f"p/{row}.png" for row in range(6)], "class": list("ababab")})
    frame.with_columns(pl.col("class").cast(pl.Categorical)).write_parquet(folder / "x.pq")
    images = opened(folder / "x.pq")
    assert np.array_equal(images.pixels, PIXELS)
    assert images.identifiers[5] == "p/5.png"
    assert images.class_names == ("a", "b")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson"])
def test_text_tables_of_paths(folder: Path, suffix: str) -> None:
    rows = [{"path": f"p/{row}.png", "label": row % 2} for row in range(6)]
    rows[3]["path"] = str(folder / "p/3.png")  # absolute paths are as good
    path = folder / f"x{suffix}"
    if suffix in (".jsonl", ".ndjson"):
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["path", "label"], delimiter="," if suffix == ".csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    images = opened(path)
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert images.class_names is None


def test_shards_are_one_table(tmp_path: Path, decoded: list) -> None:
    for part, rows in enumerate([slice(0, 2), slice(2, 3), slice(3, 6)]):
        frame = pl.DataFrame({"image": BYTES[rows], "label": list(range(6))[rows]})
        frame.write_parquet(tmp_path / f"train-{part}.parquet")
    images = opened(f"{tmp_path}/train-*.parquet")
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == list(range(6))
    few = opened(f"{tmp_path}/train-*.parquet", limit=3)
    assert np.array_equal(few.pixels, PIXELS[::2])
    assert len(decoded) == 9
    with pytest.raises(DataError, match="No file matches"):
        opened(f"{tmp_path}/test-*.parquet")


def test_pictures_of_an_unchanged_table_are_not_read_again(
    tmp_path: Path, decoded: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"image": BYTES, "label": range(6)}).write_parquet(path)
    first = opened(path)
    monkeypatch.setattr("contrapose.data.images.tables.EncodedPictures._read", None)
    again = opened(path)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.fingerprint == again.fingerprint
    assert again.labels.tolist() == list(range(6))
    assert len(decoded) == 6


def test_other_columns_of_one_table_are_other_pictures(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"left": BYTES, "right": BYTES[::-1]}).write_parquet(path)
    left, right = (opened(path, image_column=name) for name in ("left", "right"))
    assert np.array_equal(right.pixels, PIXELS[::-1])
    assert np.array_equal(opened(path, image_column="left").pixels, left.pixels)
    assert left.fingerprint != right.fingerprint


def test_rows_without_a_picture_and_missing_files_are_skipped(folder: Path) -> None:
    paths = ["p/0.png", None, "p/none.png", "p/3.png"]
    pl.DataFrame({"path": paths, "label": [0, 1, 2, 3]}).write_parquet(folder / "x.parquet")
    images = opened(folder / "x.parquet")
    assert images.labels.tolist() == [0, 3]
    assert [(item.path, item.reason) for item in images.skipped] == [
        ("1", "no picture in this row"),
        ("p/none.png", "no such file"),
    ]


def test_no_file_at_all_names_the_folder_that_was_looked_in(folder: Path) -> None:
    (folder / "x.csv").write_text("path,label\n0.png,1\n1.png,2\n")
    with pytest.raises(DataError, match=r"None of the 2 files in column 'path'.*relative to") as error:
        opened(folder / "x.csv")
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "p/0.png,cat\np/1.png,dog\n", "line 1 names a picture: put a line with column names above"),
        ("x.csv", "", "is empty"),
        ("x.csv", "path,label\n", "has no rows"),
        ("x.csv", "path,label\np/0.png,1,2,3\n", "as a table: line 2 has 4 cells, and the first line names 2 columns"),
        ("x.csv", "height,weight\n1.5,2\n", "numbers only"),
        ("x.jsonl", "not json at all\n", "cannot be read as a table"),
        ("x.parquet", "not parquet", "cannot be read as a table"),
    ],
)
def test_tables_that_cannot_be_read_say_why(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError, match=message):
        opened(folder / name)


@pytest.mark.parametrize(("name", "mark"), [("x.csv", ";"), ("x.csv", "\t"), ("x.tsv", ","), ("x.csv", "|")])
def test_another_separator_than_the_suffix_promises_is_seen(folder: Path, name: str, mark: str) -> None:
    (folder / name).write_text(f"path{mark}label\np/0.png{mark}1\np/1.png{mark}2\n")
    images = opened(folder / name)
    assert images.labels.tolist() == [1, 2]
    assert "separated by " in images.origin


def test_a_csv_of_one_column_is_fine(folder: Path) -> None:
    (folder / "x.csv").write_text("path\np/0.png\np/1.png\n")
    assert len(opened(folder / "x.csv")) == 2


def test_unknown_columns_list_those_that_are_there(folder: Path) -> None:
    (folder / "x.csv").write_text("path,label\np/0.png,1\n")
    with pytest.raises(ArgumentError, match=r"no column 'picture': its columns are path, label"):
        opened(folder / "x.csv", image_column="picture")


def test_rows_without_a_label_are_not_labelled(folder: Path) -> None:
    (folder / "x.csv").write_text("path,label\np/0.png,1\np/1.png,\np/2.png,0\n")
    images = opened(folder / "x.csv")
    assert images.labels.tolist() == [1, -1, 0]
    assert images.notes[-1] == "1 of 3 samples are not labelled."
    assert opened(folder / "x.csv", labels=False).labels is None
    assert opened(folder / "x.csv", labels="none").labels is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["007", "7", "7"], ["007", "7", "7"]),
        (["1.0", "", "10.0"], ["1", None, "10"]),
        (['" a"', '""', "b"], ["a", None, "b"]),
    ],
)
def test_labels_in_csv_are_what_is_written(folder: Path, cells: list, expected: list) -> None:
    (folder / "x.csv").write_text("path,label\n" + "".join(f"p/{n}.png,{cell}\n" for n, cell in enumerate(cells)))
    assert class_texts(opened(folder / "x.csv")) == expected


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_floats_are_classes_where_all_are_whole(folder: Path, suffix: str) -> None:
    for labels, expected, note in (
        ([1.0, None, 10.0], ["1", None, "10"], "labels from 'label'."),
        ([0.5, None, 1.0], None, "no labels ('label' holds fractions)."),
    ):
        frame = pl.DataFrame({"path": [f"p/{row}.png" for row in range(3)], "label": labels})
        (frame.write_parquet if suffix == ".parquet" else frame.write_ndjson)(folder / f"x{suffix}")
        images = opened(folder / f"x{suffix}")
        assert class_texts(images) == expected
        assert images.notes[0].endswith(note)


def test_a_column_of_missing_labels_is_none(folder: Path) -> None:
    (folder / "x.csv").write_text("path,label\np/0.png,\np/1.png,\n")
    images = opened(folder / "x.csv")
    assert images.labels is None
    assert images.notes == ("Pictures from column 'path', labels from 'label', all of them missing.",)


@pytest.mark.parametrize("pyarrow", [True, False])
def test_rows_are_called_by_their_files(folder: Path, pyarrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not pyarrow:
        monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    for names, expected in (
        (["b.png", "a.png"], ["b.png", "a.png"]),
        (["a.png", "a.png"], ["0:a.png", "1:a.png"]),
        ([None, "a.png"], ["0", "1:a.png"]),
        ([None, None], ["0", "1"]),
    ):
        column = [{"bytes": content, "path": name} for content, name in zip(BYTES, names, strict=False)]
        schema = {"image": pl.Struct({"bytes": pl.Binary, "path": pl.String})}
        pl.DataFrame({"image": column}, schema=schema).write_parquet(folder / "x.parquet")
        assert opened(folder / "x.parquet").identifiers == expected


def test_without_polars_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x.csv").write_text("path\np/0.png\n")
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtraError, match=r"contrapose\[tables\]"):
        opened(folder / "x.csv")


def test_cifar10(shared_data: Callable[[str], Path], decoded: list) -> None:
    path = shared_data("cifar10/test.parquet")
    images = opened(path, limit=500)
    assert images.pixels.shape == (500, 3, 32, 32)
    assert np.bincount(images.labels).min() > 20
    opened(path, limit=500)
    assert len(decoded) == 500


@pytest.mark.parametrize(("name", "remedy"), [("x.json", "Write an object a line, as .jsonl"), ("x.xlsx", "as CSV")])
def test_tables_in_other_forms_are_told_their_remedy(name: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(DataError, match=remedy):
        open_data(tmp_path / name)
