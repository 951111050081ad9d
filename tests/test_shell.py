"""Printed commands can be pasted into a shell."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import contrapose
from contrapose.shell import shell_command


@pytest.mark.parametrize("name", ["my run", "it's", "a;b", "$HOME", "plain", "ä ö", "(1)"])
def test_words_come_back_from_the_shell(name: str) -> None:
    assert shlex.split(shell_command("evaluate", Path(name), "--data", "LABELLED")) == [
        "contrapose",
        "evaluate",
        name,
        "--data",
        "LABELLED",
    ]


def test_a_path_is_no_option() -> None:
    assert shell_command("evaluate", Path("-run")) == "contrapose evaluate ./-run"


def test_no_command_is_printed_unquoted() -> None:
    root = Path(contrapose.__file__).parent
    loose = re.compile(r"contrapose (train|evaluate|report|embed|search|export|compare|data check)[^\"`]*\{(?!shell)")
    found = [
        f"{file.relative_to(root)}: {line.strip()}"
        for file in root.rglob("*.py")
        for line in file.read_text().splitlines()
        if loose.search(line)
    ]
    assert found == []
