"""An untrained encoder, which maps equal pictures to equal places: all that search needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contrapose.embedder import Embedder
from contrapose.encoders import build


@pytest.fixture
def embedder() -> Embedder:
    return Embedder(build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)).eval()


@pytest.fixture
def photos(tmp_path: Path, pictures: np.ndarray) -> Path:
    """Twelve photos of three classes."""
    folder = tmp_path / "photos"
    for number, picture in enumerate(pictures[::8]):
        path = folder / f"class-{number // 4}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    return folder
