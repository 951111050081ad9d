"""HaLP's claim: who is learned from and who is asked, what the arms differ in, and what is looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.published.halp import CLAIM, nearest, what_is_made
from contrapose.claims.subjects import NTU, by_subject
from contrapose.claims.unit import configuration
from contrapose.errors import DataError
from contrapose.learners import HallucinatedPositives
from contrapose.methods.assemble import assemble

SMALL = replace(CLAIM.protocol, images=1_000, labelled=34, validation=1_000, test=50)


def written(path: Path, subjects: list[int], joints: int = 4) -> str:
    """Sequences of three frames, one for each of these numbers of subjects."""
    values = np.random.default_rng(0).standard_normal((3 * len(subjects), joints, 3)).astype(np.float32)
    pointers = 3 * np.arange(len(subjects) + 1)
    np.savez(path, joints=values, frame_ptr=pointers, action=np.arange(len(subjects)) % 2, subject=np.array(subjects))
    return str(path)


def test_people_who_are_asked_were_not_learned_from(people_moving: str) -> None:
    ground, other = by_subject(people_moving, SMALL, 0), by_subject(people_moving, SMALL, 7)
    parts = {"pretraining": ground.pretraining["pretraining"], "labelled": ground.labelled}
    parts |= {"validation": ground.validation, "test": ground.test}
    people = {name: set(part.targets["subject"].tolist()) for name, part in parts.items()}
    assert people == {"pretraining": {1, 3}, "labelled": {1, 3}, "validation": {5}, "test": {2, 4, 6}}
    assert [len(part) for part in parts.values()] == [40, 34, 20, 50]
    assert ground.test.fingerprint == other.test.fingerprint
    assert ground.modality.name == CLAIM.modality
    assert set(ground.test.labels.tolist()) == set(range(5))  # type: ignore[union-attr]


def test_ntu_is_split_as_everybody_does(tmp_path: Path) -> None:
    path = written(tmp_path / "ntu.npz", list(range(1, 41)) * 2, joints=25)
    ground = by_subject(path, replace(SMALL, test=1_000), 0)
    learned = set(ground.pretraining["pretraining"].targets["subject"].tolist())
    assert learned | set(ground.validation.targets["subject"].tolist()) == set(NTU)
    assert set(ground.test.targets["subject"].tolist()) == set(range(1, 41)) - set(NTU)


def test_data_without_people_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has the subjects 1, 2: two with odd numbers are needed"):
        by_subject(written(tmp_path / "few.npz", [1, 2, 1, 2]), SMALL, 0)
    values = np.random.default_rng(0).standard_normal((4, 5, 4, 3))
    np.savez(tmp_path / "nobody.npz", joints=values, action=np.arange(4))
    with pytest.raises(DataError, match=r"has no subjects, .* arrays action and subject"):
        by_subject(str(tmp_path / "nobody.npz"), SMALL, 0)


def test_arms_differ_in_what_attracts_alone_and_are_tuned_alike() -> None:
    assert {len(arm.trials()) for arm in CLAIM.arms if arm.tuned_as is None} == {3}
    differ = ("positives_from", "hardness", "hardness_from")
    options: list[dict[str, Any]] = [dict(arm.options) for arm in CLAIM.arms if arm.method == "halp"]
    assert all({k: v for k, v in one.items() if k not in differ} == {"positives": 20} for one in options)
    decisive = [prediction.arms for prediction in CLAIM.predictions if prediction.role == "claim"]
    assert decisive == [("halp", "moco"), ("halp", "key again")]


def test_each_arm_makes_what_its_name_says(people_moving: str) -> None:
    ground = by_subject(people_moving, SMALL, 0)
    found = {}
    for arm in CLAIM.arms:
        options = {**CLAIM.protocol.options, **arm.options, "queue": 32, "batch_size": 32, "precision": "float32"}
        learner, views = assemble(configuration(arm.method, options, "frames"), ground.pretraining["pretraining"])
        if isinstance(learner, HallucinatedPositives):
            learner.prototypes.copy_(learner.fit(learner.newest_keys(), torch.Generator().manual_seed(0)))
            learner.fits += 1
        found[arm.name] = what_is_made(subject_of(learner.eval(), views, ground, ground.test, 0))
    assert found["moco"] == {}
    assert found["key again"] == {"kept": 1.0, "angle": 0.0}
    assert found["at the key"] == {"kept": 1.0, "angle": 0.0}
    assert 0 < found["halp"]["kept"] <= 1
    assert found["halp"]["angle"] > 0.05


def test_the_nearest_of_those_learned_from_answers(people_moving: str) -> None:
    ground = by_subject(people_moving, SMALL, 0)
    subject = floor_of(ground, ground.test, 0)
    subject.embed = lambda samples: np.eye(5)[samples.labels]
    assert nearest(subject) == {"1-NN": 1.0}
