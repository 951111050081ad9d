import subprocess
from pathlib import Path

import pytest

from contrapose import environment


def test_results_are_no_changes_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, result = tmp_path / "src" / "contrapose" / "code.py", tmp_path / "results" / "speed.json"
    for file in (code, result):
        file.parent.mkdir(parents=True)
        file.write_text("1")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(environment, "__file__", str(code))
    name = environment.commit()
    assert len(name) == 12
    result.write_text("2")
    assert environment.commit() == name
    code.write_text("2")
    assert environment.commit() == f"{name}+changes"
