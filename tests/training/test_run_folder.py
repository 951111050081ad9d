"""The run folder: refuses to overwrite, survives cut-off lines, knows its version."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

import contrapose
from contrapose.errors import RunError
from contrapose.training.run_folder import RunFolder, new_run_path
from killed import KilledError, fatal


def test_create_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").write_text("x")
    with pytest.raises(RunError, match="exists already"):
        RunFolder.create(tmp_path / "run", {})
    assert (tmp_path / "run" / "precious").read_text() == "x"


def test_of_trainings_that_start_in_one_instant_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Twelve threads wait at a gate, so that all see the same names free."""
    gate = Barrier(12)

    def start(number: int) -> Path:
        gate.wait()
        return RunFolder.create_new("mmcl", "photos/", lambda path: {"number": number}, root=tmp_path).path

    with ThreadPoolExecutor(12) as pool:
        paths = list(pool.map(start, range(12)))
    assert len(set(paths)) == 12
    assert [RunFolder(path).read_record()["number"] for path in paths] == list(range(12))
    assert not list(tmp_path.rglob("*.tmp"))


def test_of_trainings_into_one_folder_one_gets_it(tmp_path: Path) -> None:
    gate = Barrier(8)

    def start(number: int) -> int | None:
        gate.wait()
        try:
            RunFolder.create(tmp_path / "run", {"number": number})
        except RunError as error:
            assert "exists already" in str(error)  # noqa: PT017 - all but one end here
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(start, range(8)) if number is not None]
    assert winners == [RunFolder(tmp_path / "run").read_record()["number"]]


def test_a_line_cut_off_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {})
    for step in (1, 2, 3):
        run.log({"step": step, "loss": float("nan") if step == 2 else 1.5})
    with run.metrics_file.open("a") as file:
        file.write('{"step": 4, "lo')
    assert [row["step"] for row in run.metrics()] == [1, 2, 3]
    assert [row["loss"] for row in run.metrics()] == [1.5, None, 1.5]
    run.forget_after(2)
    assert [row["step"] for row in run.metrics()] == [1, 2]
    assert all(json.loads(line) for line in run.metrics_file.read_text().splitlines())


def test_open_explains_what_is_wrong(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "good", {})
    with pytest.raises(RunError, match=r"not a run folder.*good"):
        RunFolder.open(tmp_path / "goood")
    run = RunFolder.create(tmp_path / "newer", {})
    run.config_file.write_text(json.dumps({"format": 99, "contrapose": "9.9"}))
    with pytest.raises(RunError, match="Upgrade"):
        RunFolder.open(run.path)
    run.config_file.write_text("{")
    with pytest.raises(RunError, match="damaged"):
        RunFolder.open(run.path)


def test_new_paths_count_up(tmp_path: Path) -> None:
    assert new_run_path("mmcl", "photos/", root=tmp_path) == tmp_path / "mmcl-photos"
    (tmp_path / "mmcl-photos").mkdir()
    assert new_run_path("mmcl", "a/photos.npz", root=tmp_path) == tmp_path / "mmcl-photos-2"
    assert new_run_path("mcl", "made:tint?count=9&seed=1", root=tmp_path) == tmp_path / "mcl-made-tint"


def test_what_a_kill_left_half_written_is_cleared_when_the_run_goes_on(pictures: np.ndarray, tmp_path: Path) -> None:
    """A half checkpoint may be as large as a whole one, and each kill may leave one; an evaluation that is being
    written beside is somebody else's."""
    options = {"encoder": "tiny_conv", "epochs": 1, "batch_size": 32, "checkpoint_steps": 1, "quiet": True}
    with fatal(2), pytest.raises(KilledError):
        contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), **options)
    halves = [
        tmp_path / "run" / name for name in ("checkpoints/.step-00000002-1.pt.0.tmp", "encoder/.encoder.json.1.tmp")
    ]
    (tmp_path / "run" / "encoder").mkdir(exist_ok=True)
    theirs = tmp_path / "run" / ".evaluation.json.2.tmp"
    for file in (*halves, theirs):
        file.write_bytes(b"half")
    contrapose.resume(tmp_path / "run", data=pictures, quiet=True)
    assert not any(file.exists() for file in halves)
    assert theirs.exists()
