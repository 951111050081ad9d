"""How SwAV's claim reads its numbers: prototypes in use, a collapse, and work that is equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from contrapose.claims import Results
from contrapose.claims.ground import Ground
from contrapose.claims.measures import subject_of
from contrapose.claims.published.swav import CLAIM, assignments
from contrapose.claims.unit import Unit, work
from contrapose.data import Images
from contrapose.learners import Prototypes
from contrapose.methods import SimCLR, SwAV
from contrapose.methods.assemble import assemble


def test_prototypes_in_use_are_one_after_a_collapse_and_many_before(pictures: np.ndarray) -> None:
    images = Images(pictures[:64], np.repeat([0, 1], 32))
    ground = Ground({"pretraining": images}, images, images, images)
    learner, views = assemble(SwAV(prototypes=12, projection_hidden=16, projection_dimension=8), images)
    assert isinstance(learner, Prototypes)
    (found,) = assignments(subject_of(learner.eval(), views, ground, images, 0)).values()
    assert 1 < found <= 12
    for count in (1, 2, 4):  # that many prototypes, each chosen as often
        learner.scores = lambda unit, count=count: torch.eye(12)[torch.arange(len(unit)) % count]  # type: ignore[method-assign]
        found = assignments(subject_of(learner, views, ground, images, 0))["prototypes in use"]
        assert found == pytest.approx(count)
    learner, views = assemble(SimCLR(), images)
    assert assignments(subject_of(learner, views, ground, images, 0)) == {}


def test_a_collapse_is_three_prototypes_or_fewer_and_time_is_compared() -> None:
    def seed(in_use: float, loss: float, seconds: float) -> dict[int, dict[str, float]]:
        return {8: {"prototypes in use": in_use, "loss": loss, "training CPU seconds": seconds}}

    seeds = {
        "no balance": (seed(1.0, 0.0, 1.0), seed(5.0, 1.0, 1.0)),
        "small crops": (seed(40.0, 3.0, 99.0), seed(40.0, 3.0, 110.0)),
        "two crops": (seed(40.0, 3.0, 100.0), seed(40.0, 3.0, 100.0)),
    }
    results = Results(seeds, (8,))
    values = {
        one.statement: one.value(results)
        for one in CLAIM.predictions
        if set(one.arms) <= set(seeds) and not one.percent
    }
    collapse, loss = values.values()
    assert collapse.tolist() == [2.0, -2.0]
    assert loss == pytest.approx([0.409, -0.591], abs=1e-3)
    time = next(one for one in CLAIM.predictions if one.role == "mechanism")
    assert time.value(results) == pytest.approx([0.01, -0.1])


def test_an_arm_may_train_for_longer_than_the_others(picture_parts: str, tmp_path: Path) -> None:
    arm = next(arm for arm in CLAIM.arms if arm.name == "two crops")
    options = {"epochs": 2, "batch_size": 20, "encoder": "tiny_conv"}
    protocol = replace(CLAIM.protocol, options=options, images=60, labelled=60, validation=30, test=40)
    unit = Unit("swav", arm, {}, 0, "test", protocol, picture_parts, str(tmp_path))
    record = work(unit)
    assert record["config"]["epochs"] == 3
    assert list(record["values"]) == ["2"]  # the end, as of all arms
    assert {"probe-5", "kNN", "prototypes in use", "loss"} <= set(record["values"]["2"])
    usual, longer = (replace(unit, arm=replace(arm, longer=factor)) for factor in (1.0, 1.5))
    assert len({unit.identity, usual.identity, longer.identity}) == 3
