"""What is said while texts are read: what is cut, what an encoder does not know, and options without effect."""

from __future__ import annotations

from pathlib import Path

import pytest

import contrapose
from contrapose.cli import main
from contrapose.errors import DataError

pytest.importorskip("tokenizers")

WORDS = {"sea": "wave ship sail harbour", "oven": "flour yeast dough crust"}


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("text,label\n" + "".join(f'"{text}",{"ab"[row % 2]}\n' for row, text in enumerate(texts)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of two topics, an encoder of them, and files that it reads less well."""
    folder = tmp_path_factory.mktemp("notes")
    texts = [f"{WORDS['sea' if row % 2 else 'oven']} {row % 7}" for row in range(48)]
    known = write(folder / "known.csv", texts)
    write(folder / "long.csv", [text + " ship" * 60 if row < 12 else text for row, text in enumerate(texts)])
    write(folder / "strange.csv", ["qqq zzz vvv" if row < 24 else text for row, text in enumerate(texts)])
    write(folder / "same.csv", ["the very same"] * 48)
    options = {"encoder": "bag_of_words", "epochs": 1, "batch_size": 16, "quiet": True}
    contrapose.train("simcse", data=str(known), out=str(folder / "run"), tokenizer="words", **options)
    return folder


def test_training_says_what_is_cut_and_what_plays_no_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--epochs", "1", "--batch-size", "16"]
    run = str(folder / "run")
    main(
        [
            "train",
            "simcse",
            "--data",
            str(folder / "long.csv"),
            "--encoder",
            "bag_of_words",
            *options,
            "--out",
            str(folder / "long"),
        ]
    )
    said = capsys.readouterr().err
    assert "note: 12 texts of 48 (25 %) are longer than the 64 tokens that are read, and cut there" in said
    main(
        [
            "train",
            "classifier",
            "--base",
            run,
            "--data",
            str(folder / "strange.csv"),
            *options,
            "--max-length",
            "128",
            "--tokenizer",
            "pieces",
            "--out",
            str(folder / "strange"),
        ]
    )
    said = capsys.readouterr().err
    assert "note: --max-length 128, --tokenizer pieces play no part: the weights bring their vocabulary" in said
    assert "note: 24 texts of 48 (50 %) are without a word that the encoder knows" in said
    assert "of the words are unknown to the encoder" in said
    assert "negatives per anchor" not in said
    main(
        [
            "train",
            "classifier",
            "--base",
            run,
            "--data",
            str(folder / "known.csv"),
            *options,
            "--out",
            str(folder / "classifier"),
        ]
    )
    said = capsys.readouterr().err
    assert "play no part" not in said
    assert "the encoder knows" not in said


def test_embed_and_apply_say_it_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["embed", str(folder / "run")], ["apply", str(folder / "classifier")]):
        main([*words, str(folder / "strange.csv"), "--out", str(folder / "out.csv")])
        assert "24 texts of 48 (50 %) are without a word that the encoder knows" in capsys.readouterr().err
        main([*words, str(folder / "known.csv"), "--out", str(folder / "out.csv")])
        assert "the encoder" not in capsys.readouterr().err


def test_texts_that_are_all_the_same_have_no_classes(folder: Path) -> None:
    with pytest.raises(DataError, match="its 48 texts are all the same: there is nothing to tell classes apart by"):
        contrapose.train(
            "classifier", base=str(folder / "run"), data=str(folder / "same.csv"), out=str(folder / "same"), quiet=True
        )
    assert not (folder / "same").exists()
