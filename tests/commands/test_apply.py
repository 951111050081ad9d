"""`contrapose apply`: a row for each sample, in its order, or it is said."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from contrapose import apply, cli
from contrapose.encoders.classifier_folder import save_classifier
from contrapose.encoders.heads import Heads, Question
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError

TEXTS = ["red ships sail", "dough and flour", "green ships sail", "old flour"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    encoder = build_text("bag_of_words", tokenizer_for("bag_of_words", TEXTS * 5, max_length=8), seed=0)
    questions = (Question("topic", ("sea", "bread"), (2, 2)), Question("size", ("s", "m", "l"), (1, 1, 1)))
    save_classifier(encoder, Heads(encoder.dimension, [2]), questions[:1], tmp_path / "one")
    save_classifier(encoder, Heads(encoder.dimension, [2, 3]), questions, tmp_path / "two")
    return tmp_path


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_every_sample_has_its_row(folder: Path, ending: str) -> None:
    apply(folder / "one", TEXTS, out=folder / f"p.{ending}", quiet=True)
    read = {"csv": polars.read_csv, "parquet": polars.read_parquet, "jsonl": polars.read_ndjson}[ending]
    table = read(folder / f"p.{ending}")
    assert table.columns == ["identifier", "predicted", "p_sea", "p_bread"]
    assert [str(name) for name in table["identifier"]] == ["0", "1", "2", "3"]
    assert table["p_sea"].to_list() == [0.5] * 4


def test_what_has_no_row_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polars.DataFrame({"text": [*TEXTS, ""], "label": [0.5, 1.5, 2.5, 3.5, 4.5]}).write_csv(folder / "texts.csv")
    out = str(folder / "p.csv")
    cli.main(["apply", str(folder / "two"), str(folder / "texts.csv"), "--out", out])
    said = capsys.readouterr()
    assert "Wrote the classes of 4 texts to" in said.out
    assert "1 text skipped, without a row" in said.out
    assert "skipped: " in said.err
    assert polars.read_csv(out).columns == [
        "identifier", "topic", "topic_p_sea", "topic_p_bread", "size", "size_p_s", "size_p_m", "size_p_l"
    ]  # fmt: skip


def test_slips_are_told_before_the_work(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"unknown ending '.npz'"):
        apply(folder / "one", TEXTS, out=folder / "p.npz")
    with pytest.raises(ArgumentError, match=r"does not exist, so p\.csv cannot be written"):
        apply(folder / "one", TEXTS, out=folder / "nowhere" / "p.csv")
    polars.DataFrame({"text": TEXTS}).write_csv(folder / "data.csv")
    with pytest.raises(ArgumentError, match="is the data itself"):
        apply(folder / "one", folder / "data.csv", out=folder / "data.csv")
