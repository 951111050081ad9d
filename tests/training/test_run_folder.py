"""The run folder: refuses to overwrite, survives cut-off lines, knows its version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contrapose.errors import RunError
from contrapose.training.run_folder import RunFolder, new_run_path


def test_create_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").write_text("x")
    with pytest.raises(RunError, match="exists already"):
        RunFolder.create(tmp_path / "run", {})
    assert (tmp_path / "run" / "precious").read_text() == "x"


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
