"""The grounds made of scanned digits, and what the claims on them measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from contrapose.claims import Protocol
from contrapose.claims.digits import composed, digits, factors, scans
from contrapose.claims.published import hydra, sepclr
from contrapose.data import Images
from contrapose.learners import ClassGates, Gated

OPTIONS = {"epochs": 1, "batch_size": 32}


def test_the_scans_are_the_digits_enlarged() -> None:
    pixels, labels = scans(16)
    assert pixels.shape == (1797, 1, 16, 16)
    assert np.bincount(labels).min() > 170
    small = pixels.reshape(1797, 8, 2, 8, 2).mean(axis=(2, 4))  # (N, 8, 8)
    means = np.stack([small[labels == one].mean(axis=0).ravel() for one in range(10)])
    from sklearn.datasets import load_digits

    found = load_digits()
    expected = np.stack([found.data[found.target == one].mean(axis=0) for one in range(10)]) * 255 / 16
    assert np.corrcoef(means.ravel(), expected.ravel())[0, 1] > 0.97


def test_parts_of_digits_share_no_scan() -> None:
    protocol = Protocol(options=OPTIONS, images=1000, labelled=500, validation=200, test=597)
    ground = digits("nowhere", protocol, 0)
    parts = [ground.pretraining["pretraining"], ground.validation, ground.test]
    assert [len(part) for part in parts] == [1000, 200, 597]
    rows = [set(np.asarray(part.rows).tolist()) for part in parts]
    assert not rows[0] & rows[1]
    assert not (rows[0] | rows[1]) & rows[2]
    assert np.array_equal(np.asarray(ground.labelled.rows), np.arange(500))


def test_more_than_there_are_come_from_elsewhere(picture_parts: str) -> None:
    protocol = Protocol(options=OPTIONS, images=100, labelled=100, validation=100, test=98)
    assert digits(picture_parts, protocol, 0).test.channels == 1
    large = Protocol(options=OPTIONS, images=12_000, labelled=50, validation=20, test=20)
    with pytest.raises(ValueError, match="asks for"):
        digits(picture_parts, large, 0)
    (found,) = composed_small(picture_parts, large)
    assert (found.channels, found.image_size) == (3, 32)


def composed_small(source: str, protocol: Protocol) -> list[Images]:
    """The reported part where pictures of `source` lie beneath; they are as large as the digits above them."""
    import contrapose.claims.digits as module

    kept, module.open_parts = module.open_parts, lambda _: tuple(_large(count) for count in (60, 20))
    try:
        return [composed(source, protocol, 0).test]
    finally:
        module.open_parts = kept


def _large(count: int) -> Images:
    random = np.random.default_rng(count)
    return Images(random.integers(0, 255, (count, 3, 32, 32), dtype=np.uint8), np.arange(count) % 10)


def test_composed_pictures_are_half_of_each_and_the_background_has_no_second() -> None:
    protocol = Protocol(options=OPTIONS, images=200, labelled=60, validation=40, test=50)
    ground = composed("nowhere", protocol, 0)
    mixed = ground.pretraining["pretraining"]
    assert np.bincount(mixed.labels).tolist() == [100, 100]
    pixels, labels = scans(16)
    low = 0.5 * pixels[labels < 5].astype(np.float32)
    background = mixed.pixels[mixed.labels == 0][:5]
    for picture in background:  # one of the digits alone
        assert np.abs(low - picture).max(axis=(1, 2, 3)).min() <= 1
    target = mixed.pixels[mixed.labels == 1][0]
    rest = target - low  # what would have to lie above
    high = 0.5 * pixels[labels >= 5].astype(np.float32)
    assert min(np.abs(high - one).max(axis=(1, 2, 3)).min() for one in rest) <= 1
    for part, count in ((ground.labelled, 60), (ground.validation, 40), (ground.test, 50)):
        common, salient = factors(part)
        assert len(part) == count
        assert set(common.tolist()) <= set(range(5))
        assert set(salient.tolist()) <= set(range(5, 10))
    again = composed("nowhere", protocol, 3)
    assert again.test.fingerprint == ground.test.fingerprint  # seeds differ in weights and batches alone


class Asked:
    """As much of a subject as a measure asks."""

    def __init__(self, ground: Any, asked: Images, rows: Any, learner: object = None) -> None:
        self.ground, self.asked, self.seed, self.learner, self._rows = ground, asked, 0, learner, rows

    def embeddings(self, images: Images) -> np.ndarray:
        return self._rows(images)


def test_halves_of_one_encoder_are_taken_the_better_way_round() -> None:
    protocol = Protocol(options=OPTIONS, images=32, labelled=300, validation=40, test=200)
    ground = composed("nowhere", protocol, 0)

    def perfect(images: Images, turned: bool) -> np.ndarray:
        common, salient = factors(images)
        halves = [np.eye(10)[common], np.eye(10)[salient]]
        return np.concatenate(halves[::-1] if turned else halves, axis=1)

    found = []
    for turned in (False, True):
        subject: Any = Asked(ground, ground.test, lambda images, turned=turned: perfect(images, turned))
        found.append(sepclr.separated(subject))
    for measured in found:
        assert (measured["own common"], measured["own salient"]) == (1.0, 1.0)
        assert measured["separation"] == pytest.approx(2 - 0.2 - 0.2, abs=0.2)
        parts = measured["own common"] + measured["own salient"] - measured["leak common"] - measured["leak salient"]
        assert measured["separation"] == pytest.approx(parts)


def test_classes_are_alike_by_their_gates() -> None:
    protocol = Protocol(options=OPTIONS, images=600, labelled=600, validation=100, test=100)
    ground = digits("nowhere", protocol, 0)
    torch.manual_seed(0)
    gates = ClassGates(10, 64, embedding=16, hidden=16)
    learner = Gated(torch.nn.Identity(), torch.nn.Identity(), lambda *_: torch.zeros(()), gates=gates, classes=10)
    subject: Any = Asked(ground, ground.test, None, learner)
    assert abs(hydra.alike_by_eye(subject)["alike"]) < 0.05  # nothing was learned
    means = torch.stack([torch.from_numpy(ground.labelled.pixels[ground.labelled.labels == one].mean(axis=0).ravel())
                         for one in range(10)])  # fmt: skip
    centred = means - means.mean(dim=0)
    gates.table = lambda: (centred - centred.min()).float()  # type: ignore[method-assign]
    assert hydra.alike_by_eye(subject)["alike"] > 0.005
    learner.gates = None
    assert hydra.alike_by_eye(subject) == {}
