"""The scores behind an evaluation, item by item: what `contrapose compare` pairs. Kept beside `evaluation.json`."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.commands.measuring import measuring_command
from contrapose.errors import RunError
from contrapose.evaluation import Metric
from contrapose.tasks.setting import Setting

FORMAT = 1  # raised whenever the protocol of a metric changes, since such scores cannot be paired any more
HEADER = "header"  # the key of the JSON text beside the arrays
DRAWS = "draws:"  # what the keys of draws begin with; those of items have no such mark

Arms = dict[str, dict[str, Metric]]  # arm -> metric's name -> metric


@dataclass(frozen=True)
class Scores:
    """An evaluation with its items.

    Arguments:
        data: what was evaluated on, in a sentence.
        setting: what has to be equal for pairing.
        arms: the metrics, with their items where they have any.
        older: the file was written before the encoder was: training went on after it.
        notes: what a reader of the numbers should know.
    """

    data: str
    setting: Setting
    arms: Arms
    older: bool = False
    notes: tuple[str, ...] = ()

    def save(self, file: Path) -> None:
        """Write an `.npz`, whole or not at all.

        Errors:
            RunError: the disk is full or cannot be written.
        """
        header = {
            "format": FORMAT,
            "data": self.data,
            "notes": list(self.notes),
            "setting": asdict(self.setting),
            "arms": {arm: {name: metric.to_dict() for name, metric in of.items()} for arm, of in self.arms.items()},
        }
        items = {
            _key(arm, name): metric.items
            for arm, metrics in self.arms.items()
            for name, metric in metrics.items()
            if metric.items is not None
        }
        items |= {
            _key(arm, name, DRAWS): metric.draws
            for arm, metrics in self.arms.items()
            for name, metric in metrics.items()
            if metric.draws is not None
        }
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {HEADER: np.array(json.dumps(header)), **items}
        np.savez_compressed(buffer, **arrays)
        write_atomically(file, buffer.getvalue())

    @classmethod
    def read(cls, run: Path, file: Path, encoder: Path) -> Scores:
        """What `save` wrote for a run.

        Errors:
            RunError: nothing there, damaged, or of another version.
        """
        again = f"Measure it with: {measuring_command(run)}, or give all runs' data here with --data."
        if not file.is_file():
            raise RunError(f"{run} has no scores to compare ({file.name} is missing). {again}")
        try:
            with np.load(file, allow_pickle=False) as archive:
                header = json.loads(str(archive[HEADER]))
                if header["format"] != FORMAT:
                    raise RunError(f"{file} is of another version of contrapose (format {header['format']}). {again}")
                arms = {arm: _metrics(arm, found, archive) for arm, found in header["arms"].items()}
                setting = Setting.from_dict(header["setting"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(f"{file} is damaged and cannot be read ({error}). {again}") from error
        weights = encoder / "encoder.safetensors"
        older = weights.is_file() and file.stat().st_mtime < weights.stat().st_mtime
        return cls(header["data"], setting, arms, older, tuple(header.get("notes", ())))


def _metrics(arm: str, found: dict[str, dict[str, Any]], archive: Any) -> dict[str, Metric]:
    metrics = {}
    for name, values in found.items():
        items, draws = archive.get(_key(arm, name)), archive.get(_key(arm, name, DRAWS))
        metrics[name] = replace(Metric(**values), items=items, draws=draws)
    return metrics


def _key(arm: str, name: str, what: str = "") -> str:
    return f"{what}{arm}/{name}"
