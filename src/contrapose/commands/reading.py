"""How a command reads its data: by the columns that were asked for, else by those that the run itself was read by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contrapose.data import Samples
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError

COLUMNS = ("image_column", "text_column", "label_column")


@dataclass(frozen=True)
class Reading:
    """Options of `open_data` that say where pictures and labels are.

    Arguments:
        asked: those of the call; `None` where it names none.
        usual: columns of the run's own data, which stand in for what was not asked wherever data have such columns.
    """

    asked: dict[str, Any] = field(default_factory=dict)
    usual: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: str | Path, *, image_column: str | None, label_column: str | None, labels: Any) -> Reading:
        """As asked, with the columns in the run's `config.json` behind it; an encoder by itself has none."""
        asked = {"image_column": image_column, "label_column": label_column, "labels": labels}
        try:
            config = json.loads((Path(run) / "config.json").read_bytes())["config"]
            usual = {name: config[name] for name in COLUMNS if config.get(name) and asked.get(name) is None}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or damaged: others say so
            usual = {}
        return cls(asked, usual)

    def open(self, embedder: Embedder, data: Any, **options: Any) -> Samples:
        """The data at the encoder's resolution.

        Errors:
            ArgumentError: a column was asked for that the data do not have.
            DataError: the data cannot be read.
        """
        asked = {**self.asked, **options}
        if self.usual:
            try:
                return embedder.open(data, **{**asked, **self.usual})
            except ArgumentError:
                pass  # other columns than the run's own data: by their usual names
        return embedder.open(data, **asked)
