"""What is written of an encoder, `encoder.json`: enough to build the same one again."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contrapose.encoders.encoder import Encoder
from contrapose.errors import ArgumentError, RunError

FORMAT = 2  # 1 knew pictures only
DESCRIPTION = "encoder.json"

_REBUILD = {
    "graph": ("contrapose.encoders.graphs.graph_encoder", "rebuild_graphs", "graph_factory_of"),
    "image": ("contrapose.encoders.images.factory", "rebuild_image", "factory_of"),
    "items": ("contrapose.encoders.items.factory", "rebuild_items", "item_factory_of"),
    "frames": ("contrapose.encoders.frames.frame_encoder", "rebuild_frames", "frame_factory_of"),
    "pairs": ("contrapose.encoders.pairs.factory", "rebuild_towers", "tower_factory_of"),
    "rows": ("contrapose.encoders.rows.row_encoder", "rebuild_rows", "row_factory_of"),
    "text": ("contrapose.encoders.texts.factory", "rebuild_text", "text_factory_of"),
}
"""Modality -> a module, imported when it is needed; its function that makes an encoder anew from what is written of it;
and the one that refuses names of which it could make none."""

Rebuild = Callable[[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, bytes], int], Encoder]
"""`(name, arguments, form, files, seed)` -> the encoder that these describe, with new weights from the seed."""

_FOREIGN: dict[str, Rebuild] = {}


def rebuild_with(modality: str, make: Rebuild) -> None:
    """Let `make` rebuild encoders of a kind of data that is not of the house: `contrapose.modalities.register` does."""
    _FOREIGN[modality] = make


@dataclass(frozen=True)
class Architecture:
    """All of `encoder.json` but the format: what to build, and what else was said about it.

    Arguments:
        contrapose: the version that wrote it.
        form: what the encoder takes, `{"modality": ..., ...}`.
        files: names of what lies beside weights and description.
    """

    contrapose: str
    encoder: str
    arguments: dict[str, Any]
    form: dict[str, Any]
    dimension: int
    extra: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def modality(self) -> str:
        """The kind of data that the encoder takes."""
        return str(self.form["modality"])

    def build(self, seed: int, files: Mapping[str, bytes] | None = None) -> Encoder:
        """The same architecture with new weights drawn from `seed`; nothing is fetched from anywhere.

        Arguments:
            files: contents of what lies beside weights and description.
        """
        if self.modality in _REBUILD:
            module, function, _ = _REBUILD[self.modality]
            make: Rebuild = getattr(importlib.import_module(module), function)
        else:
            make = self._foreign()
        return make(self.encoder, self.arguments, self.form, files or {}, seed)

    def check_name(self) -> None:
        """Pass what can be built again.

        Errors:
            ArgumentError: an encoder that nothing of its name would rebuild.
        """
        if self.modality in _REBUILD:
            module, _, function = _REBUILD[self.modality]
            getattr(importlib.import_module(module), function)(self.encoder)
        else:
            self._foreign()

    def _foreign(self) -> Rebuild:
        if self.modality not in _FOREIGN:
            raise ArgumentError(
                f"It takes data of the kind {self.modality!r}, which nobody has registered here: import the module "
                "that does (contrapose.modalities.register), or update contrapose."
            )
        return _FOREIGN[self.modality]


def describe(encoder: Encoder, extra: Mapping[str, Any]) -> Architecture:
    """What there is to be written of an encoder; `extra` is kept with it."""
    return Architecture(
        contrapose=_version(),
        encoder=encoder.name,
        arguments=encoder.arguments,
        form=encoder.form,
        dimension=encoder.dimension,
        extra=dict(extra),
        files=sorted(encoder.files()),
    )


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
    if version == 1:
        found = _from_format_1(found)
    kinds: dict[str, type] = {"contrapose": str, "encoder": str, "arguments": dict, "form": dict, "dimension": int}
    kinds |= {"extra": dict, "files": list}
    wrong = [key for key, kind in kinds.items() if version and not isinstance(found.get(key), kind)]
    if not version or wrong:
        what = f"has no usable {wrong[0]!r}" if wrong else "states no format"
        raise RunError(f"{path} is damaged: it {what}. Export the encoder again.")
    if not isinstance(found["form"].get("modality"), str):
        raise RunError(f"{path} is damaged: its form names no modality. Export the encoder again.")
    return Architecture(**{key: found[key] for key in kinds})


def _from_format_1(found: dict[str, Any]) -> dict[str, Any]:
    """What the first format said of an encoder of pictures, in the words of this one."""
    sizes = ("channels", "image_size")
    if any(not isinstance(found.get(key), int) for key in sizes):
        return {**found, "form": None}
    if found["image_size"] == 1:  # rows of numbers pretended to be pictures of one pixel
        columns = found["channels"]
        form = {"modality": "rows", "mean": [0.0] * columns, "scale": [1.0] * columns}
        return {**found, "form": form, "files": []}
    form = {"modality": "image", **{key: found[key] for key in sizes}, "preparation": found.get("preparation", {})}
    return {**found, "form": form, "files": []}


def _version() -> str:
    try:
        return importlib.metadata.version("contrapose")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree that was not installed
        return "unknown"
