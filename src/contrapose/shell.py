"""Commands that are printed for a person to paste into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path


def shell_command(*words: str | Path) -> str:
    """`contrapose` with these words, each quoted where a shell would take it apart.

    >>> shell_command("evaluate", "my run", "--data", "LABELLED")
    "contrapose evaluate 'my run' --data LABELLED"
    """
    return shlex.join(["contrapose", *map(_word, words)])


def _word(word: str | Path) -> str:
    """A path that begins like an option is written so that it is none."""
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
