"""Checkpoints: whole or absent, digest checked, never code."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest
import torch

from contrapose.atomic import write_atomically
from contrapose.errors import RunError
from contrapose.training.checkpoint import (
    KEEP,
    list_checkpoints,
    load_checkpoint,
    load_newest,
    save_checkpoint,
)

STATE = {"learner": {"weight": torch.arange(6.0).view(2, 3)}, "numbers": [1, 2.5, "three", None]}


def test_a_checkpoint_comes_back_and_is_plain_torch(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 7, STATE)
    state = load_checkpoint(path)
    assert state["step"] == 7
    assert torch.equal(state["learner"]["weight"], STATE["learner"]["weight"])
    assert torch.load(path, weights_only=True)["numbers"] == STATE["numbers"]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (1, 20, 3):
        save_checkpoint(tmp_path, step, STATE)
    assert [path.name[:13] for path in list_checkpoints(tmp_path)] == ["step-00000020", "step-00000003"]
    assert len(list(tmp_path.iterdir())) == KEEP


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_taken(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, 1, STATE)
    newest = save_checkpoint(tmp_path, 2, STATE)
    content = bytearray(newest.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    newest.write_bytes({"truncate": content[:-10], "flip": content, "empty": b""}[damage])
    with pytest.raises(RunError, match="damaged"):
        load_checkpoint(newest)
    state, problems = load_newest(tmp_path)
    assert state["step"] == 1
    assert len(problems) == 1


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    import hashlib

    content = pickle.dumps(Evil())
    path = tmp_path / f"step-00000001-{hashlib.sha256(content).hexdigest()[:8]}.pt"
    path.write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_nothing_to_load_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no checkpoint"):
        load_newest(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 1, {**STATE, "format": 99})
    with pytest.raises(RunError, match="upgrade"):
        load_checkpoint(path)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "config.json"
    write_atomically(target, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("contrapose.atomic.os.fsync", full)
    with pytest.raises(RunError, match="the disk is full"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
