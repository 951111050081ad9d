"""docs/security.md: every command of it runs as it is typed (with fewer scenes, shorter), in the order of the page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from contrapose.cli import main
from contrapose.methods import METHODS
from contrapose.tasks import TASKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
COMMANDS = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("    contrapose ")]

SHORT = {"train": ["--epochs", "1", "--batch-size", "16"], "attack": ["--epochs", "1"]}
QUICK = {
    "invertune": ["--scan-steps", "2", "--inversion-steps", "2", "--repair-steps", "2"],
    "patch-training": ["--epochs", "1"],
}


def shortened(words: list[str]) -> list[str]:
    """The command on 48 scenes and in a few steps."""
    few = [re.sub(r"count=\d+", "count=48", word) for word in words[1:]]
    more = [*SHORT.get(few[0], []), *QUICK.get(few[1], [])]
    if "--robust" in few:
        more += ["--attack-steps", "2"]
    if few[0] == "poison":
        more += ["--share", "0.1"]
    if few[0] == "evaluate" and "--robust" not in few:
        more += ["--device", "cpu"]
    return [*few, *more]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in COMMANDS:
        main(shortened(words))
    assert (tmp_path / "runs" / "repaired" / "repair.json").is_file()


def test_what_the_page_names_is_there() -> None:
    assert len(COMMANDS) >= 20
    methods = {words[2] for words in COMMANDS if words[1] in ("train", "attack", "repair")}
    assert methods <= set(METHODS)
    assert {"advclip", "cpgc", "dsva", "invertune"} <= methods
    assert "robustness-table" in TASKS
    for page in ("README.md", "docs/methods.md"):
        assert "security.md)" in (ROOT / page).read_text(), page
