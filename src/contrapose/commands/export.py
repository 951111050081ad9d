"""`contrapose export`: the encoder for others, as an ONNX file or as a folder with a model card.

Nothing heavy is imported before it is known that there is something to export, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from contrapose.errors import ArgumentError, RunError, did_you_mean
from contrapose.shell import shell_command


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write a run's encoder for others to use: an ONNX file, or a folder with a model card for the Hugging Face hub."""

    run: Positional[str]
    """The run folder, or an encoder folder."""
    to: str = "folder"
    """onnx: one file for onnxruntime, float32 pictures in [0, 1]. folder: weights, description and model card."""
    out: str
    """Where to: FILE.onnx, or a folder that does not exist yet."""


def export(run: str | Path, *, to: str = "folder", out: str | Path, quiet: bool = False) -> Path:
    """Write the encoder of a run for others to use.

    >>> contrapose.export("runs/mmcl-photos", to="onnx", out="model.onnx")      # doctest: +SKIP
    >>> contrapose.export("runs/mmcl-photos", to="folder", out="share/")        # doctest: +SKIP

    Arguments:
        run: run folder or encoder folder.
        to: `"onnx"`: one file, compared with torch by onnxruntime before it is written; its input and output:
            `contrapose.encoders.images.onnx_export.to_onnx`. `"folder"`: `encoder.safetensors` and `encoder.json` byte
            for byte, which `contrapose.load` reads, and a `README.md` that is a model card; ready for
            `huggingface_hub.upload_folder`.
        out: the `.onnx` file or the folder to write. What is there already is never overwritten; an interrupted
            export leaves nothing under this name.
        quiet: print nothing.

    Returns the path that was written.

    Errors:
        ArgumentError: an unknown `to`, or an `out` that exists or cannot be of this kind.
        RunError: no encoder in `run`, or it is damaged; a damaged `evaluation.json`; an encoder that cannot be
            converted.
        MissingExtraError: `to="onnx"` without the `export` extra.
    """
    if to not in EXPORTERS:
        raise ArgumentError(f"Cannot export to {to!r}.{did_you_mean(to, EXPORTERS)}")
    target = Path(out)
    if target.exists() and not (to == "folder" and target.is_dir() and not any(target.iterdir())):
        raise ArgumentError(f"{target} exists already and is not overwritten. Give another name with --out.")
    line = EXPORTERS[to](Path(run), target)
    if not quiet:
        print(line)
    return target


def _encoder_folder(run: Path) -> Path:
    """Where the encoder of a run (or of an encoder folder by itself) lies."""
    is_run = (run / "config.json").is_file()
    folder = run / "encoder" if is_run else run
    if (folder / "encoder.json").is_file():
        return folder
    if is_run:
        raise RunError(
            f"{run} has no encoder to export: it stopped before its first checkpoint. "
            f"Continue it with: {shell_command('train', '--resume', run)}"
        )
    what = "is neither a run folder nor an encoder folder" if run.is_dir() else "does not exist"
    raise RunError(f"{run} {what}. Give the folder that contrapose train wrote.")


def _to_onnx(run: Path, out: Path) -> str:
    from contrapose.atomic import write_atomically
    from contrapose.encoders import ImageEncoder, load_encoder
    from contrapose.encoders.images.onnx_export import require_onnx, to_onnx

    if out.suffix != ".onnx":
        raise ArgumentError(f"An ONNX file is called NAME.onnx, got {out.name!r}. Give --out {out.stem}.onnx")
    if not out.parent.is_dir():
        raise ArgumentError(
            f"The folder {out.parent} does not exist, so {out.name} cannot be written there; create it first."
        )
    require_onnx()  # before the work, not after it
    encoder = load_encoder(_encoder_folder(run))
    if not isinstance(encoder, ImageEncoder):
        raise RunError(
            f"{run} is an encoder of {encoder.modality} data, which cannot become an ONNX file yet: what prepares the "
            "samples is no part of the network. Take --to folder."
        )
    model = to_onnx(encoder)
    write_atomically(out, model.content)
    side = encoder.image_size
    shape = f"(batch, {encoder.channels}, {side}, {side})"
    return (
        f"Wrote {out} ({len(model.content) / 1e6:.1f} MB): float32 {shape} in [0, 1] to (batch, {encoder.dimension}). "
        f"Largest difference from torch: {model.difference:.1e} (largest number in an embedding: {model.scale:.2g})"
    )


def _to_folder(run: Path, out: Path) -> str:
    from contrapose.commands.model_card import card_of

    source = _encoder_folder(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed: nobody uploads half a folder.
    temporary = out.resolve().with_name(f".{out.resolve().name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        for file in source.iterdir():  # what is missing is reported by what reads the copies
            if file.is_file() and file.suffix != ".tmp":
                shutil.copyfile(file, temporary / file.name)
        # The copies are described, not the source: a run that still trains replaces its encoder meanwhile.
        card = card_of(run, temporary, name=out.resolve().name)
        (temporary / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return (
        f"Wrote {out}: encoder.safetensors, encoder.json and README.md, a model card. Read it, name a licence in it, "
        "then share the folder; contrapose.load reads it."
    )


EXPORTERS: dict[str, Callable[[Path, Path], str]] = {"onnx": _to_onnx, "folder": _to_folder}
"""What `--to` takes: a function of the run and where to write, that returns a line for the user."""
