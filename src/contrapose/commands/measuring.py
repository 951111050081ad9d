"""The command that measures a run, for people to paste."""

from __future__ import annotations

from pathlib import Path

from contrapose.errors import ArgumentError, RunError
from contrapose.modalities import MODALITIES
from contrapose.shell import shell_command


def measuring_command(run: str | Path) -> str:
    """`contrapose evaluate RUN --data LABELLED`; of two sides `--data PAIRS`, which need no labels; without data where
    those of the run ask by themselves (what comes next in histories of items)."""
    from contrapose.training.run_folder import RunFolder  # reads torch: what only asks for help should not wait for it

    try:
        kind = MODALITIES[RunFolder(Path(run)).read_record()["modality"]]
    except (RunError, ArgumentError, KeyError):  # damaged, or of no kind that is known here: what reads it will say
        return shell_command("evaluate", run, "--data", "LABELLED")
    data = "PAIRS" if kind.sides else "LABELLED"
    return shell_command("evaluate", run, *(() if kind.asks_itself else ("--data", data)))
