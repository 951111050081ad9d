"""How a command reads its data: by the columns that were asked for, else by those that the run itself was read by."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from contrapose.data import Samples
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES

COLUMNS = ("label_column", *(name for kind in MODALITIES.values() for name in kind.reading if name.endswith("_column")))
"""Options that name a column, of any kind of data: what of its reading a run remembers for other data."""


@dataclass(frozen=True)
class Reading:
    """Options of opening that say where samples and labels are.

    Arguments:
        asked: those of the call; `None` where it names none.
        usual: columns of the run's own data, which stand in for what was not asked wherever data have such columns.
    """

    asked: dict[str, Any] = field(default_factory=dict)
    usual: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: str | Path, **asked: Any) -> Reading:
        """As asked (`None`: not), with the columns in the run's `config.json` behind it; an encoder by itself has
        none."""
        asked = {name: value for name, value in asked.items() if value is not None}
        try:
            config = json.loads((Path(run) / "config.json").read_bytes())["config"]
            usual = {name: config[name] for name in COLUMNS if config.get(name) and name not in asked}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or damaged: others say so
            usual = {}
        return cls(asked, usual)

    def open(self, embedder: Embedder, data: Any, **options: Any) -> Samples:
        """The data in the form that the encoder takes.

        Errors:
            ArgumentError: a column was asked for that the data do not have, or an option of another kind of data.
            DataError: the data cannot be read.
        """
        asked = {**self.asked, **options}
        for count in range(len(self.usual), 0, -1):
            for names in combinations(self._by_weight, count):
                with suppress(ArgumentError):  # not all columns of the run's own data: by as many as there are
                    return embedder.open(data, **{**asked, **{name: self.usual[name] for name in names}})
        return embedder.open(data, **asked)

    @property
    def _by_weight(self) -> list[str]:
        """Columns of samples before those of targets: of two that exclude each other the first is kept."""
        return sorted(self.usual, key=lambda name: name in ("label_column", "number_column"))
