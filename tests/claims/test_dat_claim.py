"""The claim on DAT: seeds beside digits, distances that know the real from the made, and what decides it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from contrapose.claims import Protocol
from contrapose.claims import drawn_digits as measured
from contrapose.claims.drawn_digits import borne, digits_beside_seeds, drawn, seeds
from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.published.dat import CLAIM, less
from contrapose.claims.results import Results
from contrapose.encoders import build
from contrapose.learners import AttackedClassifier

PROTOCOL = Protocol(options={"epochs": 1}, images=120, labelled=120, validation=20, test=60)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return digits_beside_seeds("nowhere", PROTOCOL, 0)


@pytest.fixture(autouse=True)
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "FEATURE_EPOCHS", 3)
    monkeypatch.setattr(measured, "LENGTHS", (1, 3))


def subject(ground: Ground, learner: AttackedClassifier | None = None) -> Subject:
    return Subject(lambda samples: np.zeros((len(samples), 1)), ground, ground.test, 0, learner)


def test_seeds_lie_beside_the_digits_and_nothing_is_in_two_parts(ground: Ground) -> None:
    assert {name: len(samples) for name, samples in ground.pretraining.items()} == {
        "pretraining": 120,
        "fields": 120,
        "shuffled": 120,
    }
    assert {samples.shape for samples in ground.pretraining.values()} == {(1, 8, 8)}
    parts = [set(part.identifiers) for part in (ground.labelled, ground.validation, ground.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 200
    fresh = seeds("fields", ground.labelled, 50, 1)
    assert len(fresh) == 50
    assert fresh.fingerprint != ground.pretraining["fields"].subset(np.arange(50)).fingerprint


def test_real_pictures_are_nearer_than_seeds_and_an_untrained_network_leaves_seeds_where_they_are(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = drawn(subject(ground))
    assert floor["steps, fields"] == 0
    encoder = build("tiny_conv", channels=1, image_size=8, seed=0)
    untrained = AttackedClassifier(encoder, dimension=encoder.dimension, attack=None)
    untrained.see_targets(ground.labelled.targets)
    found = drawn(subject(ground, untrained))
    assert found["distance, fields"] == pytest.approx(floor["distance, fields"], rel=1e-4)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in untrained.heads.parameters():
            torch.nn.init.normal_(weight, std=3.0, generator=generator)
    moved = drawn(subject(ground, untrained))
    assert moved["distance, fields"] != pytest.approx(floor["distance, fields"], rel=1e-3)
    assert moved["steps, fields"] in (1, 3)
    monkeypatch.setattr(measured, "seeds", lambda name, images, count, number: ground.validation)
    assert drawn(subject(ground))["distance, fields"] < 0.5 * floor["distance, fields"]


def test_what_is_borne_without_a_network_and_by_one_that_says_nothing(ground: Ground) -> None:
    share = np.bincount(ground.test.labels).max() / 60
    assert borne(subject(ground)) == {"clean": share, "robust": share, "diverged": 0.0, "ascents": 0.0}
    encoder = build("tiny_conv", channels=1, image_size=8, seed=0)
    learner = AttackedClassifier(encoder, dimension=encoder.dimension, attack=None)
    learner.see_targets(ground.labelled.targets)
    with torch.no_grad():
        torch.nn.init.normal_(learner.heads.weights[0])
    found = borne(subject(ground, learner))
    assert 0 <= found["robust"] <= found["clean"] <= 1


def test_predictions_are_decided_by_the_distances_that_they_name() -> None:
    near, far = {"distance, fields": 2.0, "robust": 0.5}, {"distance, fields": 8.0, "robust": 0.6, "diverged": 1.0}
    results = Results({"dat": ({1: near}, {1: near}), "jem-like": ({1: far}, {1: {**far, "diverged": 0.0}})}, (1,))
    assert less("dat", "jem-like")(results).tolist() == [0.75, 0.75]
    jem = next(one for one in CLAIM.predictions if "jem-like" in one.arms)
    assert jem.value(results).tolist() == pytest.approx([1.0, -0.1])
    assert replace(jem).threshold == 0.1
