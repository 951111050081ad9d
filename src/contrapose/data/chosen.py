"""Some rows of a sequence, none of which is read before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Chosen(Sequence[Any]):
    """Some rows of a (lazy) sequence."""

    def __init__(self, whole: Sequence[Any], rows: np.ndarray) -> None:
        self.whole = whole
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        return self.whole[int(self.rows[row])]
