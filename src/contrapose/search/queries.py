"""What may be asked: a picture in any form, many of them, or embeddings that were computed before."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from contrapose.data import Samples, Skipped
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError
from contrapose.modalities import modality_of
from contrapose.search.embedded import read_embedded


@dataclass(frozen=True)
class Query:
    """Embeddings to look for, what each is called, and how those begin that are read rather than looked at, with
    the words of texts.

    Shapes:
        rows: `(T, D)`, not normalised.
    """

    rows: Float[np.ndarray | Tensor, "T D"]
    names: Sequence[str]
    skipped: Sequence[Skipped] = ()
    excerpts: Sequence[str] | None = None
    words: Sequence[frozenset[str]] | None = None
    notes: Sequence[str] = ()
    kind: str | None = None
    """Of what data it is; None: not known, of embeddings."""


def read_query(embedder: Embedder, query: Any, *, open_pictures: Callable[..., Samples] | None = None) -> Query:
    """Embed what is asked for.

    Arguments:
        query: a picture file, a Pillow image, some words, or whatever `open_data` takes (a folder, `.npz`, an array,
            ...). A file that `contrapose embed` wrote (see `read_embedded`) is taken as embeddings of this encoder.
        open_pictures: what opens pictures for the encoder, e.g. with the names of columns; `None`: `embedder.open`.

    Errors:
        ArgumentError: nothing, or blanks alone.
        DataError: it cannot be read. Of several pictures, those that cannot are skipped and listed.
    """
    if isinstance(query, str | os.PathLike):
        found = read_embedded(query)
        if found is not None:
            return Query(found.rows, found.names)
    kind = modality_of(embedder.encoder)
    if isinstance(query, str) and not query.strip():
        raise ArgumentError(f"The query is empty: give one of {kind.plural}, or a file of several.")
    query = kind.as_query(query)
    opened = open_pictures or embedder.open
    images = opened(query) if hasattr(query, "batch") else opened(query, cache=False, progress=False)
    excerpts = [excerpt for row in range(len(images)) if (excerpt := images.excerpt(row)) is not None]
    notes = kind.read_by(embedder.encoder, images)
    words = [own for row in range(len(images)) if (own := images.words(row)) is not None]
    return Query(
        embedder.embed(images),
        images.identifiers,
        images.skipped,
        excerpts or None,
        words or None,
        notes,
        images.modality,
    )
