"""How the claim on sharpness-aware steps reads its numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.claims import Results
from contrapose.claims.digits import digits
from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.published.sam_vit import ACCURACY, CLAIM, CURVATURE, NOISY, RISE, classified, sharpness
from contrapose.claims.quick import quick_version
from contrapose.claims.unit import configuration
from contrapose.methods.assemble import assemble


def test_measures_of_a_classifier_and_of_contrast() -> None:
    protocol = quick_version(CLAIM).protocol
    ground = digits("", protocol, 0)
    for name in ("plain", "contrast"):
        arm = next(arm for arm in CLAIM.arms if arm.name == name)
        config = configuration(arm.method, {**protocol.options, **arm.options}, "image")
        learner, views = assemble(config, ground.pretraining["pretraining"])
        subject = subject_of(learner.eval(), views, ground, ground.test, 0)
        found = {**classified(subject), **sharpness(subject)}
        assert set(found) == ({ACCURACY, NOISY} if name == "plain" else set()) | {CURVATURE, RISE}
        assert np.isfinite(list(found.values())).all()
        if name == "plain":
            encoder, head = learner.encoder, learner.head
            pictures = torch.from_numpy(ground.test.pixels)
            right = head(encoder(pictures)).argmax(dim=1).numpy() == ground.test.labels  # uint8 stands for [0, 1]
            assert found[ACCURACY] == pytest.approx(right.mean())
    subject = floor_of(ground, ground.test, 0)
    assert {**classified(subject), **sharpness(subject)} == {}


def test_flatter_is_counted_in_doublings() -> None:
    def seed(top: float) -> dict[int, dict[str, float]]:
        return {75: {CURVATURE: top}}

    results = Results({"plain": (seed(16.0), seed(16.0)), "radius 0.05": (seed(2.0), seed(8.0))}, (75,))
    claim = next(one for one in CLAIM.predictions if "at least 4 times" in one.statement)
    assert claim.value(results) == pytest.approx([1.0, -1.0])
    mechanism = next(one for one in CLAIM.predictions if one.role == "mechanism")
    assert mechanism.value(results) == pytest.approx([2.0, 0.0])


def test_arms_differ_in_the_radius_and_one_in_length() -> None:
    radii = {arm.name: arm.options.get("sam_radius", 0) for arm in CLAIM.arms}
    assert list(radii.values()) == [0, 0.02, 0.05, 0.05, 0, 0.05]
    assert {arm.name for arm in CLAIM.arms if arm.longer == 1} == {"radius 0.05, as many gradients"}
