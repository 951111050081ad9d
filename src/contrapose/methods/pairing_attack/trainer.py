"""The training of a delta and a word: besides both, what they take away of pairs that they were not learned on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from contrapose.atomic import write_atomically
from contrapose.encoders import Frozen
from contrapose.methods.pairing_attack.effect import AskedPairs, Change, Table, lines_of
from contrapose.methods.patching.trainer import FILE
from contrapose.training.perturbing import PerturbationTrainer


class PairTrainer(PerturbationTrainer):
    """Trains a `PairAttack`; at its end it asks the towers, and others that it never saw, about pairs kept out.

    Arguments:
        test: those pairs. others: towers by what was given, in words.
    """

    def __init__(self, *arguments: Any, test: Any, others: Mapping[str, Frozen], **options: Any) -> None:
        super().__init__(*arguments, samples=test.pictures, **options)
        self.test, self.others = test, others
        self._said: str | None = None

    def export(self, folder: Path, *, step: int) -> None:
        super().export(folder, step=step)
        if step < self.total_steps:
            return
        tables, change = self.measured()
        learner: Any = self.learner
        towers = {_title(learner.victim, "attacked"): learner.victim}
        towers |= {_title(one, "never seen"): one for one in self.others.values()}
        told = {
            "pairs": len(self.test),
            "radius": change.radius,
            "word": change.word,
            "towers": [
                {
                    "source": one.source,
                    "encoder": one.name,
                    "fingerprint": one.fingerprint,
                    "table": _plain(tables[name]),
                }
                for name, one in towers.items()
            ],
        }
        write_atomically(folder / FILE, (json.dumps(told, indent=2, allow_nan=False) + "\n").encode())
        self._said = "\n".join(lines_of(tables, change.word, len(self.test)))

    def closing(self) -> str:
        return super().closing() if self._said is None else f"{super().closing()}\n{self._said}"

    def measured(self) -> tuple[dict[str, Table], Change]:
        """A table for the towers that were attacked, and for each of the others."""
        learner: Any = self.learner
        with torch.no_grad():
            delta, vector = learner.canvas().float(), learner.vector()
        change = Change(delta, learner.radius, learner.words.nearest(vector), learner.words)
        asked = AskedPairs(self.test, change, seed=self.config.seed)
        device = self.device
        found = {_title(learner.victim, "attacked"): asked.table(learner.victim.network, device=device)}
        for one in self.others.values():
            found[_title(one, "never seen")] = asked.table(one.network, device=device)
        return found, change


def _title(frozen: Frozen, how: str) -> str:
    return f"{frozen.source} ({how}, {frozen.fingerprint[:8]})"


def _plain(table: Table) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        row: {name: value if math.isfinite(value) else None for name, value in cells.items()}
        for row, cells in table.items()
    }
