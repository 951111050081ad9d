"""An index as a folder: `embeddings.safetensors` and `index.json`, which says what they were made from.

Nothing in such a folder is ever executed: numbers come from safetensors, all else from JSON.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, RunError
from contrapose.version import __version__

FORMAT = 1
EMBEDDINGS, DESCRIPTION = "embeddings.safetensors", "index.json"


@dataclass(frozen=True)
class Description:
    """What `index.json` says beside its format.

    Arguments:
        encoder, data: fingerprints of what the embeddings were made with and from.
        origin: where the pictures come from, for people.
        identifiers, labels: one text a row; of labels `None` where a picture has none.
        left_out: samples that are not in the index, each with the reason.
        excerpts: the beginning of each, of samples that are read rather than looked at.
    """

    encoder: str
    data: str
    origin: str
    identifiers: list[str]
    labels: list[str | None] | None
    left_out: list[str]
    excerpts: list[str] | None = None


_NAMES = [field.name for field in fields(Description)]


def encoder_fingerprint(embedder: Embedder) -> str:
    """A hash of the architecture, of what it takes and of every weight: another training step, and it is
    another encoder."""
    encoder = embedder.encoder
    digest = hashlib.sha256(json.dumps([encoder.name, encoder.form]).encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)  # (numel,)
        digest.update(plain.view(torch.uint8).numpy().data)  # bytes
    return digest.hexdigest()


def is_index(folder: Path) -> bool:
    """Whether an index lies there.

    Errors:
        ArgumentError: something else does, which an index must not be mixed with.
    """
    if (folder / DESCRIPTION).is_file():
        return True
    if folder.is_file() or (folder.is_dir() and any(not item.name.startswith(".") for item in folder.iterdir())):
        raise ArgumentError(f"{folder} exists and is no index (it has no {DESCRIPTION}): name a new folder for it.")
    return False


def write(folder: Path, embeddings: Tensor, description: Description) -> None:
    """Write both files; a crash between the two leaves an index that says it is damaged, never a wrong one.

    Errors:
        ArgumentError: the folder holds something else.
        RunError: the folder cannot be written, or the disk is full.
    """
    is_index(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"Could not create the index folder {folder}: {error.strerror}.") from error
    content = safetensors.torch.save({"embeddings": embeddings.contiguous()})
    checksum = hashlib.sha256(content).hexdigest()
    head: dict[str, Any] = {"format": FORMAT, "contrapose": __version__, "checksum": checksum}
    write_atomically(folder / EMBEDDINGS, content)
    write_atomically(folder / DESCRIPTION, (json.dumps(head | asdict(description), indent=1) + "\n").encode())


def read(folder: Path) -> tuple[Tensor, Description]:
    """The embeddings `(N, D)` and what is known of them.

    Errors:
        RunError: no index there, damaged, or written by a newer version.
    """
    try:
        found = json.loads((folder / DESCRIPTION).read_bytes())
        version, checksum = int(found["format"]), found["checksum"]
        if version > FORMAT:
            raise RunError(
                f"{folder} was written by contrapose {found.get('contrapose')} (format {version}); this version reads "
                f"up to {FORMAT}. Update contrapose, or rebuild the index."
            )
        description = Description(**{name: found.get(name) if name == "excerpts" else found[name] for name in _NAMES})
        content = (folder / EMBEDDINGS).read_bytes()
        if hashlib.sha256(content).hexdigest() != checksum:
            raise ValueError(f"{EMBEDDINGS} does not belong to {DESCRIPTION}")
        embeddings = safetensors.torch.load(content)["embeddings"]  # (N, D)
        if len(embeddings) != len(description.identifiers):
            raise ValueError(f"{len(embeddings)} embeddings and {len(description.identifiers)} identifiers")
    except FileNotFoundError as error:
        raise RunError(f"{folder} is no index: {Path(error.filename).name} is missing. Build it first.") from None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise RunError(f"The index {folder} is damaged ({error}). Rebuild it.") from error
    return embeddings, description
