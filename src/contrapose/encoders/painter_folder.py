"""A painter as a folder: the towers that read texts, and beside them `generator.safetensors` and `generator.json`.

It is whole by itself, and nothing in it is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from contrapose.atomic import write_atomically
from contrapose.encoders.architecture import FORMAT
from contrapose.encoders.artifact import check_tensors, load_encoder, read_tensors, save_encoder
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.generator_folder import DESCRIPTION, PAINTER, WEIGHTS, described, generator_folder
from contrapose.errors import ContraposeError, RunError
from contrapose.preparation import Preparation
from contrapose.version import __version__

if TYPE_CHECKING:
    from contrapose.encoders.images.painter import Painter


def save_painter(painter: Painter, towers: Encoder, folder: Path, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write a painter, and the towers whose vectors of texts it draws from.

    Arguments:
        extra: anything JSON to keep with it.
    """
    save_encoder(towers, folder, extra=extra)
    state = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in painter.state_dict().items()
    }
    description = {
        "format": FORMAT,
        "kind": "generator",
        "contrapose": __version__,
        "generator": PAINTER,
        "arguments": painter.arguments,
        "form": painter.form,
        "extra": dict(extra or {}),
    }
    text = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def painter_folder(path: Path | str) -> Path | None:
    """Where the painter of a run lies, or of a folder that is one; None where there is none, or another generator."""
    folder = generator_folder(path)
    if folder is None:
        return None
    try:
        return folder if json.loads((folder / DESCRIPTION).read_bytes()).get("generator") == PAINTER else None
    except (OSError, ValueError, AttributeError):  # damaged: who reads it says so
        return None


def read_painter(folder: Path | str) -> tuple[Painter, Encoder]:
    """The painter of a folder and its towers, in evaluation mode on the CPU.

    Errors:
        RunError: a file is missing or damaged, or was written by a newer version.
    """
    from contrapose.encoders.images.painter import Painter

    path, found = Path(folder) / DESCRIPTION, described(folder, kind=PAINTER)
    try:
        form = found["form"]
        with torch.random.fork_rng(devices=[]):
            painter = Painter(
                channels=int(form["channels"]),
                image_size=int(form["image_size"]),
                text_dimension=int(form["text_dimension"]),
                preparation=Preparation.from_json(form["preparation"]),
                **found["arguments"],
            )
    except (KeyError, TypeError, ValueError, RuntimeError, ContraposeError) as error:
        raise RunError(f"{path} describes a generator that cannot be built: {error}") from None
    state = read_tensors(Path(folder) / WEIGHTS)
    check_tensors(painter.state_dict(), state, Path(folder) / WEIGHTS, DESCRIPTION)
    painter.load_state_dict(state)
    return painter.eval().requires_grad_(False), load_encoder(folder).requires_grad_(False)
