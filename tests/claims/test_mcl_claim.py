"""How mcl's claim makes its ground and reads its numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from contrapose.claims import CLAIMS, Results
from contrapose.claims.made import trifeatures
from contrapose.claims.measures import Subject
from contrapose.claims.published.mcl import CLAIM, FACTORS, conditioned, factors
from contrapose.claims.unit import Unit, work
from contrapose.data import Samples
from contrapose.data.copies import copies_in

SMALL = replace(
    CLAIM.protocol,
    options={**CLAIM.protocol.options, "epochs": 1, "batch_size": 20},
    images=60,
    labelled=80,
    validation=40,
    test=50,
)


def test_the_parts_of_the_ground_are_other_pictures_and_the_same_for_all_seeds() -> None:
    ground, other = trifeatures("", SMALL, 0), trifeatures("", SMALL, 7)
    parts = [ground.pretraining["pretraining"], ground.labelled, ground.validation, ground.test]
    assert [len(part) for part in parts] == [60, 80, 40, 50]
    for asked in (ground.validation, ground.test):
        assert copies_in(asked, ground.labelled) == []
    assert other.test.fingerprint == ground.test.fingerprint
    assert ground.modality.name == CLAIM.modality


def test_the_least_of_the_factors_is_what_is_compared() -> None:
    ground = trifeatures("", SMALL, 0)

    def codes(samples: Samples) -> np.ndarray:  # of colour and shape, not of texture
        return np.concatenate([np.eye(6)[samples.targets[name].astype(int)] for name in FACTORS[:2]], axis=1)

    found = factors(Subject(codes, ground, ground.test, 0))
    assert (found["colour"], found["shape"]) == (1.0, 1.0)
    assert found["minimum"] == found["texture"] < 0.5
    assert found["mean"] == pytest.approx((2 + found["texture"]) / 3)
    assert conditioned(Subject(codes, ground, ground.test, 0)) == {}


def test_the_claim_is_about_the_controls_by_their_worst_factor() -> None:
    values = {"mcl, 2 stages": 0.9, "independent, 2": 0.82, "shuffled, 2": 0.87, "one stage": 0.5}
    clusters = {"clusters as colour": 0.7, "clusters as texture": 0.1}
    seeds = {
        arm: tuple({15: {"minimum": value + seed / 100, "mean": 0.95, **clusters}} for seed in range(3))
        for arm, value in values.items()
    }
    results = Results(seeds, (15,))
    of = {
        one.statement: (one.value(results) - one.threshold) for one in CLAIM.predictions if set(one.arms) <= set(values)
    }
    claims = [one.statement for one in CLAIM.predictions if one.role == "claim"]
    assert len(claims) == 2
    assert [of[name].mean() for name in claims] == pytest.approx([0.03, -0.02])
    assert of["2 independent encoders - one, worst factor: what width alone gives"].mean() == pytest.approx(0.32)
    assert of["the first clusters go by colour rather than by texture, NMI"].mean() == pytest.approx(0.6)
    assert CLAIMS["mcl"] is CLAIM


def test_an_arm_of_stages_is_measured_whole_and_its_clusters_are_read(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    arms = {arm.name: arm for arm in CLAIM.arms}
    record = work(Unit("mcl", arms["mcl, 2 stages"], {}, 0, "test", SMALL, "", str(tmp_path)))
    (values,) = record["values"].values()
    assert {*FACTORS, "mean", "minimum", "loss", "training CPU seconds"} <= set(values)
    assert all(0 <= values[f"clusters as {name}"] <= 1 for name in FACTORS)
    assert record["config"]["stage_dimension"] == 32
    widths = {arm.name: arm.options["stage_count"] for arm in CLAIM.arms}
    assert widths["mcl, 2 stages"] == widths["independent, 2"] == widths["shuffled, 2"]
    assert widths["mcl, 3 stages"] == widths["independent, 3"]
