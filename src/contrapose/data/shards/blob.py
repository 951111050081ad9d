"""Many texts in one block of bytes, made into `str` when they are asked for: a third of what a list of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Blob(Sequence[str]):
    """N texts in UTF-8, one behind the other.

    Shapes:
        content: `(bytes,)` uint8, an array or a memory map.
        ends: `(N,)` int64, where each text ends.
    """

    def __init__(self, content: np.ndarray, ends: np.ndarray) -> None:
        self.content, self.ends = content, ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Blob:
        """These texts."""
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        content = np.frombuffer(b"".join(parts), np.uint8)  # (bytes,)
        return cls(content, np.cumsum([len(part) for part in parts], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row = int(row) % len(self)
        start = int(self.ends[row - 1]) if row else 0
        return self.content[start : int(self.ends[row])].tobytes().decode("utf-8", "surrogatepass")


class Numbered(Sequence[str]):
    """The numbers 0 to N - 1 as texts: what rows of a table are called."""

    def __init__(self, count: int) -> None:
        self.length = count

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [str(one) for one in range(*row.indices(self.length))]
        if not -self.length <= row < self.length:
            raise IndexError(row)
        return str(int(row) % self.length)
