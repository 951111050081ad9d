"""DebCSE's claim: what is measured where looks mislead, and where its sentences come from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from claim_cases import TINY

from contrapose.claims.measures import floor_of
from contrapose.claims.pairs import scored_sentences, sentences_beside_pairs
from contrapose.claims.published.debcse import CLAIM, where_looks_mislead, with_the_score
from contrapose.errors import ArgumentError
from contrapose.views.texts.surface import surface_similarity

SMALL = replace(TINY, images=60, labelled=60, validation=30, test=30)


def test_only_two_pairs_that_looks_and_scores_order_differently_count() -> None:
    scores, looks = np.array([0.0, 5.0, 4.5, 2.0]), np.array([0.9, 0.1, 0.2, 0.95])
    # 1 over 0, 2 over 0, 1 over 3, 2 over 3; 3 over 0 is no case, for looks agree, and 1 over 2 is too close
    assert with_the_score(scores, scores, looks) == 1.0
    assert with_the_score(looks, scores, looks) == 0.0
    assert with_the_score(np.zeros(4), scores, looks) == 0.5
    assert with_the_score(np.array([0.5, 0.6, 0.4, 0.6]), scores, looks) == (1 + 0 + 0.5 + 0) / 4
    assert with_the_score(scores, scores, scores) == 0.5  # looks never mislead


def test_it_is_asked_of_the_cosines_of_the_pairs(sentence_parts: str) -> None:
    ground = scored_sentences(sentence_parts, SMALL, 0)
    floor = floor_of(ground, ground.test, 0)
    question, rows = ground.questions["test"], floor.embed(ground.test)
    looks = surface_similarity(question["sentence1"], question["sentence2"])
    expected = with_the_score((rows[:30] * rows[30:]).sum(axis=1), question["score"], looks)
    assert where_looks_mislead(floor)["order where looks mislead"] == pytest.approx(expected)


def test_sentences_beside_the_pairs_are_learned_from(sentence_parts: str, tmp_path: Path) -> None:
    without = sentences_beside_pairs(sentence_parts, SMALL, 0)
    assert without.pretraining["pretraining"].fingerprint == (
        scored_sentences(sentence_parts, SMALL, 0).pretraining["pretraining"].fingerprint
    )
    folder = shutil.copytree(sentence_parts, tmp_path / "parts")
    (folder / "sentences.csv").write_text("text\n" + "".join(f"another sentence {n}\n" for n in range(80)))
    ground = sentences_beside_pairs(str(folder), SMALL, 0)
    assert all(text.startswith("another sentence") for text in ground.pretraining["pretraining"].texts)
    assert len(ground.pretraining["pretraining"]) == 60
    assert ground.test.fingerprint == without.test.fingerprint
    with pytest.raises(ArgumentError, match="asks for 90 training"):
        sentences_beside_pairs(str(folder), replace(SMALL, images=90), 0)


def test_arms_differ_in_how_pairs_are_drawn_alone() -> None:
    trials = {arm.name: len(arm.trials()) for arm in CLAIM.arms}
    assert trials == dict.fromkeys(("simcse", "random negative", "uniform pools", "debcse"), 2)
    decisive = [prediction.statement for prediction in CLAIM.predictions if prediction.role == "claim"]
    assert [statement.split(",")[0] for statement in decisive] == [
        "debcse - simcse",
        "debcse - uniform pools",
        "debcse - simcse",
    ]
