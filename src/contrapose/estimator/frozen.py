"""An encoder as bytes, for pickling an estimator without pickling code."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from contrapose.encoders import Encoder, load_encoder, save_encoder


def to_bytes(encoder: Encoder) -> dict[str, bytes]:
    """The files of the encoder's folder (see `contrapose.encoders.save_encoder`) by name."""
    with TemporaryDirectory() as folder:
        save_encoder(encoder, folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def from_bytes(files: dict[str, bytes]) -> Encoder:
    """The encoder of `to_bytes`, in eval mode on the CPU.

    Errors:
        RunError: damaged, or written by a newer version.
    """
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / Path(name).name).write_bytes(content)
        return load_encoder(folder)
