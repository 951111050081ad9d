"""The ground of the claim on SupReMix: digits that were turned by a known angle, and by nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from contrapose.claims import Protocol
from contrapose.claims.published import supremix as module
from contrapose.claims.published.supremix import turned_digits
from contrapose.data import Images
from contrapose.data.images.made.turned import turn

PROTOCOL = Protocol(options={"epochs": 1}, images=100, labelled=80, validation=40, test=60)


def test_parts_are_apart_and_the_same_for_all_seeds() -> None:
    one, other = (turned_digits("nowhere", PROTOCOL, seed) for seed in (0, 1))
    learned = one.pretraining["pretraining"]
    assert (len(learned), len(one.labelled), len(one.validation), len(one.test)) == (100, 80, 40, 60)
    assert len(one.pretraining["few"]) == 20
    assert [*one.pretraining["few"].identifiers] == [*one.labelled.identifiers[:20]]
    assert not {*learned.identifiers} & {*one.validation.identifiers}
    assert np.array_equal(learned.labels, other.pretraining["pretraining"].labels)
    assert not np.array_equal(learned.targets["number"], other.pretraining["pretraining"].targets["number"])
    assert not np.array_equal(one.test.targets["number"], learned.targets["number"][:60])
    again = turned_digits("nowhere", PROTOCOL, 0)
    assert np.array_equal(again.test.pixels, one.test.pixels)


def test_angles_are_even_and_no_corner_tells_them() -> None:
    ground = turned_digits("nowhere", Protocol(options={"epochs": 1}, images=800, labelled=1, validation=1, test=1), 0)
    learned = ground.pretraining["pretraining"]
    angles = learned.targets["number"]
    assert np.abs(angles).max() < 60
    assert np.histogram(angles, bins=4, range=(-60, 60))[0] == pytest.approx(200, abs=40)
    assert not learned.pixels[:, :, :2, :2].any()
    assert not learned.pixels[:, :, -2:, -2:].any()
    assert (learned.pixels.max(axis=(1, 2, 3)) > 100).all()


def test_the_number_is_the_angle_by_which_a_picture_was_turned() -> None:
    bar = np.zeros((40, 1, 33, 33), dtype=np.uint8)
    bar[:, :, 4:29, 15:18] = 255  # upright
    turned = turn(Images(bar), torch.Generator().manual_seed(0))
    rows, columns = np.mgrid[:33, :33] - 16
    for picture, angle in zip(turned.pixels[:, 0].astype(float), turned.targets["number"], strict=True):
        leaning = np.array([[(picture * a * b).sum() for a in (columns, rows)] for b in (columns, rows)])
        across, down = np.linalg.eigh(leaning)[1][:, 1]  # along the bar
        assert math.degrees(math.atan2(across * np.sign(down), abs(down))) == pytest.approx(angle, abs=1.0)


def test_where_digits_do_not_suffice_the_pictures_of_the_source_are_turned(
    picture_parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module._digits(1_300, 498) is None
    assert module._digits(1_297, 500) is not None
    monkeypatch.setattr(module, "_digits", lambda wanted, test: None)
    ground = turned_digits(picture_parts, PROTOCOL, 0)
    assert ground.labelled.channels == 3
    assert ground.labelled.origin.endswith("train.npz, turned")
    assert np.abs(ground.test.targets["number"]).max() > 50
