"""A run finds its data again: from another working folder, beside it after a move, where it is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose import cli
from contrapose.commands.run_data import FROM_PYTHON, data_places, places_of
from contrapose.errors import DataError, RunError
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8}


@pytest.fixture
def started(pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`here/`, with pictures.npz and a run on them, both named from inside of it."""
    here = tmp_path / "here"
    here.mkdir()
    np.savez(here / "pictures.npz", images=pictures, labels=np.repeat([0, 1, 2], 32))
    monkeypatch.chdir(here)
    contrapose.train("simclr", data="pictures.npz", out="run", quiet=True, **QUICK)
    monkeypatch.chdir(tmp_path)
    return here


def resumed(run: Path | str, epochs: int, **options: Any) -> str:
    """What the configuration says of the data after going on."""
    assert contrapose.resume(run, epochs=epochs, quiet=True, **options).outcome.finished
    return str(RunFolder(run).read_record()["config"]["data"])


def test_a_run_goes_on_from_another_folder_and_again_from_the_first(
    started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(resumed("here/run", 2)).resolve() == started / "pictures.npz"
    monkeypatch.chdir(started)
    resumed("run", 3)
    monkeypatch.chdir("/")
    resumed(started / "run", 4)
    assert contrapose.evaluate(started / "run", quiet=True)  # as do the other commands that take the run's own data


def test_both_moved_together(started: Path, tmp_path: Path) -> None:
    shutil.move(started, tmp_path / "there")
    resumed(tmp_path / "there" / "run", 2)


def test_the_pictures_of_before_are_taken_and_not_others_of_that_name(
    started: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    np.savez(tmp_path / "pictures.npz", images=pictures[::-1])
    assert Path(resumed(started / "run", 2)).resolve() == started / "pictures.npz"
    (tmp_path / "pictures.npz").write_text("not an archive")
    resumed(started / "run", 3)


def test_data_that_are_elsewhere_are_named(started: Path, tmp_path: Path, pictures: np.ndarray) -> None:
    (tmp_path / "disk").mkdir()
    shutil.move(started / "pictures.npz", tmp_path / "disk" / "pictures.npz")
    with pytest.raises(DataError, match=r"no longer there \(tried: .*pictures\.npz.*Say where with --data"):
        contrapose.resume(started / "run", epochs=2, quiet=True)
    cli.main(
        ["train", "--resume", str(started / "run"), "--epochs", "2", "--data", str(tmp_path / "disk/pictures.npz")]
    )
    resumed(started / "run", 3)  # it is remembered
    np.savez(tmp_path / "other.npz", images=pictures[::-1])
    with pytest.raises(RunError, match="data has changed"):
        contrapose.resume(started / "run", epochs=4, data=tmp_path / "other.npz", quiet=True)
    np.savez(tmp_path / "other.npz", images=pictures[:3])  # which fill no batch either
    with pytest.raises(RunError, match=r"began with .*, and this is .*other.npz \(3 pictures\)\. The data has"):
        contrapose.resume(started / "run", epochs=4, data=tmp_path / "other.npz", quiet=True)


def test_names_are_the_same_everywhere(tmp_path: Path) -> None:
    for name in ("omniglot", "hub:owner/name:train", FROM_PYTHON):
        assert places_of(name, tmp_path) == {}
        assert data_places(name, {"data": {"places": {}}}, tmp_path) == [name]


def test_patterns_and_saved_hub_sets_are_places_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "photos").mkdir(parents=True)
    (tmp_path / "a" / "photos" / "1.png").touch()
    monkeypatch.chdir(tmp_path / "a")
    for name in ("photos/**/*.png", "hub:photos"):
        record = {"data": {"places": places_of(name, Path("runs/one"))}}
        monkeypatch.chdir(tmp_path)
        found = data_places(name, record, tmp_path / "a" / "runs" / "one")
        prefix, _, path = found[0].rpartition("hub:")
        assert Path(path) == tmp_path / "a" / name.removeprefix("hub:")
        assert prefix + path != name
        monkeypatch.chdir(tmp_path / "a")
        assert data_places(name, record, Path("runs/one"))[0] == name
