"""CLESS as a method: what is learned by, whose labels are shown, what a run leaves, slips in words; and supcon-ce."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.claims.unit import configuration
from contrapose.data.texts import Texts
from contrapose.encoders.texts.trained_matcher import load_matcher
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import LabelMatching
from contrapose.learners import SupConCE as SupConCELearner
from contrapose.methods import CLESS, METHODS, SupConCE
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder

pytest.importorskip("tokenizers")
SEA, BREAD = ["ship", "harbour", "wave", "anchor"], ["flour", "oven", "yeast", "dough"]
TEXTS = [
    f"the {words[n % 4]} and the {words[(n + 1) % 4]} of {words[(n + 2) % 4]}"
    for n in range(24)
    for words in (SEA, BREAD)
]
LABELS = ["sea_side", "bread"] * 24
DATA = {"text": TEXTS, "topic": LABELS}
QUICK: dict[str, Any] = {"batch_size": 16, "encoder": "bag_of_words", "epochs": 1, "quiet": True}


def learner_of(data: Any = DATA, column: str | None = "topic", **options: Any) -> LabelMatching:
    samples = MODALITIES["text"].open(data, **({} if column is None else {"label_column": column}))
    learner, _ = assemble(CLESS(encoder="bag_of_words", **options), samples)
    assert isinstance(learner, LabelMatching)
    return learner


def test_labels_are_learned_from_where_they_were_asked_for() -> None:
    assert CLESS().shown_targets == ()
    assert CLESS(label_column="topic").shown_targets == ("label",)
    assert CLESS(label_texts=("a", "b")).shown_targets == ("label",)
    assert CLESS(learn_by="labels").shown_targets == ("label",)
    assert CLESS(learn_by="words", label_column="topic").shown_targets == ()
    assert len(learner_of().tokens) == 0
    learner = learner_of(label_column="topic")
    assert learner.tokens.shape == (2, 2)  # "bread", "sea side"
    assert METHODS["supcon"].on("text")().shown_targets == ("label",)


def test_numbered_classes_need_texts() -> None:
    numbers = {"text": TEXTS, "topic": [0, 1] * 24}
    with pytest.raises(ArgumentError, match=r"The classes are called 0, 1, .* Give the text of each with --label-tex"):
        learner_of(numbers, label_column="topic")
    learner = learner_of(numbers, label_texts=("the sea", "bread"))
    assert len(learner.tokens) == 2
    with pytest.raises(ArgumentError, match="The data have a class 2, and 2 labels have a text"):
        learner_of({"text": TEXTS, "topic": [0, 1, 2] * 16}, label_texts=("the sea", "bread"))


def test_a_run_is_trained_goes_on_and_leaves_its_matcher(tmp_path: Path) -> None:
    run = contrapose.train("cless", data=DATA, label_column="topic", out=str(tmp_path / "run"), log_steps=1, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    assert all(0 <= row["words_ranked_right"] <= 1 for row in rows)
    assert all(row["texts_without_words"] == row["texts_without_labels"] == 0 for row in rows)
    encoder = run.load().encoder
    matcher = load_matcher(run.path, encoder)
    assert matcher is not None
    assert matcher.learned_labels(["Sea side", "bread", "oven bread"]) == ["Sea side", "bread"]
    assert matcher.drawn_labels(["oven", "galleon", "bread"]) == ["oven"]
    assert int(matcher.drawn.sum()) == 3 * 16 * 3  # three usable words a text, and four were asked for


def test_it_learns_which_words_go_together() -> None:
    samples = MODALITIES["text"].open(DATA)
    from contrapose.training.in_memory import train_in_memory

    config = configuration(
        "cless",
        {"encoder": "bag_of_words", "batch_size": 16, "epochs": 25, "matcher": "dot", "learning_rate": 0.01},
        "text",
    )
    learner, views = assemble(config, samples)
    train_in_memory(learner, samples.with_targets(config.shown_targets), views, config)
    step = learner.eval()(
        contrapose.data.PlainSource.shuffled(samples, views, batch_size=16, seed=0).batch(
            0, 0, generator=torch.Generator().manual_seed(0)
        )
    )
    assert float(step.log["words_ranked_right"]) > 0.9


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"learn_by": "both words"}, "learn_by must be one of auto, words, labels, both"),
        ({"matcher": "mlp"}, "matcher must be one of perceptron, dot"),
        ({"pseudo_labels": 0}, "pseudo_labels must be at least 1: a text is told by a label and by others"),
        ({"negatives": 0}, "negatives must be at least 1"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"label_texts": ("a", "a")}, "The label 'a' of --label-texts is there twice"),
        ({"label_texts": ("a", " ")}, "which has no word"),
        ({"label_texts": ("a", "b"), "learn_by": "words"}, "label_texts must be left out with --learn-by words"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        CLESS(**options)


@pytest.mark.parametrize(
    ("texts", "options", "word"),
    [
        (["of the and"] * 4 + ["is it"] * 4, {}, "none of its 8 texts has a word that could stand for a label"),
        (["a red ship"] * 8, {}, "its 8 texts are all the same: no word is one of others alone"),
    ],
)
def test_texts_without_usable_words_are_refused(
    texts: list[str], options: dict[str, Any], word: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=word):
        contrapose.train("cless", data=texts, out=str(tmp_path / "run"), **QUICK, **options)
    assert not (tmp_path / "run").exists()


def test_learning_by_labels_wants_them(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="texts of labels and the data has none"):
        contrapose.train("cless", data=TEXTS, learn_by="labels", out=str(tmp_path / "run"), **QUICK)
    run = contrapose.train(
        "cless", data=DATA, label_column="topic", learn_by="labels", out=str(tmp_path / "run"), **QUICK
    )
    matcher = load_matcher(run.path, run.load().encoder)
    assert matcher is not None
    assert not matcher.drawn.any()


def test_supcon_ce_names_as_many_classes_as_there_are_and_mixes_both_losses(tmp_path: Path) -> None:
    run = contrapose.train("supcon-ce", data=DATA, label_column="topic", out=str(tmp_path / "run"), **QUICK)
    assert RunFolder(run.path).read_record()["config"]["classes"] == 2
    samples = Texts(TEXTS, np.arange(48) % 2)
    losses = []
    for weight in (0.0, 0.5, 1.0):
        config = SupConCE.on("text")(encoder="bag_of_words", classes=2, contrast_weight=weight)
        learner, views = assemble(config, samples)
        assert isinstance(learner, SupConCELearner)
        source = contrapose.data.PlainSource.shuffled(samples, views, batch_size=16, seed=0)
        batch = source.batch(0, 0, generator=torch.Generator().manual_seed(0))
        losses.append(float(learner.eval()(batch).loss.detach()))
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2, rel=1e-5)
    assert losses[0] != pytest.approx(losses[2])
    with pytest.raises(ArgumentError, match=r"contrast_weight must be in \[0, 1\]"):
        SupConCE.on("text")(contrast_weight=1.5)
