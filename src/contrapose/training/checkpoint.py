"""Checkpoints that survive a kill at any instant: written aside, flushed, renamed; each name carries its digest."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import torch

from contrapose.atomic import write_atomically
from contrapose.errors import RunError

FORMAT = 2  # 1 held one optimiser, "optimizer"; 2 holds "optimizers" by name
KEEP = 2  # the newest, and one to fall back on should it be damaged later
_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{8})\.pt")


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write `state` (tensors, numbers, text, and lists and dictionaries of them) as the checkpoint of `step`.

    The two newest checkpoints are kept. The file can be read by `torch.load(path, weights_only=True)`.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "step": step, **state}, buffer)
    content = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}-{hashlib.sha256(content).hexdigest()[:8]}.pt"
    write_atomically(path, content)
    for old in list_checkpoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, newest first."""
    found = [path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read one checkpoint, after checking its digest; no code in it is ever run.

    Errors:
        RunError: damaged, or of a newer format.
    """
    name = _NAME.fullmatch(path.name)
    try:
        content = path.read_bytes()
        if name is None or hashlib.sha256(content).hexdigest()[:8] != name.group(2):
            raise ValueError("its content does not match the digest in its name")
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise nearly anything
        raise RunError(f"Checkpoint {path} is damaged: {str(error).splitlines()[0]}.") from error
    if state.get("format", 0) > FORMAT:
        raise RunError(
            f"Checkpoint {path} has format {state['format']}, this version reads up to {FORMAT}; upgrade contrapose."
        )
    return dict(state)


def load_newest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The newest checkpoint that can be read, and a sentence on each newer one that cannot.

    Errors:
        RunError: there is none.
    """
    problems: list[str] = []
    for path in list_checkpoints(folder):
        try:
            return load_checkpoint(path), problems
        except RunError as error:
            problems.append(str(error))
    if problems:
        raise RunError(f"{problems[0]} No older one can be read either; start again with a new --out.")
    raise RunError(f"There is no checkpoint in {folder}: the run stopped before its first one. Start it again.")
