"""Tables on the command line: which columns, rows without a label, and what of it a run remembers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contrapose.cli import main
from contrapose.commands.evaluate import evaluate, measure
from contrapose.commands.reading import Reading
from contrapose.data import class_texts
from contrapose.embedder import load
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, DataError

pl = pytest.importorskip("polars")

QUICK = ["--epochs", "1", "--batch-size", "16", "--projection-hidden", "16", "--projection-dimension", "8"]
COLUMNS = ["--image-column", "id_code", "--label-column", "diagnosis"]


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    made = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(made, tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def table(tmp_path: Path, pictures: np.ndarray) -> Path:
    """`x.csv` of 48 pictures of three classes, every third without a label; its columns have names of their own."""
    lines = []
    for number, picture in enumerate(pictures[::2]):
        Image.fromarray(picture.transpose(1, 2, 0)).save(tmp_path / f"{number:02}.png")
        lines.append(f"{number:02}.png,{'' if number % 3 == 0 else '0' * (number // 16 + 1)}\n")
    (tmp_path / "x.csv").write_text("id_code,diagnosis\n" + "".join(lines))
    return tmp_path / "x.csv"


@pytest.fixture
def usual(table: Path) -> Path:
    """The same table with the usual names of columns."""
    other = table.with_name("usual.csv")
    other.write_text(table.read_text().replace("id_code,diagnosis", "path,label"))
    return other


@pytest.mark.parametrize("words", [["data", "check", "{table}", "--out", ""], ["embed", "{run}", "{table}"]])
def test_the_remedy_of_a_message_is_there(
    words: list[str], encoder: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word.format(run=encoder, table=table) for word in words]
    with pytest.raises(SystemExit):
        main(words)
    assert "--image-column" in capsys.readouterr().err
    main([*words, *COLUMNS])


def test_a_table_with_few_labels_is_embedded_and_searched(
    encoder: Path, usual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {suffix: str(tmp_path / f"z{suffix}") for suffix in (".parquet", ".csv", ".jsonl", ".npz")}
    for file in files.values():
        main(["embed", str(encoder), str(usual), "--out", file])
    names = pl.read_parquet(files[".parquet"])["label"].to_list()
    assert names[:4] == [None, "0", "0", None]
    assert names[47] == "000"
    assert pl.read_csv(files[".csv"], infer_schema_length=0)["label"].to_list() == names
    assert pl.read_ndjson(files[".jsonl"])["label"].to_list() == names
    arrays = np.load(files[".npz"])
    assert arrays["class_names"].tolist() == ["0", "00", "000"]
    assert [None if n < 0 else str(arrays["class_names"][n]) for n in arrays["labels"]] == names
    capsys.readouterr()
    for file in files.values():  # as queries, and as what is looked in
        main(["search", str(encoder), file, "--in", str(usual), "-k", "1", "--json"])
        asked = json.loads(capsys.readouterr().out)["queries"]
        main(["search", str(encoder), str(usual), "--in", file, "-k", "1", "--json"])
        found = json.loads(capsys.readouterr().out)["queries"]
        for queries in (asked, found):
            assert [query["query"] for query in queries] == [f"{number:02}.png" for number in range(48)]
            assert [query["hits"][0]["identifier"] for query in queries] == [f"{number:02}.png" for number in range(48)]
            assert [query["hits"][0]["label"] for query in queries] == names


def test_evaluate_leaves_out_what_is_not_labelled(encoder: Path, usual: Path) -> None:
    found = measure(encoder, data=str(usual), floors=False, quiet=True)
    assert "16 of 48 samples are not labelled, and left out" in found.notes
    assert found.setting.test.count + found.setting.train.count == 32
    assert "3 classes" in found.arms["trained"]["kNN"].protocol
    with pytest.raises(ArgumentError, match="--labels none"):
        evaluate(encoder, data=str(usual), labels="none", quiet=True)


def test_classes_are_compared_by_name(encoder: Path, tmp_path: Path, pictures: np.ndarray) -> None:
    names = np.repeat(["a", "b", "c"], 32)
    np.savez(tmp_path / "train.npz", images=pictures, labels=names)
    np.savez(tmp_path / "test.npz", images=pictures[32:], labels=names[32:])  # in which b is number 0
    found = evaluate(encoder, data=str(tmp_path / "train.npz"), test_data=str(tmp_path / "test.npz"), quiet=True)
    assert found.arms["raw pixels"]["kNN"].value > 0.95


def test_a_run_remembers_its_columns(table: Path, usual: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = str(tmp_path / "run")
    main(["train", "supcon", "--data", str(table), "--out", run, *COLUMNS, *QUICK])
    config = json.loads((tmp_path / "run/config.json").read_text())["config"]
    assert (config["image_column"], config["label_column"], config["labels"]) == ("id_code", "diagnosis", "auto")
    main(["train", "--resume", run, "--epochs", "2"])
    found = measure(run, test_data=str(usual), floors=False, quiet=True)  # its own data, and other names beside it
    assert "3 classes" in found.arms["trained"]["kNN"].protocol
    main(["search", run, str(table), "--in", str(table), "-k", "1"])
    assert "47.png" in capsys.readouterr().out


def test_new_texts_need_no_labels_to_be_read_by_the_runs_column(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    heads = [f"headline {row} of the day" for row in range(40)]
    frame = pl.DataFrame({"headline": heads, "text": ["x y z"] * 40, "topic": ["a", "b"] * 20})
    frame.write_csv(tmp_path / "old.csv")
    frame.drop("topic").write_csv(tmp_path / "new.csv")
    run, columns = str(tmp_path / "run"), ["--text-column", "headline", "--label-column", "topic"]
    words = ["--data", str(tmp_path / "old.csv"), *columns, "--encoder", "bag_of_words", "--out", run]
    main(["train", "supcon", *words, *QUICK])
    capsys.readouterr()
    main(["embed", run, str(tmp_path / "new.csv"), "--out", str(tmp_path / "z.npy")])
    assert "note: Texts from column 'headline', no labels." in capsys.readouterr().err
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), load(run).embed(heads))


def test_labels_none_trains_without_them(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--data", str(table), *COLUMNS, "--labels", "none", *QUICK]
    main(["train", "simclr", "--out", str(tmp_path / "run"), *run])
    with pytest.raises(SystemExit):
        main(["train", "supcon", "--out", str(tmp_path / "other"), *run])
    assert "the data has none" in capsys.readouterr().err


def test_what_was_asked_goes_before_what_a_run_remembers(encoder: Path, table: Path) -> None:
    embedder = load(encoder)
    usual = {"image_column": "id_code", "label_column": "nowhere"}
    assert len(Reading({}, usual).open(embedder, str(table), limit=2)) == 2  # of the run's columns those that are there
    with pytest.raises(DataError, match="--image-column"):
        Reading({}, {"image_column": "nowhere", "label_column": "diagnosis"}).open(embedder, str(table))
    asked = {"label_column": "id_code"}
    images = Reading(asked, {"image_column": "id_code"}).open(embedder, str(table), limit=2)
    assert class_texts(images) == ["00.png", "24.png"]


def test_data_are_opened_once_by_the_columns_that_they_have(
    encoder: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, opened = load(encoder), []
    through = embedder.open
    monkeypatch.setattr(embedder, "open", lambda data, **options: opened.append(options) or through(data, **options))
    usual = {"image_column": "id_code", "text_column": "nowhere", "number_column": "nowhere either"}
    Reading({"limit": 2}, usual).open(embedder, str(table))
    assert opened == [{"image_column": "id_code", "limit": 2}]
