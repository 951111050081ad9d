"""SimCSE as a method: dropout twins by default, for texts alone, and every slip in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.data import Batch
from contrapose.encoders.texts import TextEncoder, build_text, train_tokenizer
from contrapose.errors import ArgumentError, DataError
from contrapose.learners.drawn_pairs import Drawn
from contrapose.methods import SimCSE
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.objectives import simcse
from contrapose.training.run_folder import RunFolder
from contrapose.views.texts import TextViews

TEXTS = [f"{('red', 'blue', 'green')[n % 3]} thing number {n}" for n in range(24)]
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 8, "encoder": "bag_of_words", "quiet": True}


def encoder_of(name: str = "bag_of_words", **arguments: Any) -> TextEncoder:
    return build_text(name, train_tokenizer(TEXTS, "words"), seed=0, **arguments)


def test_both_views_are_the_whole_text_and_dropout_tells_them_apart() -> None:
    config = SimCSE(encoder="bag_of_words")
    assert config.views == TextViews(crop_min=1.0, delete=0.0)
    learner, views = assemble(config, MODALITIES["text"].open(TEXTS))
    first, second = views(TEXTS[:8], generator=torch.Generator().manual_seed(0))
    assert first.values.equal(second.values)
    assert not learner.train().encoder(first).equal(learner.encoder(first))


def test_its_options_reach_the_objective() -> None:
    learner = SimCSE(temperature=0.3).new_learner(encoder_of())
    z = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0))
    drawn = Drawn(z[0], z[1:], z[:1])
    assert learner.objective(drawn, None).equal(simcse(z[0], z[1], z[:1], temperature=0.3))
    weighed = SimCSE(temperature=0.3, hard_weight=0.7).new_learner(encoder_of())
    assert weighed.objective(drawn, None).equal(simcse(z[0], z[1], z[:1], temperature=0.3, log_weight=0.7))
    assert learner.head(1e6 * torch.ones(1, 128)).abs().le(1).all()
    plain = SimCSE(projection_layers=0).new_learner(encoder_of())
    assert plain.head(torch.full((1, 128), 7.0)).eq(7.0).all()


def test_a_part_of_its_views_is_an_option_like_any_other(tmp_path: Path) -> None:
    run = contrapose.train("simcse", data=TEXTS, out=str(tmp_path / "run"), views={"delete": 0.1}, **QUICK)
    assert run.outcome.finished
    kept = RunFolder(run.path).read_record()["config"]["views"]
    assert (kept["crop_min"], kept["delete"]) == (1.0, 0.1)
    assert SimCSE(views=TextViews(crop_min=1.0, delete=0.1)).differences() == {"views.delete": 0.1}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"views": TextViews(count=3)}, r"views must be 2 of each text \(--views.count 2\)"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        SimCSE(**options)


@pytest.mark.parametrize("name", ["bag_of_words", "transformer"])
def test_an_encoder_without_dropout_makes_no_twins(name: str) -> None:
    encoder = encoder_of(name, dropout=0.0).eval()
    with pytest.raises(ArgumentError, match=f"by dropout alone, and this {name} has none"):
        SimCSE().new_learner(encoder)
    assert not encoder.training
    SimCSE(views=TextViews(delete=0.1)).new_learner(encoder)  # which makes two views of its own
    SimCSE().new_learner(encoder_of(name))


def test_other_kinds_of_data_are_told_that_it_is_for_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n" + "".join(f"{n},{n % 7}.5\n" for n in range(40)))
    with pytest.raises(SystemExit) as stop:
        main(["train", "simcse", "--data", str(table)])
    assert stop.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "simcse is for texts, for it is the dropout in their encoders" in said
    with pytest.raises(ArgumentError, match="Unknown modality 'txt'"):
        SimCSE.on("txt")


def test_its_help_names_no_other_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "simcse", "--help"])
    assert stop.value.code == 0
    assert "These are the options of texts, which simcse is for." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (TEXTS[:1], "holds one text: contrast needs at least two"),
        (9 * ["the same text"], "texts are all the same: there is nothing to tell them from"),
        (9 * [" "], "empty"),
    ],
)
def test_texts_that_cannot_be_told_apart_are_too_few(texts: list[str], word: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=word):
        contrapose.train("simcse", data=texts, out=str(tmp_path / "run"), quiet=True)
    assert not (tmp_path / "run").exists()


GIVEN = {
    "anchor": TEXTS,
    "positive": [text.replace("thing", "item") for text in TEXTS],
    "negative": [text.replace("number", "letter") for text in TEXTS],
}


def test_columns_say_who_belongs_together(tmp_path: Path) -> None:
    columns = ("anchor", "positive", "negative")
    run = contrapose.train("simcse", data=GIVEN, pair_columns=columns, out=str(tmp_path / "run"), limit=20, **QUICK)
    assert run.outcome.finished
    record = RunFolder(run.path).read_record()
    assert (record["config"]["pair_columns"], record["data"]["samples"]) == ([*columns], 20)
    assert "item" in contrapose.load(run.path).encoder.tokenizer.backend.get_vocab()  # which no anchor has


def test_given_pairs_are_views_of_an_encoder_without_dropout() -> None:
    config = SimCSE(pair_columns=("anchor", "positive"))
    sides = {column: MODALITIES["text"].open(GIVEN, text_column=column) for column in config.pair_columns}
    samples = config.read(lambda text_column, limit: sides[text_column])
    initial = encoder_of(dropout=0.0)
    learner, views = assemble(config, samples, initial=initial)
    anchors, positives = views(TEXTS[:8], generator=torch.Generator().manual_seed(0))
    assert not anchors.values.equal(positives.values)
    step = learner.train()(Batch(views=(anchors, positives), indices=torch.arange(8)))
    assert step.loss.isfinite()
    assert step.pairing.anchors == 8


def test_guessing_words_counts_beside(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    options = {**QUICK, "encoder": "transformer", "tokenizer": "pieces", "mlm_weight": 0.5, "log_steps": 1}
    run = contrapose.train("simcse", data=TEXTS, out=str(tmp_path / "run"), **options)
    rows = list(RunFolder(run.path).metrics())
    assert all(row["language_loss"] > 1 for row in rows)
    samples = MODALITIES["text"].open(TEXTS)
    config = SimCSE(encoder="transformer", tokenizer="pieces", mlm_weight=0.5)
    losses = []
    for weight in (0.5, 0.0):
        learner, views = assemble(replace(config, mlm_weight=weight), samples)
        batch = Batch(views=views(TEXTS[:8]), indices=torch.arange(8))
        torch.manual_seed(0)
        losses.append(learner.train()(batch))
    guessed = losses[0].log["language_loss"]
    torch.testing.assert_close(losses[0].loss, losses[1].loss + 0.5 * guessed)
    with pytest.raises(ArgumentError, match="tokens in context"):
        assemble(SimCSE(encoder="bag_of_words", mlm_weight=0.1), samples)


@pytest.mark.parametrize("columns", [("a",), ("a", "a"), ("a", "b", "c", "d")])
def test_columns_of_pairs_are_two_or_three(columns: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError, match="pair_columns must be two or three different columns"):
        SimCSE(pair_columns=columns)
