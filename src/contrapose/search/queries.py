"""What may be asked: a picture in any form, many of them, or embeddings that were computed before."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from contrapose.data import Skipped
from contrapose.data.walk import SUFFIXES
from contrapose.embedder import Embedder


@dataclass(frozen=True)
class Query:
    """Embeddings to look for, and what each is called.

    Shapes:
        rows: `(T, D)`, not normalised.
    """

    rows: Float[np.ndarray | Tensor, "T D"]
    names: Sequence[str]
    skipped: Sequence[Skipped] = ()


def read_query(embedder: Embedder, query: Any) -> Query:
    """Embed what is asked for.

    Arguments:
        query: a picture file, a Pillow image, or whatever `open_data` takes (a folder, `.npz`, an array, ...). A `.npz`
            with an array `embeddings` and a `.npy` of two dimensions, as `contrapose embed` writes them, are taken as
            embeddings of this encoder.

    Errors:
        DataError: it cannot be read. Of several pictures, those that cannot are skipped and listed.
    """
    from PIL.Image import Image

    if isinstance(query, str | os.PathLike):
        found = _stored_rows(Path(query))
        if found is not None:
            return found
        if Path(query).suffix.lower() in SUFFIXES and Path(query).is_file():
            query = [query]
    elif isinstance(query, Image):
        query = [query]
    images = embedder.open(query) if hasattr(query, "batch") else embedder.open(query, cache=False, progress=False)
    return Query(embedder.embed(images), images.identifiers, images.skipped)


def _stored_rows(path: Path) -> Query | None:
    """Embeddings in a file; `None` when it holds pictures, or nothing that numpy can read (others say why)."""
    if path.suffix.lower() not in (".npz", ".npy") or not path.is_file():
        return None
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _named(loaded, None) if loaded.ndim == 2 else None
        with loaded as archive:
            if "embeddings" not in archive.files:
                return None
            return _named(archive["embeddings"], archive["identifiers"] if "identifiers" in archive.files else None)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        return None


def _named(rows: np.ndarray, names: np.ndarray | None) -> Query:
    fitting = names is not None and len(names) == len(rows)
    return Query(rows, [str(name) for name in names] if fitting and names is not None else _numbers(len(rows)))


def _numbers(count: int) -> list[str]:
    return [str(row) for row in range(count)]
