"""Whatever holds a table becomes `Rows`, or one clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.columns import Column
from contrapose.data import Rows, kind_of
from contrapose.data.rows import open_rows
from contrapose.errors import ArgumentError, DataError

pl = pytest.importorskip("polars")

PEOPLE = """\
id,age,job,unit,zero,income
p1,39, clerk,EUR,0,low
p2,,farmer,EUR,0,low
p3,28.5, ?,EUR,0,high
p4,51,clerk,EUR,0,high
p5,33,nurse,EUR,0,
"""
NAN = float("nan")


def written(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def same(rows: Rows, expected: list[list[float]]) -> bool:
    return np.array_equal(rows.values.double().numpy(), np.asarray(expected), equal_nan=True)


def test_a_csv_of_numbers_and_categories(tmp_path: Path) -> None:
    path = written(tmp_path / "people.csv", PEOPLE)
    assert kind_of(path) == "rows"
    rows = open_rows(path, label_column="income")
    assert rows.columns == (
        Column("age", missing=True),
        Column("job", ("clerk", "farmer", "nurse"), missing=True),
    )
    assert same(rows, [[39, 0], [NAN, 1], [28.5, NAN], [51, 0], [33, 2]])
    assert rows.class_names == ("high", "low")
    assert rows.labels is not None
    assert rows.labels.tolist() == [1, 1, 0, 0, -1]
    assert rows.notes == (
        "1 column of numbers and 1 column of categories, labels from 'income'.",
        "Not learned from: 'id' (it is another one in every row).",
        "Not learned from: 'unit', 'zero' (it is always the same).",
        "1 of 5 samples are not labelled.",
    )
    assert rows.in_words() == "1 number and 1 category"
    assert rows.facts() == {"columns": {"age": "number", "job": "category"}}
    assert rows.excerpt(2) == "age 28.5, job missing"


def test_every_kind_of_table_says_the_same(tmp_path: Path) -> None:
    path = written(tmp_path / "people.csv", PEOPLE)
    expected = open_rows(path, label_column="income")
    frame = pl.read_csv(path, null_values=["", " ?"])
    frame.write_parquet(tmp_path / "people.parquet")
    frame.write_ndjson(tmp_path / "people.jsonl")
    written(tmp_path / "marked.csv", b"\xef\xbb\xbf" + PEOPLE.encode())
    written(tmp_path / "people.tsv", PEOPLE.replace(",", "\t"))
    columns = {name: frame[name].to_list() for name in frame.columns}
    files = [str(tmp_path / name) for name in ("people.parquet", "people.jsonl", "marked.csv", "people.tsv")]
    for spec in [*files, str(tmp_path / "*.parquet"), frame, frame.to_pandas(), columns, frame.to_dicts()]:
        rows = open_rows(spec, label_column="income")
        assert rows.columns == expected.columns
        assert rows.fingerprint == expected.fingerprint
        assert rows.class_names == expected.class_names


def test_numbers_to_predict_are_not_learned_from(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,target\n1,0.5\n2,\n4,2.5\n")
    rows = open_rows(path, number_column="target")
    assert rows.names == ["a"]
    assert np.array_equal(rows.targets["number"], [0.5, np.nan, 2.5], equal_nan=True)
    assert open_rows(path).names == ["a"]  # by its name no column to learn from
    assert "--number-column" in open_rows(path).notes[1]


def test_arrays_keep_their_type_and_their_order(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    for spec in (x, torch.from_numpy(x)):
        rows = open_rows(spec)
        assert rows.values.dtype == torch.float32
        assert torch.equal(rows.values, torch.from_numpy(x))
        assert rows.names == ["column 0", "column 1", "column 2"]
    assert open_rows(x.tolist()).names == rows.names
    np.savez(tmp_path / "a.npz", x=x, y=x[:, 0] + 0.5, group=np.arange(12) // 4)
    path = str(tmp_path / "a.npz")
    assert kind_of(path) == "rows"
    assert open_rows(path).labels is None
    assert "'y' (an array beside the table; --number-column predicts it)" in open_rows(path).notes[1]
    found = open_rows(path, number_column="y", label_column="group")
    assert np.allclose(found.targets["number"], x[:, 0] + 0.5)
    assert found.labels is not None
    assert found.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.save(tmp_path / "a.npy", x)
    assert torch.equal(open_rows(tmp_path / "a.npy").values, torch.from_numpy(x))


def test_codes_are_a_category_where_the_table_tells_numbers_from_words() -> None:
    codes = ["7", "12", "7", "12", "9"]
    assert open_rows({"code": codes, "a": [1, 2, 3, 4, 9]}).columns[0] == Column("code", ("12", "7", "9"))
    assert open_rows({"size": ["1.5", "2", "1.5", "2", "3"]}).columns == (Column("size"),)


def test_zeros_in_front_make_a_code_in_csv(tmp_path: Path) -> None:
    rows = open_rows(written(tmp_path / "a.csv", "zip,a\n007,1\n12,2\n007,4\n"))
    assert rows.columns[0] == Column("zip", ("007", "12"))


def test_rare_values_of_a_large_category_are_taken_as_none() -> None:
    words = [f"w{number}" for number in range(300) for _ in range(2 if number >= 256 else 3)]
    rows = open_rows({"word": words, "a": np.arange(len(words)) ** 2.0})
    assert rows.columns[0].values is not None
    assert len(rows.columns[0].values) == 256
    assert "w299" not in rows.columns[0].values
    assert rows.columns[0].missing
    assert "300 values" in rows.notes[-1]


def test_a_limit_and_labels_of_ones_own() -> None:
    rows = open_rows({"a": np.arange(10) ** 2.0}, limit=5, labels=list("aabbccddee"))
    assert rows.values[:, 0].tolist() == [0, 4, 16, 36, 64]
    assert rows.identifiers == ["0", "2", "4", "6", "8"]
    assert rows.class_names == tuple("abcde")
    assert open_rows({"a": [1.0, 2.0], "label": [0, 1]}, labels="none").labels is None


def test_an_encoders_columns_are_found_by_name(tmp_path: Path) -> None:
    columns = (Column("job", ("clerk", "pilot")), Column("age"))
    rows = open_rows(written(tmp_path / "a.csv", PEOPLE), columns=columns)
    assert same(rows, [[0, 39], [NAN, NAN], [NAN, 28.5], [0, 51], [NAN, 33]])
    assert "'job' has values that the encoder does not know ('farmer', ...): taken as none." in rows.notes
    assert any("the encoder was trained without it" in note for note in rows.notes)
    assert same(open_rows({"age": 40, "job": "pilot"}, columns=columns), [[1, 40]])
    whole = (Column("code", ("7", "9")),)
    assert same(open_rows({"code": [7.0, None, 9.0]}, columns=whole), [[0], [NAN], [1]])
    assert open_rows({"y": [0, 1, 1], "a": [1, 2, 4]}, columns=(Column("y"), Column("a"))).labels is None
    with pytest.raises(DataError, match=r"lacks the column 'age', which the encoder was trained on: it takes job, age"):
        open_rows({"job": ["clerk", "pilot"]}, columns=columns)


def test_without_names_an_encoders_columns_are_found_by_place() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert same(open_rows(x, columns=(Column("a"), Column("b"), Column("c"))), x.tolist())
    assert same(open_rows(x, columns=(Column("column 0"), Column("column 2"))), [[0, 2], [3, 5]])
    with pytest.raises(DataError, match="lacks the column 'a'"):
        open_rows(x, columns=(Column("a"), Column("b")))
    with pytest.raises(DataError, match="has 3 columns, and the encoder was trained on 2"):
        open_rows(x, columns=(Column("column 0"), Column("column 1")))
    assert len(open_rows(np.zeros((4, 3))).columns) == 3  # places tell them apart, so constant ones stay


def test_columns_of_other_libraries() -> None:
    pd, pa, datasets = (pytest.importorskip(name) for name in ("pandas", "pyarrow", "datasets"))
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None, 3], dtype="Int64"),
            "c": pd.Categorical(["x", "y", "x"]),
            "b": [True, False, True],
            "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-05"]),
        }
    )
    rows = open_rows(frame.sample(frac=1, random_state=0))  # by position, whatever the index says
    assert rows.columns == (Column("a", missing=True), Column("c", ("x", "y")), Column("b"))
    assert same(rows, [[3, 0, 1], [NAN, 1, 0], [1, 0, 1]])
    assert "'day' (it holds dates, lists or other things)" in rows.notes[1]
    columns = {"a": [1.5, 2, None], "c": ["x", "y", "x"], "label": [0, 1, 0]}
    for spec in (pa.table(columns), datasets.Dataset.from_dict(columns)):
        found = open_rows(spec)
        assert same(found, [[1.5, 0], [2, 1], [NAN, 0]])
        assert found.labels is not None
        assert found.labels.tolist() == [0, 1, 0]


def test_rows_are_brought_to_an_encoders_columns() -> None:
    rows = open_rows({"job": ["pilot", "nurse", None, "nurse"], "age": [1.0, 2.0, 3.0, 5.0]}).subset([3, 2, 0])
    columns = (Column("age"), Column("job", ("clerk", "farmer", "nurse")))
    changed = open_rows(rows, columns=columns)
    assert same(changed, [[5, 2], [3, NAN], [1, NAN]])
    assert changed.identifiers == ["3", "2", "0"]
    assert open_rows(changed, columns=columns).columns == columns
    with pytest.raises(ArgumentError, match="numbers in column 'job'"):
        open_rows(rows, columns=(Column("job"),))


def test_a_table_of_a_spreadsheet_that_writes_commas(tmp_path: Path) -> None:
    content = "\ufeffpreis;menge;stadt;label\n3,5;1;Bonn, am Rhein;a\n1.000,5;2;Rom;b\n-0,25;3;Rom;b\n"
    rows = open_rows(written(tmp_path / "a.csv", content.replace("1.000,5", "")))
    assert rows.names == ["preis", "menge", "stadt"]
    np.testing.assert_array_equal(rows.values[:, 0], [3.5, np.nan, -0.25])
    assert rows.cells(0)[2] == "Bonn, am Rhein"
    assert "(separated by semicolons)" in rows.origin


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            "label,y2\n1,x\n0,y\n",
            r"no column to learn from \('label': the label; 'y2': it is another one in every row\)",
        ),
        ("a,b\n1,2\n3,inf\n4,5\n", r"'b' .* infinite number in row 1"),
        (
            "a\n" + "\n".join(map(str, range(30))) + "\nunknown\n",
            r"holds numbers and 'unknown' \(row 30\): .*--ignore-columns",
        ),
        ("label\n1\n0\n", r"no column to learn from \('label': the label\)"),
        ("a,b\n", "no rows"),
        ("", "empty"),
    ],
)
def test_a_csv_that_cannot_be_used(tmp_path: Path, content: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        open_rows(written(tmp_path / "a.csv", content))


@pytest.mark.parametrize(
    ("spec", "error", "what"),
    [
        ({"a": [1, 2], "b": [1]}, DataError, r"not equally long \(a: 2, b: 1\)"),
        ({"a": [1.5, "x", 2]}, DataError, r"'a' of a dict holds numbers, and 'x' \(str\) in row 1"),
        ({"a": ["x", 2, "x"]}, DataError, r"'a' of a dict holds words, and 2 \(int\) in row 1"),
        (np.zeros((3, 2, 2)), DataError, r"of shape \(3, 2, 2\) is no table"),
        ([[1, 2], [3]], DataError, "several lengths"),
        (3, ArgumentError, "An int is no table"),
        ("nowhere.csv", DataError, "nowhere.csv"),
    ],
)
def test_things_that_are_no_table(spec: Any, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        open_rows(spec)


def test_columns_that_do_not_exist_are_told() -> None:
    table = {"age": [1.0, 2.0], "job": ["a", "b"]}
    for option in ({"label_column": "ag"}, {"number_column": "ag"}, {"ignore_columns": ["ag"]}):
        with pytest.raises(ArgumentError, match="no column 'ag'"):
            open_rows(table, **option)
    assert open_rows({"a": [1, 2], "b": [2, 1]}, ignore_columns=("b",)).names == ["a"]


def test_real_tables(shared_data: Any) -> None:
    weather = shared_data("beijing_pm25/hourly.parquet")
    assert kind_of(weather) == "rows"
    rows = open_rows(weather, number_column="pm25", limit=1000)
    assert "pm25" not in rows.names
    assert rows.columns[rows.names.index("wind_dir")].values == ("NE", "NW", "SE", "cv")
    concrete = open_rows(shared_data("uci_regression/concrete.npz"), number_column="y")
    assert concrete.shape == (8,)
    assert len(concrete.targets["number"]) == 1030


def test_truths_are_found_again_however_they_are_written(tmp_path: Path) -> None:
    words = [Column("rain", ("false", "true")), Column("sun")]  # of a CSV, and of a frame
    expected = [[1.0, 0.0], [0.0, 1.0], [np.nan, np.nan]]
    assert same(open_rows({"rain": [True, False, None], "sun": [False, True, None]}, columns=words), expected)
    (tmp_path / "a.csv").write_text("sun,rain\nFalse,TRUE\nTrue,False\n,\n")
    again = open_rows(tmp_path / "a.csv", columns=words)
    assert same(again, expected)
    assert not any("does not know" in note for note in again.notes)
    (tmp_path / "b.csv").write_text("sun,rain\nmaybe,true\ntrue,false\n")
    with pytest.raises(DataError, match=r"column 'sun' of .* holds numbers, and 'maybe'"):
        open_rows(tmp_path / "b.csv", columns=words)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        ([f"{row % 7},{485 + row % 3}" for row in range(60)], "0,485"),
        ([f"{row % 9}%" for row in range(60)], "0%"),
        ([f"€ {row % 9},50" for row in range(60)], "€ 0,50"),
        ([f"0{1000 + row % 9}" for row in range(60)], None),  # codes
        ([f"{row % 9}-{row % 9 + 5}" for row in range(60)], None),
        ([f"{row % 9 + 1}.05.2021" for row in range(60)], None),
        ([["18+", "$5", "3%"][row % 3] for row in range(60)], None),  # few
    ],
)
def test_numbers_as_people_write_them_are_told_of(cells: list[str], shown: str | None) -> None:
    notes = " ".join(open_rows({"x": cells, "age": list(range(60))}).notes)
    assert ("holds numbers as people write them" in notes) == (shown is not None)
    assert shown is None or f"({shown!r})" in notes
    alone = " ".join(open_rows({"x": [f"{row},000" for row in range(60)], "age": list(range(60))}).notes)
    assert "it is another one in every row; '0,000' is no number as programs write it" in alone
