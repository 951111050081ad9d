"""An encoder as a folder: `encoder.safetensors` (weights, normalisation), `encoder.json` (how to rebuild), and what
else it needs (a vocabulary).

Nothing in such a folder is ever executed: tensors come from safetensors and never from a pickle, the
architecture from a registered name with JSON arguments, and no pretrained weights are fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.encoders.architecture import DESCRIPTION, FORMAT, Architecture, architecture_of, describe
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.stage_folder import no_encoder_there
from contrapose.errors import ArgumentError, MissingExtraError, RunError
from contrapose.shell import shell_command

WEIGHTS = "encoder.safetensors"
GENERATOR = "generator.json"
"""What describes an artifact of another kind, which nothing can be embedded with (`encoders.generator_folder`)."""
PERTURBATION = "perturbation/perturbation.json"
"""What an attack leaves in the folder of its run."""


def save_encoder(encoder: Encoder, folder: Path | str, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write its files, each under a temporary name first: a crash never leaves half a file.

    Arguments:
        extra: anything JSON to keep with the encoder, e.g. the names of classes or the step it comes from.

    Errors:
        ArgumentError: `extra` is not JSON; an encoder that `load_encoder` could not rebuild from its name.
    """
    architecture = describe(encoder, extra or {})
    architecture.check_name()
    folder = Path(folder)
    description = {"format": FORMAT, "kind": encoder.kind, **asdict(architecture)}
    try:
        text = json.dumps(description, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"`extra` cannot be written as JSON: {error}. Give numbers, words and lists.") from None
    # Copies: safetensors refuses tied weights as they are, and takes them written twice.
    state = {
        key: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for key, tensor in encoder.state_dict().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in encoder.files().items():
        write_atomically(folder / name, content)
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def encoder_folder(path: Path | str) -> Path:
    """Where the encoder of `path` lies: of a run or stage folder, in its `encoder/`; an encoder's folder is its own.

    Errors:
        RunError: there is no such folder; of a stage, the sentence names those that hold one.
    """
    path = Path(path)
    holds = (path / "config.json").is_file() or (path / "encoder" / DESCRIPTION).is_file()
    folder = path / "encoder" if holds else path
    if not holds and any((place / GENERATOR).is_file() for place in (path, path / "generator")):
        command = shell_command("apply", path, "DATA", "--out", "FOLDER")
        raise RunError(f"{path} holds a generator, which makes pictures and embeds none. Have it make some: {command}")
    if not (folder / DESCRIPTION).is_file() and (path / PERTURBATION).is_file():
        raise RunError(
            f"{path} holds no encoder but the perturbation that an attack has found. Give the run that was attacked, "
            f"or see what this does to an encoder: {shell_command('report', path)}"
        )
    if not (folder / DESCRIPTION).is_file() and (reason := no_encoder_there(path)):
        raise RunError(reason)
    if not folder.is_dir():
        raise RunError(
            f"{path} holds no encoder: it is neither a run folder (did the run stop before its first checkpoint?) "
            "nor a folder with encoder.json and encoder.safetensors."
        )
    return folder


def load_encoder(folder: Path | str) -> Encoder:
    """The encoder of a folder, in eval mode on the CPU; the global random state is left as it was.

    Errors:
        RunError: a file is missing or damaged, was written by a newer version, or the two do not belong
            together.
        MissingExtraError: a `timm:` or `hf:` encoder without its library.
    """
    folder = Path(folder)
    architecture = architecture_of(folder)
    encoder = _construct(architecture, folder)
    state = read_tensors(folder / WEIGHTS)
    if architecture.modality == "rows":  # of the first format, which had the statistics of channels here
        state = {name: tensor for name, tensor in state.items() if name not in ("mean", "std")}
    check_tensors(encoder.state_dict(), state, folder / WEIGHTS)
    encoder.load_state_dict(state, assign=True)  # assign keeps the precision that the encoder was saved in
    return encoder.eval()


def untrained_like(source: Encoder | Path | str, seed: int, **changes: Any) -> Encoder:
    """The same architecture with first weights from `seed`, in eval mode: a floor. What was fitted to the data
    (normalisation, vocabulary, scales) is kept.

    Arguments:
        changes: arguments of the architecture that differ.

    Errors:
        RunError: as `load_encoder`, where `source` is a folder.
    """
    trained = source if isinstance(source, Encoder) else load_encoder(source)
    weights = next(trained.parameters())
    architecture = describe(trained, {})
    architecture = replace(architecture, arguments={**architecture.arguments, **changes})
    encoder = architecture.build(seed, trained.files()).to(weights)  # its device and dtype
    for name in trained.fitted:
        encoder.get_buffer(name).copy_(trained.get_buffer(name))
    return encoder.eval()


def _construct(architecture: Architecture, folder: Path) -> Encoder:
    files = {name: _read(folder / Path(name).name) for name in architecture.files}
    try:
        encoder = architecture.build(0, files)
    except MissingExtraError:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, MemoryError) as error:
        raise RunError(
            f"{folder / DESCRIPTION} describes an encoder that cannot be built: {_first_line(error)}"
        ) from error
    if encoder.dimension != architecture.dimension:
        raise RunError(
            f"{folder / DESCRIPTION} is damaged: it says dimension {architecture.dimension}, and "
            f"{architecture.encoder!r} with its arguments has {encoder.dimension}. Export the encoder again."
        )
    return encoder


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"There is no encoder in {path.parent}: {path.name} is missing.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Errors:
        RunError: it is missing or damaged.
    """
    content = _read(path)
    try:
        return safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} is damaged or truncated, or no safetensors file ({error}). Export the encoder again."
        ) from None


def check_tensors(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path, description: str = DESCRIPTION
) -> None:
    """Pass a file in which every tensor is there, none besides, each of the right shape and kind.

    Errors:
        RunError: the first difference.
    """
    for names, verb in (
        (expected.keys() - found.keys(), "lacks"),
        (found.keys() - expected.keys(), "has an unknown"),
    ):
        if names:
            raise RunError(
                f"{path} does not belong to its {description}: it {verb} tensor {min(names)!r} "
                f"({len(names)} in all). Export the encoder again."
            )
    for name, tensor in expected.items():
        other = found[name]
        if tensor.shape != other.shape or tensor.is_floating_point() != other.is_floating_point():
            raise RunError(
                f"{path} does not belong to its {description}: tensor {name!r} is {_kind(other)} "
                f"and should be {_kind(tensor)}. Export the encoder again."
            )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {tensor.dtype}"
