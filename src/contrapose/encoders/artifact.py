"""An encoder as a folder: `encoder.safetensors` (weights, normalisation), `encoder.json` (how to rebuild).

Nothing in such a folder is ever executed: tensors come from safetensors and never from a pickle, the
architecture from a registered name with JSON arguments, and no pretrained weights are fetched.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.encoders.factory import build, factory_of
from contrapose.encoders.image_encoder import ImageEncoder
from contrapose.errors import ArgumentError, MissingExtraError, RunError
from contrapose.preparation import Preparation

FORMAT = 1
WEIGHTS, DESCRIPTION = "encoder.safetensors", "encoder.json"


@dataclass(frozen=True)
class Architecture:
    """All of `encoder.json` but the format: what to build, and what else was said about it."""

    contrapose: str  # the version that wrote it
    encoder: str
    arguments: dict[str, Any]
    channels: int
    image_size: int
    dimension: int
    extra: dict[str, Any] = field(default_factory=dict)
    preparation: dict[str, Any] = field(default_factory=dict)  # empty: of a version that kept none

    def build(self, seed: int) -> ImageEncoder:
        """The same architecture with new weights drawn from `seed`; nothing is fetched from anywhere."""
        if self.encoder.startswith("hf:") and not isinstance(self.arguments.get("config"), dict):
            raise ArgumentError(f"{self.encoder!r} comes without its config, which would have to be fetched.")
        arguments = {key: False if key == "pretrained" else value for key, value in self.arguments.items()}
        return build(
            self.encoder,
            channels=self.channels,
            image_size=self.image_size,
            seed=seed,
            preparation=Preparation.from_json(self.preparation),
            **arguments,
        )


def save_encoder(encoder: ImageEncoder, folder: Path | str, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write both files, each under a temporary name first: a crash never leaves half a file.

    Arguments:
        extra: anything JSON to keep with the encoder, e.g. the names of classes or the step it comes from.

    Errors:
        ArgumentError: `extra` is not JSON; an encoder that `load_encoder` could not rebuild from its name.
    """
    factory_of(encoder.name)
    folder = Path(folder)
    description = {"format": FORMAT, **asdict(_describe(encoder, extra or {}))}
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
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def architecture_of(folder: Path | str) -> Architecture:
    """Read `encoder.json`.

    Errors:
        RunError: the file is missing or damaged, or was written by a newer version.
    """
    path = Path(folder) / DESCRIPTION
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"There is no encoder in {Path(folder)}: {DESCRIPTION} is missing.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged (not JSON: {error}). Export the encoder again.") from None
    version = found.get("format") if isinstance(found, dict) else None
    version = version if type(version) is int else None  # True is 1 to Python
    if version is not None and version > FORMAT:
        raise RunError(
            f"{path} has format {version}, written by contrapose {found.get('contrapose')}; "
            f"this version reads up to {FORMAT}. Update contrapose."
        )
    kinds: dict[str, type] = {"contrapose": str, "encoder": str, "arguments": dict, "extra": dict}
    kinds |= {"channels": int, "image_size": int, "dimension": int}
    wrong = [key for key, kind in kinds.items() if version == FORMAT and not isinstance(found.get(key), kind)]
    if version != FORMAT or wrong:
        what = f"has no usable {wrong[0]!r}" if wrong else "states no format"
        raise RunError(f"{path} is damaged: it {what}. Export the encoder again.")
    return Architecture(**{key: found[key] for key in kinds}, preparation=found.get("preparation", {}))


def encoder_folder(path: Path | str) -> Path:
    """Where the encoder of `path` lies: of a run folder, in its `encoder/`; an encoder's folder is its own.

    Errors:
        RunError: there is no such folder.
    """
    path = Path(path)
    folder = path / "encoder" if (path / "config.json").is_file() else path
    if not folder.is_dir():
        raise RunError(
            f"{path} holds no encoder: it is neither a run folder (did the run stop before its first checkpoint?) "
            "nor a folder with encoder.json and encoder.safetensors."
        )
    return folder


def load_encoder(folder: Path | str) -> ImageEncoder:
    """The encoder of a folder, in eval mode on the CPU; the global random state is left as it was.

    Errors:
        RunError: a file is missing or damaged, was written by a newer version, or the two do not belong
            together.
        MissingExtraError: a `timm:` or `hf:` encoder without its library.
    """
    folder = Path(folder)
    architecture = architecture_of(folder)
    encoder = _construct(architecture, folder)
    state = _read_weights(folder / WEIGHTS)
    _compare(encoder.state_dict(), state, folder / WEIGHTS)
    encoder.load_state_dict(state, assign=True)  # assign keeps the precision that the encoder was saved in
    return encoder.eval()


def untrained_like(source: ImageEncoder | Path | str, seed: int) -> ImageEncoder:
    """The same architecture and normalisation with first weights from `seed`, in eval mode: a floor.

    Errors:
        RunError: as `load_encoder`, where `source` is a folder.
    """
    trained = source if isinstance(source, ImageEncoder) else load_encoder(source)
    encoder = _describe(trained, {}).build(seed).to(trained.mean)  # its device and dtype
    encoder.mean.copy_(trained.mean)
    encoder.std.copy_(trained.std)
    return encoder.eval()


def _describe(encoder: ImageEncoder, extra: Mapping[str, Any]) -> Architecture:
    return Architecture(
        contrapose=_version(),
        encoder=encoder.name,
        arguments=encoder.arguments,
        channels=encoder.channels,
        image_size=encoder.image_size,
        dimension=encoder.dimension,
        extra=dict(extra),
        preparation=encoder.preparation.to_json(),
    )


def _version() -> str:
    try:
        return importlib.metadata.version("contrapose")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree that was not installed
        return "unknown"


def _construct(architecture: Architecture, folder: Path) -> ImageEncoder:
    try:
        encoder = architecture.build(seed=0)
    except MissingExtraError:
        raise
    except (ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise RunError(
            f"{folder / DESCRIPTION} describes an encoder that cannot be built: {_first_line(error)}"
        ) from error
    if encoder.dimension != architecture.dimension:
        raise RunError(
            f"{folder / DESCRIPTION} is damaged: it says dimension {architecture.dimension}, and "
            f"{architecture.encoder!r} with its arguments has {encoder.dimension}. Export the encoder again."
        )
    return encoder


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"There is no encoder in {path.parent}: {path.name} is missing.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} is damaged or truncated, or no safetensors file ({error}). Export the encoder again."
        ) from None


def _compare(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Every tensor there, none besides, each of the right shape and kind; the first difference is named."""
    for names, verb in (
        (expected.keys() - found.keys(), "lacks"),
        (found.keys() - expected.keys(), "has an unknown"),
    ):
        if names:
            raise RunError(
                f"{path} does not belong to its {DESCRIPTION}: it {verb} tensor {min(names)!r} "
                f"({len(names)} in all). Export the encoder again."
            )
    for name, tensor in expected.items():
        other = found[name]
        if tensor.shape != other.shape or tensor.is_floating_point() != other.is_floating_point():
            raise RunError(
                f"{path} does not belong to its {DESCRIPTION}: tensor {name!r} is {_kind(other)} "
                f"and should be {_kind(tensor)}. Export the encoder again."
            )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {tensor.dtype}"
