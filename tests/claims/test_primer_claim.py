"""The primer's claim: who is held out, what is hidden, what each arm is asked by."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from claim_cases import TINY

from contrapose.claims.docstrings import GROUP, LABELS, LEARNED, docstrings
from contrapose.claims.ground import Ground
from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.published.primer import CLAIM, HELD_OUT, few_shot, negation, own_answers, zero_shot
from contrapose.claims.unit import configuration
from contrapose.errors import ArgumentError
from contrapose.learners import LabelMatching
from contrapose.methods.assemble import assemble

SMALL = replace(TINY, images=400, labelled=400, validation=150, test=300)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return docstrings("python-docs", SMALL, 0)


def test_held_out_packages_are_pretrained_on_without_their_label(ground: Ground) -> None:
    known = ground.pretraining["pretraining"]
    labels = np.asarray(known.labels)
    every, learned = set(ground.test.class_names or ()), list(known.class_names or ())
    assert (len(every), len(learned), HELD_OUT) == (LABELS, LEARNED, LABELS // GROUP)
    assert set(learned) < every
    assert labels.min() == -1
    assert labels.max() < LEARNED
    assert 0.05 < (labels == -1).mean() < 0.5
    chosen_on = {(ground.validation.class_names or ())[label] for label in np.asarray(ground.validation.labels)}
    assert chosen_on <= set(learned)
    asked = {(ground.test.class_names or ())[label] for label in np.asarray(ground.test.labels)}
    assert 6 <= len(asked - set(learned)) <= HELD_OUT
    other = docstrings("python-docs", SMALL, 1)
    assert set(other.pretraining["pretraining"].class_names or ()) != set(learned)


def test_parts_share_no_text_and_no_text_names_its_package(ground: Ground) -> None:
    parts = [set(part.texts) for part in (ground.pretraining["pretraining"], ground.validation, ground.test)]
    assert sum(map(len, parts)) - len(set.union(*parts)) <= 3  # a sentence may stand in two packages
    names = ground.test.class_names or ()
    for text, label in zip(ground.test.texts, np.asarray(ground.test.labels), strict=True):
        assert not re.search(rf"\b{names[label].split()[0]}\b", text, re.IGNORECASE)


def test_the_floor_answers_by_cosine_with_the_label(ground: Ground) -> None:
    subject = floor_of(ground, ground.test, 0)
    found = zero_shot(subject) | own_answers(subject)
    assert 0 <= found["zero-shot top-1"] <= 1
    assert 0 < found["macro-F1"] < 1
    assert zero_shot(floor_of(ground, ground.validation, 0)) == {"zero-shot top-1": 0.0}  # nobody is held out there
    assert 0 < few_shot(subject)["few-shot macro-F1"] < 1
    assert negation(subject)["x and not x above 0.95"] <= 1


def test_the_floor_counts_words_of_held_out_packages_too(ground: Ground) -> None:
    fitted = ground.floor_from
    assert fitted is ground.pretraining["pretraining"]
    assert len(fitted) > len(ground.labelled)


def test_each_arm_is_asked_by_its_own_answers(ground: Ground) -> None:
    for name in ("cross-entropy", "cless"):
        arm = next(arm for arm in CLAIM.arms if arm.name == name)
        options = {"epochs": 1, "batch_size": 64, "encoder": "bag_of_words", "max_length": 32, **arm.options}
        learner, views = assemble(configuration(arm.method, options, "text"), ground.pretraining["pretraining"])
        subject = subject_of(learner.eval(), views, ground, ground.test, 0)
        before = own_answers(subject)
        with torch.no_grad():
            answering = learner.matcher if isinstance(learner, LabelMatching) else learner.head
            for weight in answering.parameters():  # type: ignore[union-attr]
                weight.zero_()
        assert own_answers(subject) != before
        assert own_answers(subject)["macro-F1, rarest third"] == pytest.approx(0, abs=0.05)  # always the same answer


def test_arms_differ_in_their_method_and_are_tuned_alike() -> None:
    assert {len(arm.trials()) for arm in CLAIM.arms} == {3}
    decisive = [prediction for prediction in CLAIM.predictions if prediction.role == "claim"]
    assert [prediction.threshold for prediction in decisive] == [0.05, 0.0, 0.0, 0.03]


def test_a_larger_size_wants_labelled_texts_of_as_many_classes(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("text,label\n" + "".join(f"some words {n},kind{n % 3}\n" for n in range(30)))
    with pytest.raises(ArgumentError, match=r"The claim is on 60 labels, and .* has 3"):
        docstrings(str(tmp_path / "few.csv"), replace(SMALL, images=100_000), 0)
