"""The claim on made-up generators: what its ground holds, and what its measures say of known scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from contrapose.claims.fingerprint_ground import FEW, FEW_SHIFTED, HELD_OUT, SHIFTED, fingerprint_ground, shifted
from contrapose.claims.measures import Subject
from contrapose.claims.published.imaginet import (
    AFTER,
    AREA_AFTER,
    AREA_BEFORE,
    BEFORE,
    CLAIM,
    DETECTION,
    IDENTIFICATION,
    detection,
    identification,
    set_right,
    unchanged,
)
from contrapose.claims.results import Results
from contrapose.data import Images, Samples
from contrapose.learners import Classifier


@pytest.fixture(scope="module")
def ground() -> Any:
    protocol = replace(CLAIM.protocol, images=120, labelled=120, validation=20, test=60)
    return fingerprint_ground("", protocol, 0)


def told(samples: Samples) -> np.ndarray:
    """Embeddings that know the family, and the origin but for noise; on harsh pictures far too high."""
    random = np.random.default_rng(len(samples))
    families = np.eye(6)[samples.targets["family"].astype(int)]  # (N, 6)
    origin = samples.targets["origin"] * 2 - 1 + 0.8 * random.standard_normal(len(samples))  # (N,)
    return np.c_[origin + (6 if "shifted" in samples.origin else 0), families[:, 1:]].astype(np.float32)


def test_parts_are_labelled_by_origin_and_keep_the_family(ground: Any) -> None:
    learned = ground.pretraining["pretraining"]
    assert learned.class_names == ("real", "synthetic")
    assert (learned.labels == (learned.targets["family"] > 0)).all()
    assert np.bincount(learned.targets["family"].astype(int)).tolist() == [60, 15, 15, 15, 15]
    assert ground.further[HELD_OUT].names_of["family"] == ("real", "bilinear")
    assert len(ground.further[FEW_SHIFTED]) == FEW
    assert set(ground.further[SHIFTED].labels) == {0, 1}
    parts = [learned, ground.validation, ground.test, *ground.further.values()]
    seen = [{picture.tobytes() for picture in part.pixels} for part in parts]
    assert all(not one & other for number, one in enumerate(seen) for other in seen[:number])
    plain = Images(np.full((3, 1, 8, 8), 90, np.uint8) + np.arange(64, dtype=np.uint8).reshape(8, 8), np.arange(3) % 2)
    harsh = shifted(plain, seed=1)
    assert (harsh.labels == plain.labels).all()  # type: ignore[union-attr]
    assert (harsh.pixels != plain.pixels).any(axis=(1, 2, 3)).all()


def test_detection_is_set_right_where_scores_are_too_high(ground: Any) -> None:
    found = detection(Subject(told, ground, ground.test, seed=0))
    assert found[DETECTION] > 0.8
    assert found[BEFORE] == pytest.approx(0.5, abs=0.05)
    assert found[AFTER] > 0.75
    assert found[AREA_AFTER] == pytest.approx(found[AREA_BEFORE], abs=1e-12)
    assert identification(Subject(told, ground, ground.test, seed=0))[IDENTIFICATION] == 1


def test_a_classifier_is_measured_by_its_own_output_and_floors_do_not_stop_it(ground: Any) -> None:
    learner = Classifier(nn.Identity(), dimension=6, classes=2)
    with torch.no_grad():
        learner.head.weight.zero_()
        learner.head.bias.zero_()
        learner.head.weight[1, 0] = -1.0  # the wrong way round: nothing that a rising map could set right
    found = detection(Subject(told, ground, ground.test, seed=0, learner=learner))
    assert found[DETECTION] < 0.2
    assert found[AFTER] == found[BEFORE]
    blind = detection(Subject(lambda samples: np.zeros((len(samples), 3)), ground, ground.test, seed=0))
    assert blind[DETECTION] == pytest.approx(0.5)


def test_predictions_are_of_the_multi_label_arm() -> None:
    row = {BEFORE: 0.5, AFTER: 0.7, AREA_BEFORE: 0.8, AREA_AFTER: 0.8}
    moved = row | {AREA_AFTER: 0.8 + 1e-9}
    results = Results({"multi-label": ({15: row}, {15: moved})}, (15,))
    assert set_right(results) == pytest.approx([0.2, 0.2])
    assert [bool(value > 0) for value in unchanged(results)] == [True, False]


def test_arms_differ_in_the_method_alone() -> None:
    options = [dict(arm.options) for arm in CLAIM.arms]
    assert [arm.method for arm in CLAIM.arms] == ["imaginet", "imaginet", "supcon", "supervised"]
    assert not any(arm.grid for arm in CLAIM.arms)
    assert {one["views"]["recipe"] for one in options} == {"forensic"}
    assert CLAIM.protocol.options["encoder"] == "no_down_conv"
