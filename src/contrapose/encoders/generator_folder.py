"""A generator as a folder: `generator.safetensors` (weights) and `generator.json` (how to make it anew, what it takes).

Nothing in it is ever executed. It makes pictures and embeds none, so what reads encoders refuses it in a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from contrapose.atomic import write_atomically
from contrapose.encoders.architecture import FORMAT
from contrapose.encoders.artifact import GENERATOR as DESCRIPTION
from contrapose.encoders.artifact import check_tensors, read_tensors
from contrapose.errors import ArgumentError, ContraposeError, RunError
from contrapose.preparation import Preparation
from contrapose.shell import shell_command
from contrapose.version import __version__

if TYPE_CHECKING:
    from contrapose.encoders.images.translator import Translator

FOLDER = "generator"
"""Where a stage or run keeps its generator."""
WEIGHTS = "generator.safetensors"
TRANSLATOR, PAINTER = "translator", "painter"
"""What may lie in such a folder: what turns pictures into others, and what draws them for texts."""
SHOWN = 5
"""Classes that a message names, of many."""


def save_generator(translator: Translator, folder: Path, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write a translator.

    Arguments:
        extra: anything JSON to keep with it.
    """
    state = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in translator.state_dict().items()
    }
    description = {
        "format": FORMAT,
        "kind": "generator",
        "contrapose": __version__,
        "generator": TRANSLATOR,
        "arguments": translator.arguments,
        "form": translator.form,
        "classes": list(translator.classes),
        "extra": dict(extra or {}),
    }
    text = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def generator_folder(path: Path | str) -> Path | None:
    """Where the generator of a stage or run lies, or of a folder that is one; None where there is none. That of a whole
    run is its stage's."""
    path = Path(path)
    of_stages = sorted(path.glob(f"stages/[!.]*/{FOLDER}"))
    for folder in (path / FOLDER, path, *of_stages):
        if (folder / DESCRIPTION).is_file():
            return folder
    return None


def found_generator(path: Path | str) -> Path:
    """`generator_folder`, where there has to be one.

    Errors:
        RunError: there is none.
    """
    folder = generator_folder(path)
    if folder is None:
        raise RunError(
            f"{path} holds no generator: give a run of cdvg, its stages/translate, a run of t2i-supcon, or a folder "
            "with generator.json and generator.safetensors."
        )
    return folder


def described(folder: Path | str, *, kind: str = TRANSLATOR) -> dict[str, Any]:
    """What `generator.json` says of a generator of that kind.

    Errors:
        RunError: it is missing, damaged, of a newer version, or of another kind.
    """
    path = Path(folder) / DESCRIPTION
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        if {found["generator"], kind} == {TRANSLATOR, PAINTER}:
            takes = "pictures" if kind == PAINTER else "texts"
            raise RunError(
                f"{path} is of a {found['generator']}, and what is asked here is done by a {kind}. Give it {takes}: "
                f"{shell_command('apply', str(folder), takes.upper())}"
            )
        if found["format"] > FORMAT or (found["kind"], found["generator"]) != ("generator", kind):
            raise RunError(
                f"{path} is a {found['generator']} of format {found['format']}, written by contrapose "
                f"{found.get('contrapose')}; this version reads {kind}s up to {FORMAT}. Update contrapose."
            )
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}). Train or copy the generator again.") from None
    return found


def read_translator(folder: Path | str) -> Translator:
    """The translator of a folder, in evaluation mode on the CPU; the global random state is left as it was.

    Errors:
        RunError: a file is missing or damaged, or was written by a newer version.
    """
    from contrapose.encoders.images.translator import Translator

    path, found = Path(folder) / DESCRIPTION, described(folder)
    try:
        form = found["form"]
        with torch.random.fork_rng(devices=[]):
            translator = Translator(
                channels=int(form["channels"]),
                image_size=int(form["image_size"]),
                classes=tuple(map(str, found["classes"])),
                preparation=Preparation.from_json(form["preparation"]),
                **found["arguments"],
            )
    except (KeyError, TypeError, ValueError, RuntimeError, ContraposeError) as error:
        raise RunError(f"{path} describes a generator that cannot be built: {error}") from None
    state = read_tensors(Path(folder) / WEIGHTS)
    check_tensors(translator.state_dict(), state, Path(folder) / WEIGHTS, DESCRIPTION)
    translator.load_state_dict(state)
    return translator.eval().requires_grad_(False)


def check_fits(
    translator: Translator, *, channels: int, image_size: int, classes: tuple[str, ...], source: str
) -> None:
    """Pass a translator for these pictures and classes.

    Errors:
        ArgumentError: it is for others.
    """
    if (translator.channels, translator.image_size) != (channels, image_size):
        raise ArgumentError(
            f"The translator of {source} takes pictures of {translator.channels} x {translator.image_size} x "
            f"{translator.image_size}, and these are {channels} x {image_size} x {image_size}. Open them with "
            f"--image-size {translator.image_size}, or leave --translator out."
        )
    if translator.classes != classes:
        raise ArgumentError(
            f"The translator of {source} knows the classes {_some(translator.classes)}, and the data have "
            f"{_some(classes)}. Give a translator that was trained on the same classes, or none."
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join((*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])))
