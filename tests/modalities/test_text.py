"""Texts do what pictures do: train, go on, be measured, embedded, searched, shown and shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PIL import Image

import contrapose
from contrapose.cli import main
from contrapose.commands.evaluate import evaluate
from contrapose.commands.export import export
from contrapose.commands.report import report
from contrapose.commands.search import search
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.methods import METHODS
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder

pytest.importorskip("tokenizers")

QUICK = {"encoder": "bag_of_words", "epochs": 2, "batch_size": 16, "projection_hidden": 8, "quiet": True}
TOPICS = {"sea": "wave ship sail harbour anchor captain", "bread": "flour oven yeast dough crust loaf"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 texts of two topics, eight words each."""
    random, rows = np.random.default_rng(0), []
    for topic, words in TOPICS.items():
        rows += [(" ".join(random.choice(words.split(), 8)) + f" {number}", topic) for number in range(40)]
    file = tmp_path_factory.mktemp("texts") / "reviews.csv"
    polars.DataFrame(rows, schema=["review", "label"], orient="row").write_csv(file)
    return file


@pytest.fixture(scope="module")
def run(table: Path) -> Path:
    return contrapose.train("simclr", data=str(table), out=str(table.parent / "run"), **QUICK).path


def test_the_kind_is_seen_said_and_kept(run: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = RunFolder(run).read_record()
    assert record["modality"] == "text"
    assert record["config"]["encoder"] == "bag_of_words"
    assert record["data"]["samples"] == 80
    description = json.loads((run / "encoder" / "encoder.json").read_text())
    assert description["form"]["modality"] == "text"
    assert (run / "encoder" / "tokenizer.json").is_file()
    words = ["--encoder", "bag_of_words", "--epochs", "1", "--batch-size", "16", "--views.delete", "0.3"]
    main(["train", "simclr", "--data", str(table), "--out", str(table.parent / "said"), *words])
    said = "".join(capsys.readouterr())
    assert "80 texts, 9 words (median)" in said
    assert "Texts from column 'review', labels from 'label'" in said


def test_word_counts_know_a_word_beside_a_mark() -> None:
    known = MODALITIES["text"].open(["the dog.", "a cat!", "https://dog.org/cat", "..."])
    rows = MODALITIES["text"].floor(known)(known)  # (4, F)
    assert rows[0] @ rows[2] > 0
    assert rows[1] @ rows[2] > 0
    assert MODALITIES["text"].floor(known.subset(np.arange(3, 4)))(known).shape[0] == 4  # marks alone


def test_it_is_measured_beside_word_counts(run: Path, table: Path) -> None:
    found = evaluate(run, data=str(table), quiet=True)
    assert list(found.arms) == ["trained", "untrained", "word counts"]
    assert found.arms["word counts"]["kNN"].value > 0.9
    assert found.arms["trained"]["kNN"].value > 0.7
    assert any("trained on these texts too" in note for note in found.notes)
    assert "picture" not in found.text()


def test_it_embeds_by_position(run: Path, table: Path) -> None:
    encoder = contrapose.load(run)
    texts = ["the ship sails", "an oven of bread", "wave and harbour"]
    together = encoder.embed(texts)
    assert together.shape == (3, encoder.dimension)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(encoder.embed([text])[0], together[row], rtol=1e-4, atol=1e-5)
    assert len(encoder.embed(str(table))) == 80
    with pytest.raises(ArgumentError, match="takes texts, and was given pictures"):
        encoder.embed(contrapose.data.Images(np.zeros((2, 3, 8, 8), np.uint8)))


def test_words_are_a_query(run: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = search(run, "captain of the ship", data=str(table), k=5, quiet=True)
    assert [hit.label for hit in found[0]].count("sea") >= 4
    assert any(word in (found[0][0].excerpt or "") for word in TOPICS["sea"].split())
    main(["search", str(run), "captain of the ship", "--in", str(table), "--k", "2"])
    assert "sea" in capsys.readouterr().out


def test_it_is_shown_and_shared(run: Path, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    page = report(run, out=str(tmp_path / "page.html"), quiet=True).read_text()
    assert "harbour" in page
    folder = export(run, to="folder", out=str(tmp_path / "shared"), quiet=True)
    assert (Path(folder) / "tokenizer.json").is_file()
    card = (Path(folder) / "README.md").read_text()
    assert "An encoder of texts" in card
    assert "sentence-similarity" in card
    np.testing.assert_array_equal(contrapose.load(folder).embed(["a ship"]), contrapose.load(run).embed(["a ship"]))


def test_it_starts_from_trained_weights(run: Path, table: Path, tmp_path: Path) -> None:
    more = contrapose.train("simclr", data=str(table), init=str(run), out=str(tmp_path / "more"), **QUICK)
    assert (more.path / "initial" / "tokenizer.json").is_file()
    with pytest.raises(ArgumentError, match="are weights for texts, and these data are pictures"):
        contrapose.train("simclr", data=np.zeros((40, 8, 8, 3), np.uint8), init=str(run), epochs=1, quiet=True)


def test_options_are_those_of_texts() -> None:
    config = METHODS["simclr"].on("text")(max_length=8)
    assert not hasattr(config, "image_size")
    assert METHODS["multiview"].on("text")().views.count == 4
    with pytest.raises(ArgumentError, match="max_length must be 2 or more"):
        METHODS["simclr"].on("text")(max_length=1)
    with pytest.raises(ArgumentError, match="Unknown modality 'texts'"):
        METHODS["simclr"].on("texts")
    with pytest.raises(ContraposeError, match="image_size"):
        contrapose.train("simclr", data=["a b", "c d", "e f", "g h"], image_size=32, quiet=True)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main(["train", "simclr", *words])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("contrapose: ")
    return said


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", "text,label\n,a\n,b\n", "no text"),
        ("one.txt", "a single line\n", "holds one text"),
        ("unclosed.csv", 'text,label\n"a b c,1\nd e f,2\n', "line 2 opens a quotation mark that is not closed"),
        ("twice.csv", "text,text\na b c,d e f\nd e f,a b c\n", "names the column 'text' twice"),
        ("both.csv", "image,caption\na.jpg,a dog on the grass\nb.jpg,a cat in the tree\n", "--modality image or"),
    ],
)
def test_slips_are_one_sentence(
    name: str,
    content: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(content)
    assert words in refused(capsys, "--data", name)
    assert not (tmp_path / "runs").exists()


def test_options_of_another_kind_are_told(
    table: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(table)]
    assert "--image-size is an option of pictures, and these data are texts" in refused(
        capsys, *data, "--image-size", "32"
    )
    assert "has no column 'txt'" in refused(capsys, *data, "--text-column", "txt")
    (tmp_path / "photos").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "photos" / "a.png")
    assert "holds no texts (.txt)" in refused(capsys, "--data", str(tmp_path / "photos"), "--modality", "text")
    for words, sentence in (
        (["embed", str(run), str(tmp_path / "photos"), "--out", str(tmp_path / "z.npy")], "holds no texts (.txt)"),
        (["embed", str(run), str(table), "--white", "9", "--out", str(tmp_path / "z.npy")], "white (--white) is of"),
        (["evaluate", str(run), *data, "--image-column", "review"], "is not an option of texts"),
    ):
        with pytest.raises(SystemExit):
            main(words)
        assert sentence in capsys.readouterr().err


def test_a_column_that_is_named_settles_the_kind(tmp_path: Path) -> None:
    rows = "".join(f"{number}.jpg,some words on number {number}\n" for number in range(16))
    (tmp_path / "both.csv").write_text("image,caption\n" + rows)
    data = str(tmp_path / "both.csv")
    run = contrapose.train("simclr", data=data, text_column="caption", out=str(tmp_path / "run"), **QUICK)
    assert RunFolder(run.path).read_record()["modality"] == "text"
    words = ["--encoder", "bag_of_words", "--epochs", "1", "--batch-size", "16", "--text-column", "caption"]
    main(["train", "simclr", "--data", data, "--out", str(tmp_path / "typed"), *words])
    assert RunFolder(tmp_path / "typed").read_record()["modality"] == "text"


def test_another_column_is_read_where_it_is_named(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (
        polars.read_csv(table).rename({"review": "body"}).with_columns(polars.lit("a sentence of no use").alias("text"))
    )
    rows.write_csv(other := tmp_path / "other.csv")
    column = ["--text-column", "body"]
    main(["embed", str(run), str(other), "--out", str(tmp_path / "z.npy"), *column])
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), contrapose.load(run).embed(str(table)))
    main(["search", str(run), "captain of the ship", "--in", str(other), "-k", "1", *column])
    assert "sea" in capsys.readouterr().out
    main(["evaluate", str(run), "--data", str(other), *column])
    assert "Texts from column 'body'" in capsys.readouterr().out
    main(["report", str(run), "--data", str(other), "--out", str(tmp_path / "page.html"), *column])
    assert "harbour" in (tmp_path / "page.html").read_text()


def test_what_was_found_is_shown_as_texts(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["<b>captain</b> of the ship & sail", "قبطان السفينة", "flour oven"]
    polars.DataFrame({"text": texts}).write_csv(tmp_path / "some.csv")
    page = tmp_path / "sheet.html"
    main(["search", str(run), "captain of the ship", "--in", str(tmp_path / "some.csv"), "-k", "3", "--out", str(page)])
    html = page.read_text()
    assert "Most like captain of the ship" in html
    assert "among 3 texts" in html
    of_the_ship = " ".join(f"<mark>{word}</mark>" for word in ("of", "the", "ship"))
    assert f"&lt;b&gt;<mark>captain</mark>&lt;/b&gt; {of_the_ship} &amp; sail" in html
    assert "<b>captain" not in html
    assert 'dir="auto">قبطان' in html
    assert "only names" not in capsys.readouterr().err


def test_a_table_with_a_mark_at_its_start_and_endless_texts(tmp_path: Path) -> None:
    rows = "".join(f'"{"word " * 100_000}{number}"\n' for number in range(3)) + "short one\n" * 13
    (tmp_path / "long.csv").write_text("\ufefftext\n" + rows, encoding="utf-8")
    outcome = contrapose.train("simclr", data=str(tmp_path / "long.csv"), out=str(tmp_path / "run"), **QUICK).outcome
    assert outcome.finished


def test_queries_of_a_file_are_shown_by_their_words(run: Path, table: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "asked.txt").write_text("captain of the ship\nsome other words\n")
    main(["search", str(run), str(tmp_path / "asked.txt"), "--in", str(table), "-k", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[2]] == ["1: captain of the ship", "2: some other words"]
    main(["search", str(run), "captain of the ship", "--in", str(table), "-k", "1", "--json"])
    assert json.loads(capsys.readouterr().out)["queries"][0]["excerpt"] == "captain of the ship"
    for empty in ("", "  "):
        with pytest.raises(ArgumentError, match="The query is empty: give one of texts"):
            search(run, empty, data=str(table), quiet=True)


@pytest.mark.parametrize("query", ["harbour", "captain of the ship", "3.5"])
def test_one_word_is_a_query_too(query: str, run: Path, table: Path) -> None:
    assert len(search(run, query, data=str(table), k=2, quiet=True)[0]) == 2


def test_a_mistyped_name_is_no_text(run: Path, table: Path) -> None:
    with pytest.raises(ContraposeError, match="does not exist"):
        search(run, "my reviews.csv", data=str(table), quiet=True)
    with pytest.raises(ContraposeError, match="does not exist"):
        contrapose.load(run).embed("no such folder")


def test_the_column_of_the_run_is_read_again(tmp_path: Path) -> None:
    rows = [
        {"text": "nothing to learn here", "title": f"{word} {number}", "label": topic}
        for topic, words in TOPICS.items()
        for word in words.split()
        for number in range(4)
    ]
    polars.DataFrame(rows).write_csv(tmp_path / "two.csv")
    run = contrapose.train(
        "simclr", data=str(tmp_path / "two.csv"), text_column="title", out=str(tmp_path / "r"), **QUICK
    )
    found = evaluate(run.path, data=str(tmp_path / "two.csv"), quiet=True)
    assert found.arms["word counts"]["kNN"].value > 0.9  # of the titles


def test_the_embedded_texts_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = contrapose.train("simclr", data="python-docs", limit=80, out="run", **QUICK)
    assert RunFolder(run.path).read_record()["data"]["places"] == {}
    assert contrapose.resume("run", epochs=3, quiet=True).outcome.finished
