"""Pictures that every claim can be tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def picture_parts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with train.npz (300) and test.npz (100) of small pictures in ten classes."""
    folder, random = tmp_path_factory.mktemp("parts"), np.random.default_rng(0)
    base = random.integers(0, 255, size=(10, 16, 16, 3))
    for part, count in (("train", 300), ("test", 100)):
        labels = np.arange(count) % 10
        noise = random.integers(-60, 60, size=(count, 16, 16, 3))
        images = (base[labels] + noise).clip(0, 255).astype(np.uint8)
        np.savez(Path(folder) / f"{part}.npz", images=images, labels=labels)
    return str(folder)
