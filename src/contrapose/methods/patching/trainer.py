"""The training of a patch: besides the patch and pictures with it, what it does to pairs that it was not learned on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from contrapose.atomic import write_atomically
from contrapose.errors import DataError
from contrapose.methods.patching.defences import UNDEFENDED
from contrapose.methods.patching.effect import Ground, Tables, tables_of
from contrapose.methods.patching.told import finite, in_columns, rows_of
from contrapose.training.perturbing import PerturbationTrainer

FILE = "attack.json"
"""What was measured of an attack, in its run folder."""
LEAST = 4
"""Pairs that are kept out, at least."""


class PatchTrainer(PerturbationTrainer):
    """Trains a `PatchGame`; at its end it measures the towers, undefended and behind each defence.

    Arguments:
        pairs: those it is learned on, and those that were kept out.
        defence: the one that the patch knows of. prune: what pruning takes away.
    """

    def __init__(self, *arguments: Any, pairs: tuple[Any, Any], defence: str, prune: float, **options: Any) -> None:
        super().__init__(*arguments, samples=pairs[1].pictures, **options)
        self.pairs, self.defence, self.prune = pairs, defence, prune
        self._said: str | None = None

    def export(self, folder: Path, *, step: int) -> None:
        super().export(folder, step=step)
        if step < self.total_steps:
            return
        tables = self.measured()
        told = {
            "learned against": self.defence,
            "pairs": len(self.pairs[1]),
            "tables": {name: finite(rows) for name, rows in tables.items()},
        }
        write_atomically(folder / FILE, (json.dumps(told, indent=2, allow_nan=False) + "\n").encode())
        self._said = "\n".join(lines_of(tables, self.defence, len(self.pairs[1])))

    def closing(self) -> str:
        return super().closing() if self._said is None else f"{super().closing()}\n{self._said}"

    def measured(self) -> Tables:
        """What the patch does to the towers as they were given."""
        learner: Any = self.learner
        with torch.no_grad():
            patch, mask = learner.canvas().float(), learner.mask
        how = {"prune": self.prune, "device": self.device, "seed": self.config.seed}
        return tables_of(learner.given.network, Ground.of(*self.pairs), patch, mask, **how)


def kept_out(pairs: Any, share: float, generator: torch.Generator) -> tuple[Any, Any]:
    """Pairs to learn on, and a share of them to measure on, drawn at random.

    Errors:
        DataError: too few for both.
    """
    order = torch.randperm(len(pairs), generator=generator)  # (N,)
    count = max(LEAST, round(share * len(pairs)))
    if len(pairs) - count < 2:
        raise DataError(
            f"{pairs.origin} has {len(pairs):,} {pairs.noun}s, of which {count:,} are kept out to measure on: give "
            "more."
        )
    test, known = order[:count].sort().values, order[count:].sort().values
    return pairs.subset(known.numpy()), pairs.subset(test.numpy())


def lines_of(tables: Tables, learned_against: str, pairs: int) -> list[str]:
    """What a person is shown of it."""
    lines = [f"Of {pairs:,} pairs that were kept out, in percent:", *in_columns(rows_of(tables, learned_against))]
    if learned_against == UNDEFENDED:
        lines.append("A stale patch does not know of the defence; --defence learns one that does.")
    return lines
