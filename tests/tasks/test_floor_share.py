from __future__ import annotations

import numpy as np
import pytest

from contrapose.commands.evaluate import measure
from contrapose.data import Images
from contrapose.tasks import share as sharing


@pytest.fixture
def pictures() -> Images:
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    colours = random.integers(0, 90, (3, 3, 16, 16))  # told apart by pixels, hardly by what the encoder averages
    pixels = random.integers(0, 160, (300, 3, 16, 16)) + colours[labels]
    return Images(pixels.astype(np.uint8), labels)


def test_a_wide_floor_is_measured_on_a_share_and_says_so(pictures, of_pictures, saved, monkeypatch) -> None:
    run = saved(of_pictures)
    whole = measure(run, data=pictures, k=3, quiet=True)
    assert whole.share is None
    assert "floor_share" not in whole.to_dict()
    monkeypatch.setattr(sharing, "NUMBERS", 150 * 3 * 16 * 16)
    monkeypatch.setattr(sharing, "FEWEST", 50)
    found = measure(run, data=pictures, k=3, quiet=True)
    for arm in ("trained", "untrained"):
        assert found.arms[arm] == whole.arms[arm]  # encoders are measured on everything
    raw = found.arms["raw pixels"]["kNN"]
    assert (raw.count, whole.arms["raw pixels"]["kNN"].count) == (30, 60)
    assert "bank of 120," in raw.protocol
    record = found.to_dict()["floor_share"]
    assert [record[name] for name in ("known", "known_of", "asked", "asked_of")] == [120, 240, 30, 60]
    assert record["trained"]["kNN"]["count"] == 30
    assert "raw pixels learned from 120 of 240 pictures and were asked for 30 of 60" in found.text()
    assert found.gain is not None
    assert "over raw pixels" in found.gain.sentence  # paired on the share


def test_every_class_is_drawn_by_its_share() -> None:
    classes = np.array(["a"] * 90 + ["b"] * 9 + ["c"])
    rows = sharing.drawn(classes, 0.3, seed=0)
    assert np.unique(classes[rows], return_counts=True)[1].tolist() == [27, 3, 1]
    assert (np.diff(rows) > 0).all()
    assert sharing.drawn(classes, 0.3, seed=1).tolist() != rows.tolist()
