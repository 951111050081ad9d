"""Tar files made on the spot."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

Made = Callable[[str, dict[str, bytes]], Path]


@pytest.fixture
def make_tar(tmp_path: Path) -> Made:
    """`make_tar("a.tar", {"cats/1.jpg": b"..."})` writes a tar file of these members, in this order."""

    def make(name: str, members: dict[str, bytes]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            for member, content in members.items():
                entry = tarfile.TarInfo(member)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return path

    return make
