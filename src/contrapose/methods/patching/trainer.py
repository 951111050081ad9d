"""The training of a patch: besides the patch and pictures with it, what it does to pairs that it was not learned on."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.data import derived_generator
from contrapose.errors import DataError
from contrapose.methods.patching.effect import CLEAN, NOISE, PATCHED, PLAIN, Captioned, Effect, Ground, table_of
from contrapose.robustness.defences import blurred, levelled, noisy, pruned
from contrapose.training.perturbing import PerturbationTrainer

FILE = "attack.json"
"""What was measured of an attack, in its run folder."""
UNDEFENDED = "none"
LEAST = 4
"""Pairs that are kept out, at least."""
SHOWN = ("found by picture", "found by words", "fooled")
"""What of it is printed, and how."""

Tables = dict[str, dict[str, dict[str, float]]]


class PatchTrainer(PerturbationTrainer):
    """Trains a `PatchGame`; at its end it measures the towers, undefended and behind each defence.

    Arguments:
        pairs: those it is learned on, and those that were kept out.
        defence: the one that the patch knows of. prune: what pruning takes away.
    """

    def __init__(
        self, *arguments: Any, pairs: tuple[Captioned, Captioned], defence: str, prune: float, **options: Any
    ) -> None:
        super().__init__(*arguments, samples=pairs[1].pictures, **options)
        self.pairs, self.defence, self.prune = pairs, defence, prune
        self._said: str | None = None

    def export(self, folder: Path, *, step: int) -> None:
        super().export(folder, step=step)
        if step < self.total_steps:
            return
        tables = self.measured()
        told = {"learned against": self.defence, "pairs": len(self.pairs[1]), "tables": _without_nan(tables)}
        write_atomically(folder / FILE, (json.dumps(told, indent=2, allow_nan=False) + "\n").encode())
        self._said = "\n".join(lines_of(tables, self.defence, len(self.pairs[1])))

    def closing(self) -> str:
        return super().closing() if self._said is None else f"{super().closing()}\n{self._said}"

    def measured(self) -> Tables:
        """Of the towers undefended: rows without a patch, with a grey one, with noise, with the one that was found;
        behind each defence the first and the last of these."""
        learner: Any = self.learner
        with torch.no_grad():
            patch, mask = learner.canvas().float(), learner.mask
        towers, ground = learner.given.network, Ground.of(*self.pairs)
        seed, device = self.config.seed, self.device
        found = {UNDEFENDED: table_of(Effect(towers, ground, device=device, seed=seed), patch, mask, seed=seed)}
        for name, (network, before) in self._defences(towers).items():
            effect = Effect(network, ground, before=before, device=device, seed=seed)
            found[name] = table_of(effect, patch, mask, seed=seed, beside=False)
        return found

    def _defences(self, towers: Any) -> Mapping[str, tuple[Any, Callable[[Tensor], Tensor] | None]]:
        seed = self.config.seed

        def with_noise(x: Tensor) -> Tensor:
            return noisy(x, generator=derived_generator(seed, "defence"))

        return {
            "noise": (towers, with_noise),
            **{name: (towers, before) for name, before in BEFORE.items()},
            "pruning": (pruned_towers(towers, self.prune), None),
        }


BEFORE: dict[str, Callable[[Tensor], Tensor]] = {"blur": blurred, "levels": levelled}
"""Defences on pictures that draw nothing at random, and that gradients pass."""


def pruned_towers(towers: Any, share: float) -> Any:
    """A copy of two towers whose picture tower is pruned."""
    made = copy.copy(towers)
    made._modules = {**towers._modules, "image": pruned(towers.image, share)}
    return made


def kept_out(pairs: Any, share: float, generator: torch.Generator) -> tuple[Any, Any]:
    """Pairs to learn on, and a share of them to measure on, drawn at random.

    Errors:
        DataError: too few for both.
    """
    order = torch.randperm(len(pairs), generator=generator)  # (N,)
    count = max(LEAST, round(share * len(pairs)))
    if len(pairs) - count < 2:
        raise DataError(
            f"{pairs.origin} has {len(pairs):,} pairs, of which {count:,} are kept out to measure on: give more."
        )
    test, known = order[:count].sort().values, order[count:].sort().values
    return pairs.subset(known.numpy()), pairs.subset(test.numpy())


def lines_of(tables: Tables, learned_against: str, pairs: int) -> list[str]:
    """What a person is shown of it."""
    undefended = tables[UNDEFENDED]
    others = [name.removesuffix(" right") for name in undefended[CLEAN] if name.endswith(" right")]
    columns = [*SHOWN, *(f"{name} right" for name in others)]
    rows = [(name, undefended[name]) for name in (CLEAN, PLAIN, NOISE, PATCHED)]
    for name in tables:
        if name != UNDEFENDED:
            stale = "it knows of it" if name == learned_against else "stale"
            rows += [(f"{name}: {CLEAN}", tables[name][CLEAN]), (f"{name}: {PATCHED} ({stale})", tables[name][PATCHED])]
    width = max(len(name) for name, _ in rows)
    lines = [f"Of {pairs:,} pairs that were kept out, in percent:", "  ".join((" " * width, *columns))]
    for name, row in rows:
        cells = (f"{100 * row[column]:.1f}".rjust(len(column)) for column in columns)
        lines.append("  ".join((name.ljust(width), *cells)))
    if learned_against == UNDEFENDED:
        lines.append("A stale patch does not know of the defence; --defence learns one that does.")
    return lines


def _without_nan(tables: Tables) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        table: {
            row: {name: value if math.isfinite(value) else None for name, value in cells.items()}
            for row, cells in rows.items()
        }
        for table, rows in tables.items()
    }
