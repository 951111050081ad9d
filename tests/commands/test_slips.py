"""Slips of a hurried person: nothing of theirs is lost, and what is said is true and once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import contrapose
import contrapose.cli
from contrapose.cli import main
from contrapose.commands.embed import embed
from contrapose.commands.evaluate import evaluate
from contrapose.commands.search import search
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import MODALITIES

TINY = {"epochs": 1, "batch_size": 32, "encoder": "tiny_conv", "quiet": True}


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    made = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(made.eval(), tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def table(tmp_path: Path, pictures: np.ndarray) -> Path:
    for number, picture in enumerate(pictures[::8]):
        Image.fromarray(picture.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    file = tmp_path / "labels.csv"
    file.write_text("path,label\n" + "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(12)))
    return file


def test_embeddings_do_not_replace_the_table_they_are_of(encoder: Path, table: Path) -> None:
    before = table.read_bytes()
    with pytest.raises(ArgumentError, match="is the data itself"):
        embed(encoder, table, out=table, quiet=True)
    assert table.read_bytes() == before


def test_npy_says_what_it_leaves_out(encoder: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["embed", str(encoder), str(table), "--out", str(table.with_name("e.npy"))])
    assert "keep names and labels" in capsys.readouterr().err


def test_labels_none_hides_labels_of_embeddings_too(encoder: Path, table: Path) -> None:
    embed(encoder, table, out=table.with_name("e.parquet"), quiet=True)
    for labels, shown in ((None, "a"), ("none", None)):
        matches = search(encoder, table.with_name("0.png"), data=table.with_name("e.parquet"), k=1, labels=labels)
        assert matches[0][0].label == shown


def test_evaluating_without_labels_is_refused_by_its_reason(encoder: Path, table: Path) -> None:
    with pytest.raises(ArgumentError, match="--labels none leaves nothing to measure by"):
        evaluate(encoder, data=table, labels="none", quiet=True)


def test_a_method_of_labels_leaves_no_folder_without_them(tmp_path: Path, pictures: np.ndarray) -> None:
    with pytest.raises(DataError, match="supcon learns from labels and the data has none"):
        contrapose.train("supcon", data=pictures, out=str(tmp_path / "run"), **TINY)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("labels", [[0] * 6, [2, -1, 2, -1, 2, 2]])
def test_classes_are_not_told_apart_where_there_is_one(labels: list[int], tmp_path: Path) -> None:
    texts = [f"the {word} house" for word in ("old", "new", "red", "blue", "tall", "low")]
    data = MODALITIES["text"].open(texts, labels=labels)
    with pytest.raises(DataError, match=r"supcon-ce tells classes apart, and the labels of .* name 1 of them"):
        contrapose.train("supcon-ce", data=data, out=str(tmp_path / "run"), quiet=True, epochs=1)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_shortened_below_where_it_stands(tmp_path: Path, pictures: np.ndarray) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    run = contrapose.train("simclr", data=tmp_path / "pictures.npy", out=str(tmp_path / "run"), **{**TINY, "epochs": 3})
    with pytest.raises(ArgumentError, match=r"is at epoch 3 already, which 2 does not go beyond"):
        contrapose.resume(run.path, epochs=2, quiet=True)


def test_weights_of_pictures_are_no_start_for_a_table(encoder: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((20, 7))
    with pytest.raises(ArgumentError, match="are of pictures, and X is a table of 7 columns"):
        contrapose.ContrastiveEncoder(epochs=1, batch_size=8, init=str(encoder)).fit(rows)


def test_a_warning_is_one_sentence_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(words: list[str]) -> None:
        for _ in range(2):
            warnings.warn("the pictures are dark", stacklevel=1)

    monkeypatch.setitem(contrapose.cli.COMMANDS, "claims", command)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        main(["claims"])
    assert capsys.readouterr().err == "note: the pictures are dark\n"
