"""Pictures on disk, and a count of how many were decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_pictures import colour_picture

from contrapose.data.images.packing import packing


@pytest.fixture
def write_pictures(tmp_path: Path) -> Callable[..., Path]:
    """`write_pictures("cats/a.png", ..., width=, height=)` below a fresh folder, which is returned."""
    root = tmp_path / "pictures"

    def write(*names: str, width: int = 20, height: int = 20) -> Path:
        for seed, name in enumerate(names):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            colour_picture(seed, width, height).save(path)
        return root

    return write


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every picture that is decoded from here on."""
    seen: list[object] = []
    original = packing.decode

    def counting(picture: object, **options: Any) -> object:
        seen.append(picture)
        return original(picture, **options)

    monkeypatch.setattr(packing, "decode", counting)
    return seen
