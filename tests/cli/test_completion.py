"""The script for a shell, sourced by a real one: what follows what was typed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from contrapose.cli import COMMANDS
from contrapose.cli.completion import SHELLS, script
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS, VERBS, methods_of

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_contrapose
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    path = tmp_path_factory.mktemp("bash") / "contrapose.bash"
    path.write_text(script("bash", commands=tuple(COMMANDS)))
    return path


def completed(bash: Path, folder: Path, *words: str) -> set[str]:
    called = ["bash", "--norc", "-c", COMPLETE, "bash", str(bash), "contrapose", *words]
    result = subprocess.run(called, cwd=folder, capture_output=True, text=True, check=True)
    return {line for line in result.stdout.splitlines() if line}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tr",), {"train"}),
        (("--v",), {"--version"}),
        (("attack", "dsva", "--facet", ""), {"key", "query", "token", "value"}),
        (("train", "m"), {"mae", "mcl", "mclrec", "mmcl", "mochi", "moco", "multiview", "my photos"}),
        (("train", "--resu"), {"--resume"}),
        (("train", "--temper"), {"--temperature"}),
        (("train", "mmcl", "--solver", ""), {"inverse", "pgd"}),
        (("train", "cacr", "--no-pred"), {"--no-predictor"}),
        (("train", "mmcl", "--data", ""), {"my photos"}),
        (("train", "mmcl", "--data", "x", "--views.ro"), {"--views.rotation-degrees"}),
        (("data", "c"), {"check"}),
        (("data", "check", "--li"), {"--limit"}),
        (("analyse", "temperature", "--method", "s"), {"simclr"}),
        (("analyse", "s"), {"sharpness", "suppression"}),
        (("analyse", "t"), {"temperature", "translation"}),
        (("analyse", "p"), {"patch", "perturbation"}),
        (("analyse", "sharpness", "run", "--bl"), {"--blocks"}),
        (("search", "run", "query", "--backend", "f"), {"faiss"}),
        (("completion", "f"), {"fish"}),
        (("reproduce", "--jo"), {"--jobs"}),
    ],
)
def test_bash_completes(words: tuple[str, ...], expected: set[str], bash: Path, tmp_path: Path) -> None:
    (tmp_path / "my photos").mkdir()
    assert completed(bash, tmp_path, *words) == expected


def test_every_command_and_method_is_there(bash: Path, tmp_path: Path) -> None:
    assert set(COMMANDS) <= completed(bash, tmp_path, "")
    for verb in VERBS:
        found = completed(bash, tmp_path, verb, "")
        assert {name for name in METHODS if name in found} == set(methods_of(verb))


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_with_every_method(shell: str) -> None:
    text = script(shell, commands=tuple(COMMANDS))
    assert all(name in text for name in (*COMMANDS, *METHODS))
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_another_shell_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'bsh'\. Did you mean 'bash'"):
        script("bsh", commands=())
    with pytest.raises(ArgumentError, match="One shell"):
        script("bash", "zsh", commands=())
