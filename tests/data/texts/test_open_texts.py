"""Whatever holds texts becomes `Texts`, or one clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrapose.data.texts import Texts, open_texts
from contrapose.errors import ArgumentError, DataError

pl = pytest.importorskip("polars")


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def test_a_line_of_a_plain_file_is_a_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "one\n\ntwo words\r\n \t \nthree")
    texts = open_texts(path)
    assert texts.texts == ["one", "two words", "three"]
    assert texts.identifiers == ["1", "3", "5"]  # line numbers, as editors have them
    assert texts.notes == ("2 blank lines passed over.",)
    assert texts.labels is None
    assert texts.skipped == ()
    assert open_texts(str(path)).fingerprint == texts.fingerprint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_plain_file_says_by_its_first_bytes_how_it_is_encoded(tmp_path: Path, encoding: str) -> None:
    assert open_texts(written(tmp_path / "a.txt", "Grüße\n猫", encoding)).texts == ["Grüße", "猫"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty: give a file with a text on each line"),
        (b"\n  \n", "There is no text in .*: all 2 rows are empty"),
        (b"ok\ncaf\xe9\n", r"not UTF-8 \(byte 0xe9 in line 2\)\. .*iconv -f WINDOWS-1252 -t UTF-8 a\.txt > new\.txt"),
        (b"a\0b", "bytes of value 0.* tr -d"),
        (
            "some words\n".encode("utf-16-le"),
            r"is UTF-16LE without the mark .* iconv -f UTF-16LE -t UTF-8 a\.txt > new",
        ),
        ("Grüße\n".encode("utf-16-be"), r"is UTF-16BE without the mark"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is a PNG picture, whatever its name says"),
        (b"\x1f\x8b\x08\xff\xff", r"is a gzip archive \(gunzip unpacks it\)"),
        (bytes(range(1, 256)) * 9, "is a binary file and no text"),
    ],
)
def test_a_plain_file_that_is_none(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(DataError, match=what):
        open_texts(written(tmp_path / "a.txt", content))


def test_a_file_of_a_folder_is_a_text_and_folders_are_classes(tmp_path: Path) -> None:
    for name in ("pos/2.txt", "pos/1.txt", "neg/1.txt", "neg/.hidden.txt", ".git/x.txt", "neg/notes.md"):
        written(tmp_path / name, f"film {name}\nnice")
    texts = open_texts(tmp_path)
    assert texts.identifiers == ["neg/1.txt", "pos/1.txt", "pos/2.txt"]
    assert texts.texts[1] == "film pos/1.txt\nnice"
    assert texts.labels is not None
    assert texts.labels.tolist() == [0, 1, 1]
    assert texts.class_names == ("neg", "pos")
    assert texts.notes == ("A text is a whole file: 3 files, labels from their 2 folders.",)
    assert open_texts(tmp_path / "pos").labels is None
    assert open_texts(str(tmp_path / "*" / "1.txt")).texts == texts.texts[:2]
    with pytest.raises(DataError, match=r"holds no texts \(\.txt\)"):
        open_texts(written(tmp_path / "empty" / "a.md", "x").parent)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_columns_of_text_files(tmp_path: Path, suffix: str, mark: str) -> None:
    tables = {
        "csv": 'review,label\n"one\ntwo, three",b\n007,a\n,b\n" ",a\nlast,\n',
        "tsv": 'review\tlabel\n"one\ntwo, three"\tb\n007\ta\n\tb\n" "\ta\nlast\t\n',
        "jsonl": (
            '{"review": "one\\ntwo, three", "label": "b"}\n{"review": "007", "label": "a"}\n'
            '{"review": null, "label": "b"}\n{"review": " ", "label": "a"}\n{"review": "last"}\n'
        ),
    }
    texts = open_texts(written(tmp_path / f"x.{suffix}", mark + tables[suffix]))
    assert texts.texts == ["one\ntwo, three", "007", "last"]
    assert texts.identifiers == ["0", "1", "4"]
    assert [found.path for found in texts.skipped] == ["row 2", "row 3"]
    assert texts.labels is not None
    assert texts.labels.tolist() == [1, 0, -1]
    assert texts.class_names == ("a", "b")
    assert texts.notes == (
        "Texts from column 'review', labels from 'label'.",
        "1 of 3 samples are not labelled.",
    )


def test_parquet_and_its_parts(tmp_path: Path) -> None:
    for part, texts in enumerate((["a b", None], ["c"])):
        pl.DataFrame({"text": texts, "stars": [part + 0.5] * len(texts)}).write_parquet(tmp_path / f"p-{part}.parquet")
    assert open_texts(tmp_path / "p-0.parquet").texts == ["a b"]
    assert open_texts(str(tmp_path / "p-*.parquet")).texts == ["a b", "c"]
    with pytest.raises(ArgumentError, match=r"'stars' .* holds no texts \(numbers\): choose another of text, stars"):
        open_texts(tmp_path / "p-0.parquet", text_column="stars")


def test_which_column_is_taken(tmp_path: Path) -> None:
    several = written(
        tmp_path / "a.csv", "id,title,body,author,label\n1,short,a long body,me,0\n2,x,another body,us,1\n"
    )
    texts = open_texts(several)
    assert texts.texts == ["a long body", "another body"]
    assert texts.notes == (
        "Texts from column 'body', labels from 'label'. 'title' holds texts too: take another one by text_column= "
        "(--text-column).",
    )
    assert open_texts(several, text_column="title", label_column="author").class_names == ("me", "us")
    assert open_texts(several, labels=False).labels is None
    unusual = written(
        tmp_path / "b.csv", "a,b,class\nx,much longer text,very very long name of a class\nz,again,other\n"
    )
    assert open_texts(unusual).texts == ["much longer text", "again"]
    assert open_texts(written(tmp_path / "c.csv", "label\na b\nc d\n")).texts == ["a b", "c d"]
    with pytest.raises(ArgumentError, match=r"has no column 'boddy': its columns are .* Did you mean 'body'"):
        open_texts(several, text_column="boddy")
    with pytest.raises(ArgumentError, match="has no column 'lable'"):
        open_texts(several, label_column="lable")


def test_dates_numbers_and_single_words_are_texts_only_if_somebody_says_so(tmp_path: Path) -> None:
    rows = [f"2024-03-{day:02} 12:30:00,Berlin,u-{day},{day} left" for day in range(1, 21)]
    foreign = written(tmp_path / "a.csv", "\n".join(["when,where,who,said", *rows]) + "\n")
    texts = open_texts(foreign)
    assert texts.texts[0] == "1 left"  # shorter than the dates
    assert texts.notes[0] == "Texts from column 'said', no labels."
    assert open_texts(foreign, text_column="when").texts[0] == "2024-03-01 12:30:00"
    bare = written(tmp_path / "b.csv", "\n".join(["when,where,who", *(row.rpartition(",")[0] for row in rows)]) + "\n")
    with pytest.raises(DataError, match=r"'when', 'where', 'who' hold nothing but dates.*\(--text-column\)"):
        open_texts(bare)
    alone = written(tmp_path / "c.csv", "word\napple\npear\n")  # nothing to choose from
    assert open_texts(alone).texts == ["apple", "pear"]


def test_what_a_table_has_besides_texts_is_told(tmp_path: Path) -> None:
    lines = "".join(f"text number {row},{['good', 'bad'][row % 2]},{row}.5\n" for row in range(30))
    reviews = written(tmp_path / "a.csv", "review,mood,stars\n" + lines)
    taken, classes = open_texts(reviews, number_column="stars").notes
    assert taken == "Texts from column 'review', no labels, numbers to predict from 'stars'."
    assert classes == "'mood' has few values, as labels do: name it by label_column= (--label-column)."
    assert len(open_texts(reviews, label_column="mood").notes) == 1
    assert len(open_texts(reviews, labels="none").notes) == 1, "who reads no labels is not shown where some are"
    bare = written(tmp_path / "b.csv", "i love this film,1\ni hate this film,0\nboring,0\n")
    assert "'i love this film' reads like a text: if it is a sample, put names above it" in open_texts(bare).notes[1]


def test_quotation_marks_between_tabs_are_of_the_texts(tmp_path: Path) -> None:
    lines = ['"Go" she said\ta', "he went\tb", '"Stop" he said\ta', '5" wide\tb', "one more\ta"]
    bare = open_texts(written(tmp_path / "a.tsv", "\n".join(["text\tlabel", *lines]) + "\n"))
    assert bare.texts == [line.partition("\t")[0] for line in lines]
    quoted = written(tmp_path / "b.tsv", 'text\tlabel\n"a ""tab""\tin it"\ta\n"two\nlines"\tb\n')
    assert open_texts(quoted).texts == ['a "tab"\tin it', "two\nlines"]
    whole = written(tmp_path / "c.tsv", 'text\tlabel\n"a b"\ta\nc d\tb\n')
    assert open_texts(whole).texts == ["a b", "c d"]


def test_words_in_the_place_of_a_name_are_told_how_to_be_a_text(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"put it in a list: \['hello world'\]"):
        open_texts("hello world")
    with pytest.raises(DataError, match=r"does not exist: .*'hello.csv'\.$"):
        open_texts("hello.csv")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("x.csv", 'text,label\n"a b,1\nc d,2\n', r"as a table: line 2 opens a quotation mark .*Close it"),
        ("x.csv", "text,text,label\na,b,c\n", r"line 1 names the column 'text' twice"),
        ("x.csv", "text,label\na,b\nc,d,e\n", r"as a table: line 3 has 3 cells, .* 2 columns.*commas into quot"),
        ("x.csv", "text,label\n1,a\n5,b\n", r"no column of texts: .* text \(whole numbers\), label \(classes\)"),
        ("x.csv", "text,label\n,a\n,b\n", "There is no text in column 'text' of .*: all 2 rows are empty"),
        ("x.csv", "text,label\n", "has no rows"),
        ("x.csv", b"text,label\ncaf\xe9,a\n", "is not UTF-8 .*byte 0xe9 in line 2"),
        ("x.csv", "text,label\na,b\n".encode("utf-16"), "is UTF-16, and tables are read as UTF-8"),
        ("x.jsonl", '{"text": ["a", "b"]}\n', r"no column of texts: its columns are text \(lists or other things\)"),
        ("x.jsonl", '{"text": "a b"}\n{"text":\n', "cannot be read as a table: line 2 is no JSON"),
        ("x.pdf", "x", r"no file of texts that is known \(\.pdf\)"),
    ],
)
def test_tables_that_hold_no_texts(tmp_path: Path, name: str, content: str | bytes, what: str) -> None:
    with pytest.raises(DataError, match=what):
        open_texts(written(tmp_path / name, content))


def test_numbers_among_the_texts_of_a_file_are_texts(tmp_path: Path) -> None:
    assert open_texts(written(tmp_path / "x.csv", "text,label\na b,1\n5,2\n2.50,1\n")).texts == ["a b", "5", "2.50"]
    lines = '{"text": "a b"}\n{"text": 5}\n'
    assert open_texts(written(tmp_path / "x.jsonl", lines)).texts == ["a b", "5"]


def test_lists_and_arrays_and_series() -> None:
    pandas = pytest.importorskip("pandas")
    words = ["a b", "c", "d"]
    forms: list[Any] = [words, tuple(words), np.array(words), np.array(words, dtype=object)[:, None]]
    forms += [pandas.Series(words, index=[2, 0, 1]), pl.Series(words)]
    for form in forms:
        texts = open_texts(form)
        assert texts.texts == words
        assert all(type(text) is str for text in texts.texts)
        assert texts.identifiers == ["0", "1", "2"]
    texts = open_texts(["a", None, float("nan"), "", "b"], labels=["x", "y", "z", "y", None])
    assert texts.texts == ["a", "b"]
    assert texts.labels is not None
    assert texts.labels.tolist() == [0, -1]
    assert [found.path for found in texts.skipped] == ["row 1", "row 2", "row 3"]
    assert open_texts([f"t{row}" for row in range(10)], limit=3).texts == ["t0", "t3", "t6"]


def test_frames_dictionaries_and_data_sets(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    columns = {"review": ["a", "b", "c"], "label": ["x", None, "y"]}
    for form in (columns, pandas.DataFrame(columns, index=[5, 3, 1]), pl.DataFrame(columns)):
        texts = open_texts(form)
        assert texts.texts == ["a", "b", "c"]
        assert texts.labels is not None
        assert texts.labels.tolist() == [0, -1, 1]
    datasets = pytest.importorskip("datasets")
    named = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]})
    named = named.cast_column("label", datasets.ClassLabel(names=["no", "yes"]))
    named.save_to_disk(str(tmp_path / "saved"))
    for form in (named, tmp_path / "saved", f"hub:{tmp_path / 'saved'}"):
        texts = open_texts(form)
        assert texts.texts == ["a", "b"]
        assert texts.class_names == ("no", "yes")
        assert texts.labels is not None
        assert texts.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (["a", 3], "A list holds other things than texts: in row 1 there is 3, of type int"),
        (["a", b"x"], r"of type bytes. Decode bytes first: \.decode\(\)"),
        (np.arange(3), "An array holds other things than texts: in row 0 there is 0"),
        (np.array([["a", "b"]]), r"An array of shape \(1, 2\) is not one text a sample"),
        ([], "A list without items holds no texts"),
        ([None, ""], "There is no text in a list: all 2 rows are empty"),
        ([""], "There is no text in a list: it is empty"),
        ({"text": ["a", "b"], "label": [0]}, r"not equally long \(text: 2, label: 1\)"),
        ({"a": "b"}, "A dictionary must be one of columns"),
        ({"a", "b"}, "A set has no order"),
        (iter(["a"]), "has no order that could be repeated: give list"),
        (5, r"^An int holds no texts: give a list of them \(\[\"some words\", .*, the name of a file"),
        ("", "The name of the data is empty"),
        ("python-doc", "does not exist: .* Did you mean 'python-docs'"),
    ],
)
def test_objects_that_hold_no_texts(spec: Any, what: str) -> None:
    with pytest.raises((DataError, ArgumentError), match=what):
        open_texts(spec)


def test_options_that_make_no_sense() -> None:
    with pytest.raises(DataError, match="labels= holds 1 label for 2 texts"):
        open_texts(["a", "b"], labels=[1])
    with pytest.raises(ArgumentError, match="limit is 0"):
        open_texts(["a"], limit=0)


def test_texts_are_opened_again_as_asked() -> None:
    texts = open_texts(["a", "b", "c", "d"], labels=[0, 1, 0, 1])
    assert open_texts(texts) is texts
    assert open_texts(texts, limit=2).texts == ["a", "c"]
    assert open_texts(texts, labels=False).labels is None
    again = open_texts(texts, labels=["x", "x", "y", "y"])
    assert isinstance(again, Texts)
    assert again.class_names == ("x", "y")
    assert texts.labels is not None
    assert texts.labels.tolist() == [0, 1, 0, 1]


def test_halves_of_characters_are_told_of() -> None:
    texts = open_texts(["a \ud83d b", "c"])
    assert texts.texts == ["a ? b", "c"]
    assert texts.notes == ("1 text with characters that no file can hold: these became '?'.",)


def test_real_reviews(shared_data: Any) -> None:
    texts = open_texts(shared_data("sentence_classification/ag_news_test.parquet"), limit=100)
    assert len(texts) == 100
    assert texts.notes[0].startswith("Texts from column 'text', labels from 'label'. 'title' holds texts too")
    assert texts.labels is not None
    assert set(texts.labels.tolist()) == {0, 1, 2, 3}


def test_files_of_a_folder_that_are_no_text_are_skipped_and_listed(tmp_path: Path) -> None:
    good = [written(tmp_path / f"{name}.txt", f"text {name}") for name in "abc"]
    bad = [
        written(tmp_path / "d.txt", b"caf\xe9"),
        written(tmp_path / "e.txt", b"\x89PNG\xff"),
        written(tmp_path / "f.txt", ""),
    ]
    texts = open_texts(tmp_path)
    assert texts.identifiers == [path.name for path in good]
    assert [item.path for item in texts.skipped] == [path.name for path in bad]
    reasons = [item.reason for item in texts.skipped]
    assert reasons == ["not UTF-8 (byte 0xe9 in line 1)", "a PNG picture, whatever its name says, and no text", "blank"]
    for path in good:
        path.unlink()
    bad[2].unlink()
    with pytest.raises(DataError, match=r"d\.txt is not UTF-8"):
        open_texts(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "text,label\na b,1\n".encode("utf-16-le"), "UTF-16LE without the mark"),
        ("a.csv", b"PK\x03\x04" + bytes(range(200, 256)), "is a ZIP archive, as spreadsheets"),
        ("a.csv", bytes(range(256)) * 9, "binary file"),
        ("a.jsonl", b'[{"text": "a b"}]\n', "line 1 holds a list. Each line is a row by itself"),
        ("a.jsonl", b'{"text": "a b"}\n5\n', "line 2 holds a single value"),
        ("a.jsonl", b"\n \n", "it is empty"),
        ("a.jsonl", b"", "it is empty"),
    ],
)
def test_a_table_that_is_none(name: str, content: bytes, what: str, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    with pytest.raises(DataError, match=what):
        open_texts(written(tmp_path / name, content))


@pytest.mark.parametrize(
    "content",
    [
        b'text,label\na 5" pipe,x\nno pipe at all,y\na "good" one,x\n',  # no cell begins with a mark: none encloses
        b'text,label\r"a 5"" pipe",x\rno pipe at all,y\r"a ""good"" one",x\r',  # lines as of an old Macintosh
        b'text,label\r\n"a 5"" pipe",x\nno pipe at all,y\r\n"a ""good"" one",x',  # of both kinds
    ],
)
def test_marks_and_line_ends_of_all_kinds_are_read(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    texts = open_texts(written(tmp_path / "a.csv", content))
    assert texts.texts == ['a 5" pipe', "no pipe at all", 'a "good" one']
    assert texts.labels is not None
    assert texts.labels.tolist() == [0, 1, 0]
