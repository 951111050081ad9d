"""Answers of changed embeddings: by captions, neighbours and a probe, whose numbers are known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contrapose.evaluation.answers import Answers, Words

CLASSES = np.arange(12) % 3
ROWS = np.eye(3)[CLASSES]  # (12, 3): the class is the direction
OTHERS = np.eye(3)[(CLASSES + 1) % 3]


def words() -> Words:
    return Words(np.eye(3), [np.array([one]) for one in CLASSES], [np.flatnonzero(one == CLASSES) for one in range(3)])


def answers(**options: object) -> Answers:
    given = {"words": words(), "classes": {"kind": (CLASSES, CLASSES)}, **options}
    return Answers(ROWS, ROWS, **given)  # type: ignore[arg-type]


def test_of_pictures_as_they_are_all_is_right_and_nothing_is_fooled() -> None:
    found = answers().clean
    right = {name for name in found if not name.endswith(("fooled", "decline"))}
    assert right == {"found by picture", "found by words", "kind right", "kind probe right"}
    assert all(found[name] == 1 for name in right)
    assert all(value == 0 for name, value in found.items() if name not in right)


def test_a_third_that_is_moved_is_a_third_that_is_fooled() -> None:
    moved = ROWS.copy()
    moved[:4] = OTHERS[:4]
    found = answers().of(moved)
    for name in ("fooled", "kind fooled", "kind probe fooled"):
        assert found[name] == pytest.approx(1 / 3), name
    for name in ("kind", "kind probe", "found by picture"):
        assert found[f"{name} decline"] == pytest.approx(100 / 3), name
    assert found["kind probe right"] == found["kind right"] == pytest.approx(2 / 3)


def test_who_was_wrong_before_is_fooled_as_well_and_nothing_is_lost_of_nothing() -> None:
    wrong = Answers(ROWS, OTHERS, words=words(), classes={"kind": (CLASSES, CLASSES)})
    found = wrong.of(ROWS)
    assert found["kind fooled"] == found["fooled"] == 1
    assert found["kind right"] == 1
    assert math.isnan(found["kind decline"])


def test_neighbours_and_probe_know_pictures_as_they_are_alone() -> None:
    one = answers()
    before = one.of(OTHERS)
    one.of(ROWS)
    assert one.of(OTHERS) == before


def test_without_captions_or_classes_they_are_not_asked() -> None:
    assert set(answers(words=None).clean) >= {"kind right", "kind probe right"}
    assert not any("found" in name or name == "fooled" for name in answers(words=None).clean)
    assert set(answers(classes={}).clean) == {
        "found by picture", "found by words", "fooled", "found by picture decline", "found by words decline"
    }  # fmt: skip


def test_a_probe_wants_two_pictures_of_a_class() -> None:
    alone = {"kind": (np.arange(12), np.arange(12))}
    assert not any("probe" in name for name in answers(classes=alone).clean)
