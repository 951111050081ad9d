"""`contrapose export`: the encoder for others, as an ONNX file, a folder with a model card, or a SentenceTransformer.

Nothing heavy is imported before it is known that there is something to export, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from contrapose.errors import ArgumentError, RunError, did_you_mean
from contrapose.shell import shell_command


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write a run's encoder for others to use: an ONNX file, a folder with a model card for the Hugging Face hub, or a
    folder for sentence-transformers."""

    run: Positional[str]
    """The run folder, that of a stage in it (RUN/stages/NAME), or an encoder folder."""
    to: str = "folder"
    """onnx: one file for onnxruntime, of texts with the tokenizer.json that it needs beside it. folder: weights,
    description and model card. sentence-transformers: of texts, a folder that SentenceTransformer(FOLDER) loads."""
    out: str
    """Where to: FILE.onnx, or a folder that does not exist yet."""


def export(run: str | Path, *, to: str = "folder", out: str | Path, quiet: bool = False) -> Path:
    """Write the encoder of a run for others to use.

    >>> contrapose.export("runs/mmcl-photos", to="onnx", out="model.onnx")      # doctest: +SKIP
    >>> contrapose.export("runs/mmcl-photos", to="folder", out="share/")        # doctest: +SKIP

    Arguments:
        run: run folder, or that of a stage in it, or encoder folder.
        to: `"onnx"`: one file, compared with torch by onnxruntime before it is written: from pictures, from numbers of
            tokens (`tokenizer.json` is written beside it), from rows. Its metadata say what it takes; how to run it is
            printed, and stands in `docs/onnx.md`. `"folder"`: `encoder.safetensors` and `encoder.json` byte for byte,
            which `contrapose.load` reads, and a `README.md` that is a model card; ready for
            `huggingface_hub.upload_folder`. `"sentence-transformers"`: of texts, a folder that
            `SentenceTransformer(FOLDER)` loads, with equal embeddings: transformers has compared them before it is
            there. It holds modules of that library and no code.
        out: the `.onnx` file or the folder to write. What is there already is never overwritten; an interrupted
            export leaves nothing under this name.
        quiet: print nothing.

    Returns the path that was written.

    Errors:
        ArgumentError: an unknown `to`, an `out` that exists or cannot be of this kind, another `tokenizer.json` beside
            it.
        RunError: no encoder in `run`, or it is damaged; a damaged `evaluation.json`; an encoder that cannot be
            converted.
        MissingExtraError: `to="onnx"` without the `export` extra.
    """
    if to not in EXPORTERS:
        raise ArgumentError(f"Cannot export to {to!r}.{did_you_mean(to, EXPORTERS)}")
    target = Path(out)
    if target.exists() and not (to != "onnx" and target.is_dir() and not any(target.iterdir())):
        raise ArgumentError(f"{target} exists already and is not overwritten. Give another name with --out.")
    line = EXPORTERS[to](Path(run), target)
    if not quiet:
        print(line)
    return target


def _encoder_folder(run: Path) -> Path:
    """Where the encoder of a run (or of an encoder folder by itself) lies."""
    from contrapose.encoders.artifact import PERTURBATION, encoder_folder
    from contrapose.encoders.stage_folder import no_encoder_there

    for folder in (run / "encoder", run):
        if (folder / "encoder.json").is_file():
            return folder
    if reason := no_encoder_there(run):
        raise RunError(reason)
    if (run / PERTURBATION).is_file():
        return encoder_folder(run)  # which says what an attack has left
    if (run / "config.json").is_file():
        raise RunError(
            f"{run} has no encoder to export: it stopped before its first checkpoint. "
            f"Continue it with: {shell_command('train', '--resume', run)}"
        )
    what = "is neither a run folder nor an encoder folder" if run.is_dir() else "does not exist"
    raise RunError(f"{run} {what}. Give the folder that contrapose train wrote.")


def _to_onnx(run: Path, out: Path) -> str:
    from contrapose.atomic import write_atomically
    from contrapose.encoders import load_encoder
    from contrapose.encoders.onnx_export import require_onnx, to_onnx

    if out.suffix != ".onnx":
        raise ArgumentError(f"An ONNX file is called NAME.onnx, got {out.name!r}. Give --out {out.stem}.onnx")
    if not out.parent.is_dir():
        raise ArgumentError(
            f"The folder {out.parent} does not exist, so {out.name} cannot be written there; create it first."
        )
    require_onnx()  # before the work, not after it
    encoder = load_encoder(_encoder_folder(run))
    beside = {out.parent / name: content for name, content in encoder.onnx_form().files.items()}
    for path, content in beside.items():
        if path.exists() and path.read_bytes() != content:
            raise ArgumentError(
                f"{path} exists already, is another one than has to lie beside {out.name}, and is not overwritten. "
                "Write the model into a folder of its own."
            )
    model = to_onnx(encoder)
    for path, content in [*beside.items(), (out, model.content)]:  # the model last: what it needs is there by then
        write_atomically(path, content)
    use = model.form.use.replace('"model.onnx"', json.dumps(out.as_posix()))
    for path in beside:
        use = use.replace(f'"{path.name}"', json.dumps(path.as_posix()))
    megabytes = len(model.content) / 1e6
    with_it = f" and, which it needs, {', '.join(map(str, beside))}" if beside else ""
    return (
        f"Wrote {out} ({megabytes:.1f} MB){with_it}: {model.form.takes} to (batch, {encoder.dimension}). "
        f"Largest difference from torch: {model.difference:.1e} (largest number in an embedding: {model.scale:.2g})\n"
        f"Run it with:\n\n{textwrap.indent(use, '    ')}"
    )


def _to_folder(run: Path, out: Path) -> str:
    from contrapose.commands.model_card import card_of
    from contrapose.encoders.classifier_folder import classifier_folder

    source = classifier_folder(run) or _encoder_folder(run)
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
    heads = (out / "classifier.json").is_file()
    files = "encoder.safetensors, encoder.json" + (", the same of the classifier" if heads else "")
    reader = "contrapose.load_classifier" if heads else "contrapose.load"
    return (
        f"Wrote {out}: {files} and README.md, a model card. Read it, name a licence in it, then share the folder; "
        f"{reader} reads it."
    )


def _to_sentence_transformers(run: Path, out: Path) -> str:
    from contrapose.commands.export_sentences import write_sentence_transformers

    return write_sentence_transformers(run, _encoder_folder(run), out)


EXPORTERS: dict[str, Callable[[Path, Path], str]] = {
    "onnx": _to_onnx,
    "folder": _to_folder,
    "sentence-transformers": _to_sentence_transformers,
}
"""What `--to` takes: a function of the run and where to write, that returns a line for the user."""
