"""How large the experiment of a claim is: the same for all its arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How large an experiment is: the same for all arms.

    Arguments:
        options: of every arm's method (epochs, batch size, encoder, ...).
        images: samples to pretrain on, of whatever kind of data: claims were on pictures first, and records and the
            names of finished work keep the word.
        labelled: samples that kNN and probe learn from (drawn from the training part; with their targets).
        validation, test: samples (or scored pairs of them) to choose on, and to report on.
        seeds: S, paired repetitions.
        tuning_seeds: repetitions of each trial.
        measure_at: shares of the epochs at which everything is measured; the last is 1.
    """

    options: Mapping[str, Any]
    images: int = 4_000
    labelled: int = 4_000
    validation: int = 2_000
    test: int = 10_000
    seeds: int = 5
    tuning_seeds: int = 1
    measure_at: Sequence[float] = (1.0,)

    def epochs_measured(self) -> tuple[int, ...]:
        """The epochs after which everything is measured."""
        epochs = int(self.options["epochs"])
        return tuple(sorted({max(1, round(share * epochs)) for share in self.measure_at}))
