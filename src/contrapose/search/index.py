"""`Index`: pictures that were embedded once, and can be asked for the ones most like another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from contrapose.data import Samples, class_texts
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, RunError, did_you_mean
from contrapose.evaluation.inputs import as_rows, positive_integer
from contrapose.evaluation.similarity import directions
from contrapose.search import stored
from contrapose.search.approximate import FaissSearch
from contrapose.search.embedded import Embedded
from contrapose.search.exact import exact
from contrapose.search.matches import Matches
from contrapose.search.queries import Query, read_query
from contrapose.shell import shell_command

Search = Callable[[Tensor, int], tuple[Tensor, Tensor]]  # (T, D), k -> (T, k) cosines, (T, k) rows

BACKENDS = ("exact", "faiss")


class Index:
    """Unit embeddings of pictures with their identifiers and labels, made by one encoder.

    >>> index = Index.build(contrapose.load("runs/mmcl-photos"), "photos/")        # doctest: +SKIP
    >>> index.query("cat.jpg", k=3)[0][0]                                          # doctest: +SKIP
    Hit(rank=1, similarity=0.93, identifier='cats/017.jpg', label='cats')

    Shapes:
        embeddings: `(N, D)` float32, every row of length 1.

    A picture whose embedding is all zeros has no cosine with anything; such are left out. `left_out` lists them, and
    those that could not be read.
    """

    def __init__(self, embedder: Embedder, embeddings: Float[Tensor, "N D"], about: stored.Description) -> None:
        self.embedder = embedder
        self.embeddings = embeddings
        self.about = about
        self._faiss: FaissSearch | None = None

    @classmethod
    def build(cls, embedder: Embedder, data: Any, **options: Any) -> Index:
        """Embed `data` and make an index of it.

        Arguments:
            embedder: what `contrapose.load` returns.
            data: what `--data` takes, arrays, or `Samples`; or `Embedded`, what was embedded before.
            options: of `open_data` (`limit=`, `label_column=`, ...), for data that is not `Samples` yet.

        Errors:
            DataError: nothing in it can be read.
            ArgumentError: embeddings that are not finite, or all zeros.
        """
        if isinstance(data, Embedded):
            return cls._of_rows(embedder, data, data.rows, data.names, data.labels)
        images = embedder.open(data, **options)
        skipped = [f"{item.path} ({item.reason})" for item in images.skipped]
        rows = embedder.embed(images)  # (N, D)
        return cls._of_rows(embedder, images, rows, images.identifiers, class_texts(images), skipped)

    @classmethod
    def _of_rows(
        cls,
        embedder: Embedder,
        source: Samples | Embedded,
        embedded: np.ndarray,
        names: Sequence[str],
        labels: Sequence[str | None] | None,
        skipped: Sequence[str] = (),
    ) -> Index:
        rows = as_rows(embedded, f"the embeddings of {source.origin}")  # (N, D)
        if rows.shape[1] != embedder.dimension:
            raise ArgumentError(
                f"The embeddings of {source.origin} have {rows.shape[1]} numbers and those of the encoder "
                f"{embedder.dimension}: embed with the encoder that is searched with."
            )
        unit, zero = directions(rows)  # (N, D), (N,)
        if bool(zero.all()):
            raise ArgumentError(f"All {len(rows)} embeddings are zero: the encoder is dead, or was not trained.")
        excerpt = getattr(source, "excerpt", None)
        kept = (~zero).nonzero()[:, 0].tolist()  # (n,)
        about = stored.Description(
            encoder=stored.encoder_fingerprint(embedder),
            data=source.fingerprint,
            origin=source.origin,
            identifiers=[names[row] for row in kept],
            labels=None if labels is None else [labels[row] for row in kept],
            excerpts=None if excerpt is None or excerpt(0) is None else [excerpt(row) for row in kept],
            left_out=[*skipped, *(f"{names[row]} (embedding of zeros)" for row in zero.nonzero()[:, 0].tolist())],
        )
        return cls(embedder, unit[kept], about)

    @classmethod
    def open(cls, folder: Path | str, embedder: Embedder, *, data: Samples | Embedded | None = None) -> Index:
        """An index that was saved, after a look that it is of this encoder and, where given, of this data.

        Errors:
            RunError: no index there, damaged, or made by another encoder or from other pictures.
        """
        embeddings, about = stored.read(Path(folder))
        again = shell_command("search", "...", "--index", folder, "--rebuild")
        remedy = f"rebuild it: {again}, or Index.build(...).save(...)."
        if about.encoder != stored.encoder_fingerprint(embedder):
            raise RunError(f"The index {folder} was made with another encoder (or before more training); {remedy}")
        if data is not None and not data.recorded_as(about.data):
            raise RunError(
                f"The index {folder} does not match {data.origin}: files were added, changed or removed, or it was "
                f"made from other data ({about.origin}); {remedy}"
            )
        return cls(embedder, embeddings, about)

    def save(self, folder: Path | str) -> None:
        """Write the index: `embeddings.safetensors` and `index.json`.

        Errors:
            ArgumentError: the folder holds something else.
            RunError: it cannot be written.
        """
        stored.write(Path(folder), self.embeddings, self.about)

    def query(self, pictures: Any, k: int = 10, *, backend: str = "exact") -> Matches:
        """The k pictures of the index most like each of `pictures`.

        Arguments:
            pictures: a picture file, a Pillow image, or what `open_data` takes; see `read_query`.
            k: neighbours, cut to the length of the index. 10: a screenful, and what CLI tools usually show.
            backend: `"exact"`, or `"faiss"` for many queries (extra `search`).

        Errors:
            DataError: the pictures cannot be read.
            ArgumentError: an unknown backend, or a k that is no positive number.
            MissingExtraError: faiss is not installed.
        """
        return self.query_rows(read_query(self.embedder, pictures), k, backend=backend)

    def query_rows(self, rows: Query | np.ndarray | Tensor, k: int = 10, *, backend: str = "exact") -> Matches:
        """As `query`, for embeddings `(T, D)` of this encoder."""
        query = rows if isinstance(rows, Query) else Query(rows, [str(row) for row in range(len(rows))])
        wanted = self._checked(query)  # (T, D)
        cosine, where = self._search(backend)(wanted, min(positive_integer(k, "k"), len(self)))  # (T, k), (T, k)
        return Matches(
            similarity=cosine.cpu().numpy(),
            rows=where.cpu().numpy(),
            queries=query.names,
            identifiers=self.identifiers,
            labels=self.labels,
            excerpts=self.about.excerpts,
            skipped=query.skipped,
            left_out=self.left_out,
            asked=query.excerpts,
            words=query.words,
            notes=query.notes,
        )

    @property
    def identifiers(self) -> Sequence[str]:
        """N texts: path relative to the data, or row number."""
        return self.about.identifiers

    @property
    def labels(self) -> Sequence[str | None] | None:
        """N class names, where the data has labels; `None` for a picture without one."""
        return self.about.labels

    @property
    def left_out(self) -> Sequence[str]:
        """Pictures that are not in the index, each with the reason."""
        return self.about.left_out

    def __len__(self) -> int:
        return len(self.embeddings)

    def __repr__(self) -> str:
        return f"Index({len(self):,} embeddings of {self.embeddings.shape[1]} dimensions, from {self.about.origin})"

    def _checked(self, query: Query) -> Tensor:
        rows = as_rows(query.rows, "the query").to(self.embeddings)  # (T, D)
        if rows.shape[1] != self.embeddings.shape[1]:
            raise ArgumentError(
                f"The query's rows have {rows.shape[1]} numbers and the index has {self.embeddings.shape[1]}: embed "
                "both with the same encoder. Pictures are given as (T, H, W), (T, H, W, C) or (T, C, H, W)."
            )
        unit, zero = directions(rows)  # (T, D), (T,)
        if bool(zero.any()):
            names = [name for name, empty in zip(query.names, zero.tolist(), strict=True) if empty]
            raise ArgumentError(
                f"{len(names)} of {len(rows)} queries have an embedding of zeros (first: {names[0]}), which is like "
                "nothing. Leave them out."
            )
        return unit

    def _search(self, backend: str) -> Search:
        if backend not in BACKENDS:
            raise ArgumentError(f"Unknown backend {backend!r}.{did_you_mean(str(backend), BACKENDS)}")
        if backend == "exact":
            return lambda rows, k: exact(self.embeddings, rows, k)
        if self._faiss is None:
            self._faiss = FaissSearch(self.embeddings)
        return self._faiss
