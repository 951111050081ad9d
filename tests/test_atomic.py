"""Folders that are whole or absent (files: `training/test_checkpoint.py`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrapose.atomic import whole_folder
from contrapose.errors import RunError


def test_a_folder_is_there_when_it_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "stages" / "first"
    with whole_folder(place) as folder:
        (folder / "encoder").mkdir()
        (folder / "encoder" / "weights").write_bytes(b"all of them")
        assert not place.exists()
    assert (place / "encoder" / "weights").read_bytes() == b"all of them"
    assert [path.name for path in place.parent.iterdir()] == ["first"]


def test_a_folder_that_was_not_finished_is_absent(tmp_path: Path) -> None:
    def write() -> None:
        with whole_folder(tmp_path / "first") as folder:
            (folder / "half").write_bytes(b"")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".first.0123.tmp").mkdir()  # what SIGKILL leaves
    with whole_folder(tmp_path / "first"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "stages").write_bytes(b"a file")
    with pytest.raises(RunError, match="Could not write the folder"), whole_folder(tmp_path / "stages" / "first"):
        pass
