"""How the temperature's claim reads its numbers: choices by other seeds, ranks, and where the sphere is measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from contrapose.claims import Results
from contrapose.claims.ground import Ground
from contrapose.claims.measures import subject_of
from contrapose.claims.published.tau_analysis import (
    CLAIM,
    HARD,
    PLAIN,
    chosen_by_others,
    drop_saved,
    interior_gain,
    rank_correlation,
)
from contrapose.claims.sphere import sphere
from contrapose.data import Images
from contrapose.data.samples import evenly_spaced
from contrapose.evaluation import tolerance, uniformity
from contrapose.methods import SimCLR
from contrapose.methods.assemble import assemble


def results_of(name: str, plain: list[list[float]], hard: list[list[float]] | None = None) -> Results:
    """Measures of the plain (and hard) arms, a list of seeds for each temperature."""
    arms = dict(zip(PLAIN, plain, strict=True)) | dict(zip(HARD, hard or plain, strict=True))
    return Results({arm: tuple({10: {name: value}} for value in seeds) for arm, seeds in arms.items()}, (10,))


def test_a_seed_does_not_choose_for_itself() -> None:
    # seed 0 is lucky with the first; the others, by themselves and with each other, choose the second
    measured = np.array([[0.9, 0.1, 0.1], [0.8, 0.9, 0.9]])
    assert chosen_by_others(measured).tolist() == [0.8, 0.9, 0.9]
    noise = np.random.default_rng(0).normal(size=(5, 2000))
    assert abs(chosen_by_others(noise).mean()) < 0.1  # the best of five would be 1.16 above


def test_ranks_are_taken_seed_by_seed() -> None:
    falling = [[5.0, 1.0], [4.0, 2.0], [3.0, 3.0], [2.0, 4.0], [1.0, 5.0]]
    assert rank_correlation("uniformity", -1)(results_of("uniformity", falling)).tolist() == pytest.approx([1.0, -1.0])
    assert rank_correlation("uniformity", 1)(results_of("uniformity", falling)).tolist() == pytest.approx([-1.0, 1.0])


def test_the_drop_to_temperature_one_and_the_gain_between_the_ends() -> None:
    plain = [[0.40] * 2, [0.45] * 2, [0.50] * 2, [0.46] * 2, [0.42] * 2]
    hard = [[0.40] * 2, [0.45] * 2, [0.48] * 2, [0.51] * 2, [0.50] * 2]
    found = results_of("probe", plain, hard)
    assert drop_saved(found).tolist() == pytest.approx([0.07, 0.07])  # 0.08 against 0.01
    assert interior_gain(found).tolist() == pytest.approx([0.08, 0.08])


def test_the_arms_differ_in_what_they_say() -> None:
    options = {arm.name: (arm.method, dict(arm.options)) for arm in CLAIM.arms}
    assert len(options) == 12
    assert options["plain 0.05"] == ("simclr", {"temperature": 0.05})
    assert options["hard 1"] == ("hard-contrastive", {"temperature": 1.0})
    assert options["simple"] == ("hard-contrastive", {"simple": True, "alpha": 1.0})


def test_the_sphere_is_behind_the_head(pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.claims.sphere.ROWS", 20)  # every other picture, and so of all classes
    images = Images(pictures[:40], np.arange(40) // 10)
    learner, views = assemble(SimCLR(projection_hidden=16, projection_dimension=8), images)
    learner.eval()
    ground = Ground({"pretraining": images}, images, images, images)
    found = sphere(subject_of(learner, views, ground, images, 0))
    rows = evenly_spaced(40, 20)
    head, encoder = learner.head, learner.encoder
    assert isinstance(head, nn.Module)
    with torch.no_grad():
        z = head(encoder(torch.from_numpy(images.pixels)))[rows]  # (20, 8)
    assert z.shape == (20, 8)
    assert found["uniformity"] == pytest.approx(-uniformity(z), rel=1e-5)
    assert found["tolerance"] == pytest.approx(tolerance(z, rows // 10), rel=1e-5)
