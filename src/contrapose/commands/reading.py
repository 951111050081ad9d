"""How a command reads its data: by the columns that were asked for, else by those that the run itself was read by."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from contrapose.data import Samples
from contrapose.data.tables.opening import table_of
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder

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
            config = json.loads(RunFolder(run).config_file.read_bytes())["config"]
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
        usual = [name for name in self._there(data) if name not in options]
        for count in range(len(usual), 0, -1):
            for names in combinations(usual, count):
                with suppress(ArgumentError):  # an archive without such an array, or two that exclude each other
                    return embedder.open(data, **{**asked, **{name: self.usual[name] for name in names}})
        return embedder.open(data, **asked)

    def _there(self, data: Any) -> list[str]:
        """Those of the run's columns that a table has (of other data: all, to be tried), those of samples before those
        of targets: of two that exclude each other the first is kept."""
        table = None
        if self.usual:
            with suppress(ContraposeError):  # a table that cannot be read: opening it says so
                table = table_of(data)
        names = [name for name, column in self.usual.items() if table is None or column in table.kinds]
        return sorted(names, key=lambda name: name in ("label_column", "number_column"))
