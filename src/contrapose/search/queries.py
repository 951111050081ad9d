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
from contrapose.modalities import modality_of
from contrapose.search.embedded import read_embedded


@dataclass(frozen=True)
class Query:
    """Embeddings to look for, and what each is called.

    Shapes:
        rows: `(T, D)`, not normalised.
    """

    rows: Float[np.ndarray | Tensor, "T D"]
    names: Sequence[str]
    skipped: Sequence[Skipped] = ()


def read_query(embedder: Embedder, query: Any, *, open_pictures: Callable[..., Samples] | None = None) -> Query:
    """Embed what is asked for.

    Arguments:
        query: a picture file, a Pillow image, some words, or whatever `open_data` takes (a folder, `.npz`, an array,
            ...). A file that `contrapose embed` wrote (see `read_embedded`) is taken as embeddings of this encoder.
        open_pictures: what opens pictures for the encoder, e.g. with the names of columns; `None`: `embedder.open`.

    Errors:
        DataError: it cannot be read. Of several pictures, those that cannot are skipped and listed.
    """
    if isinstance(query, str | os.PathLike):
        found = read_embedded(query)
        if found is not None:
            return Query(found.rows, found.names)
    query = modality_of(embedder.encoder).as_query(query)
    opened = open_pictures or embedder.open
    images = opened(query) if hasattr(query, "batch") else opened(query, cache=False, progress=False)
    return Query(embedder.embed(images), images.identifiers, images.skipped)
