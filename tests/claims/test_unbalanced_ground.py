"""The unbalanced set of the claim on CACR: as large as the balanced one, its rarest class a tenth of its commonest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrapose.claims import Protocol
from contrapose.claims.published.cacr import unbalanced_cifar10

CLASSES = 10
PROTOCOL = Protocol(options={"epochs": 1, "batch_size": 32}, images=800, labelled=50, validation=200, test=40)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """2,600 pictures in ten classes, each with its number in its corner."""
    folder = tmp_path_factory.mktemp("numbered")
    for part, count in (("train", 2600), ("test", 40)):
        images = np.zeros((count, 8, 8, 3), dtype=np.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = np.divmod(np.arange(count), 256)
        np.savez(Path(folder) / f"{part}.npz", images=images, labels=np.arange(count) % CLASSES)
    return str(folder)


@pytest.mark.parametrize("seed", [0, 3, 13])
def test_sizes_and_ratio(source: str, seed: int) -> None:
    ground = unbalanced_cifar10(source, PROTOCOL, seed)
    balanced, unbalanced = ground.pretraining["pretraining"], ground.pretraining["unbalanced"]
    assert np.bincount(balanced.labels).tolist() == [80] * CLASSES
    assert abs(len(unbalanced) - len(balanced)) <= CLASSES / 2  # each class is rounded
    sizes = np.bincount(unbalanced.labels)
    assert abs(sizes.max() / 10 - sizes.min()) <= 0.6
    assert sizes.argmax() == -seed % CLASSES
    assert sizes.argmin() == (-seed - 1) % CLASSES
    falling = np.roll(sizes, seed)
    np.testing.assert_allclose(falling[1:] / falling[:-1], 0.1 ** (1 / 9), rtol=0.05)


def test_validation_is_of_other_pictures_than_pretraining(source: str) -> None:
    ground = unbalanced_cifar10(source, PROTOCOL, 0)
    validation = numbers(ground.validation)
    assert len(validation) == PROTOCOL.validation
    for images in ground.pretraining.values():
        assert len(numbers(images)) == len(images)  # no picture twice
        assert not numbers(images) & validation
    assert len(ground.test) == PROTOCOL.test


def numbers(images: object) -> set[int]:
    """The numbers of these pictures."""
    import torch

    corner = images.batch(torch.arange(len(images)))[:, :2, 0, 0].long()  # type: ignore[attr-defined, arg-type]
    return set((corner[:, 0] * 256 + corner[:, 1]).tolist())
