"""`contrapose.zero_shot` and `contrapose apply --label-texts`: from a run to names of texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

import contrapose
from contrapose import cli
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, RunError

pytest.importorskip("tokenizers")
SEA, BREAD = ["ship", "harbour", "wave", "anchor"], ["flour", "oven", "yeast", "dough"]
TEXTS = [f"a {words[n % 4]}, a {words[(n + 1) % 4]}" for n in range(24) for words in (SEA, BREAD)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of cless, on texts of two kinds."""
    out = tmp_path_factory.mktemp("runs") / "cless"
    options = {"encoder": "bag_of_words", "batch_size": 16, "epochs": 25, "learning_rate": 0.01, "matcher": "dot"}
    return contrapose.train("cless", data=TEXTS, out=str(out), quiet=True, **options).path


def test_labels_that_no_text_was_given_are_named(run: Path) -> None:
    labels = ["wave and harbour", "dough"]
    answer = contrapose.zero_shot(run, TEXTS, labels)
    assert answer.scores.shape == (48, 2)
    assert ((answer.scores > 0) & (answer.scores < 1)).all()
    truth = np.asarray(labels * 24)
    assert (answer.predicted == truth).mean() > 0.7
    assert any("words of 2 of 2 labels were pseudo-labels" in note for note in answer.notes)
    turned = contrapose.zero_shot(run, TEXTS, labels[::-1])
    assert np.array_equal(turned.predicted, answer.predicted)
    assert np.array_equal(turned.scores, answer.scores[:, ::-1])
    strange = contrapose.zero_shot(run, TEXTS[:2], ["dough", "galleon"])
    assert any("no word of 1 label (galleon)" in note for note in strange.notes)
    assert not strange.scores[:, 1].any()


def test_an_encoder_without_a_matcher_compares_texts(run: Path) -> None:
    answer = contrapose.zero_shot(run / "encoder", TEXTS[:3], ["a ship, a harbour", "dough"])
    encoder = contrapose.load(run)
    rows = encoder.embed(TEXTS[:3], normalize=True) @ encoder.embed(["a ship a harbour", "dough"], normalize=True).T
    np.testing.assert_allclose(answer.scores, rows, atol=1e-5)
    assert answer.notes == ()


def test_apply_writes_the_likeliest_label_and_the_score_of_each(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    polars.DataFrame({"text": TEXTS[:6]}).write_csv(tmp_path / "texts.csv")
    words = ["--label-texts", "wave", "rye dough", "--out", str(tmp_path / "p.csv")]
    cli.main(["apply", str(run), str(tmp_path / "texts.csv"), *words])
    assert "note: words of 2 of 2 labels were pseudo-labels" in capsys.readouterr().err
    table = polars.read_csv(tmp_path / "p.csv")
    assert table.columns == ["identifier", "predicted", "score_wave", "score_rye dough"]
    assert (
        table["predicted"].to_list() == contrapose.zero_shot(run, TEXTS[:6], ["wave", "rye dough"]).predicted.tolist()
    )
    with pytest.raises(ArgumentError, match="The label 'wave' of --label-texts is there twice"):
        contrapose.apply(run, TEXTS, out=tmp_path / "p.csv", label_texts=("wave", "wave"))
    with pytest.raises(RunError, match="holds no classifier"):
        contrapose.apply(run, TEXTS, out=tmp_path / "p.csv")


def test_a_matcher_that_is_damaged_is_told(run: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "matcher.safetensors").write_bytes(b"{")
    with pytest.raises(RunError, match="is damaged or truncated"):
        contrapose.load_zero_shot(copy)


def test_pictures_have_no_words(tmp_path: Path) -> None:
    save_encoder(build("small_conv", channels=1, image_size=16, seed=0), tmp_path / "encoder")
    with pytest.raises(ArgumentError, match="Labels are texts, and this is an encoder of pictures"):
        contrapose.load_zero_shot(tmp_path / "encoder")
