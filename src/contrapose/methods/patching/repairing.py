"""The training of towers with patches on: besides the towers, what each patch does to them, before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from contrapose.atomic import write_atomically
from contrapose.encoders import Frozen
from contrapose.encoders.perturbations import SavedPerturbation
from contrapose.methods.patching.effect import CLEAN, Effect, Ground, Row, controls, pasted
from contrapose.methods.patching.told import finite, in_columns
from contrapose.training.loop import Trainer

FILE = "patches.json"
"""What was measured, in the run folder."""
BEFORE, AFTER = "before", "after"


class PatchRepair(Trainer):
    """Trains a `PatchedContrast`; at its end it measures the towers as they were given and as they are now.

    Arguments:
        pairs: those that are trained on, and those that were kept out.
        given: the towers before the first step.
        patches: whether they were trained on -> by name, whose they are.
    """

    def __init__(
        self,
        *arguments: Any,
        pairs: tuple[Any, Any],
        given: Frozen,
        patches: Mapping[bool, Mapping[str, SavedPerturbation]],
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.pairs, self.given, self.patches = pairs, given, patches
        self._said: str | None = None

    def export(self, folder: Path, *, step: int) -> None:
        super().export(folder, step=step)
        if step < self.total_steps:
            return
        tables = self.measured()
        told = {
            "patches": {
                name: {"trained on": trained, "victims": [victim.fingerprint for victim in saved.victims]}
                for trained, some in self.patches.items()
                for name, saved in some.items()
            },
            "pairs": len(self.pairs[1]),
            "tables": {name: finite(rows) for name, rows in tables.items()},
        }
        write_atomically(folder / FILE, (json.dumps(told, indent=2, allow_nan=False) + "\n").encode())
        rows = [(f"{when}: {name}", row) for when, table in tables.items() for name, row in table.items()]
        lines = [f"Of {len(self.pairs[1]):,} pairs that were kept out, in percent:", *in_columns(rows)]
        self._said = "\n".join((*lines, "A patch that is learned on these towers may do more: attack them anew."))

    def closing(self) -> str:
        return super().closing() if self._said is None else f"{super().closing()}\n{self._said}"

    def measured(self) -> dict[str, dict[str, Row]]:
        """Of the towers before and after: rows without a patch, with grey and noise, and with each patch."""
        ground, towers = Ground.of(*self.pairs), self.learner.encoder
        modes = [(module, module.training) for module in towers.modules()]
        try:
            with torch.no_grad():
                return {BEFORE: self._table(self.given.network, ground), AFTER: self._table(towers, ground)}
        finally:
            for module, training in modes:
                module.training = training

    def _table(self, towers: Any, ground: Ground) -> dict[str, Row]:
        effect = Effect(towers, ground, device=self.device, seed=self.config.seed)
        every = [(trained, name, saved) for trained, some in self.patches.items() for name, saved in some.items()]
        first = every[0][2].tensors
        found = {CLEAN: effect.row(None), **controls(effect, first["patch"], first["mask"], seed=self.config.seed)}
        for trained, name, saved in every:
            row = f"{name} ({'trained on' if trained else 'unseen'})"
            found[row] = pasted(effect, saved.tensors["patch"], saved.tensors["mask"])
        return found
