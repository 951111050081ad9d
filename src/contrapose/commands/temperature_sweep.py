"""One temperature and seed, trained and measured, a file when it is done; and what all of them say together."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.atomic import write_atomically
from contrapose.claims import Ground, Subject, nearest_neighbours, probe, seed_interval
from contrapose.claims.measures import subject_of
from contrapose.claims.sphere import sphere
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.embedder import pick_device
from contrapose.environment import environment
from contrapose.evaluation import hardness
from contrapose.evaluation.hardness import BINS
from contrapose.methods import Method
from contrapose.methods.assemble import assemble
from contrapose.training.config_file import to_dictionary
from contrapose.training.in_memory import train_in_memory
from contrapose.version import __version__

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of the negatives, the hardest first: where the share of the repulsion is measured."""

BATCHES = 4
"""Batches of views over which that is averaged."""

HISTOGRAMS = {"positives": "positive", "10 hardest": "hardest", "rest": "rest"}
"""How the record calls the histograms of cosines that `hardness` makes."""

NOT_SHARED = ("temperature", "seed", "data", "limit", "out", "device")
"""Options in which points differ, and those that are told elsewhere in the record."""

SHOWN = ("uniformity", "tolerance", "kNN", "probe", "share 1%", "share 10%", "effective negatives")


@dataclass(frozen=True)
class Point:
    """One temperature and seed.

    Arguments:
        method: its name.
        config: its configuration, temperature and seed included.
        folder: where finished points are kept.
        device: where to train.
    """

    method: str
    config: Any
    folder: Path
    device: str

    def file(self, ground: Ground) -> Path:
        """Where its numbers are, once it is done; another name whenever they would be others."""
        plain = {
            "method": self.method,
            "config": to_dictionary(self.config) | {"data": None, "limit": None},
            "data": [ground.pretraining["pretraining"].fingerprint, ground.test.fingerprint],
            "measured": [SHARES, BATCHES, BINS],
            "contrapose": __version__,
        }
        identity = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / f"{self.method}-{self.config.temperature:g}-seed{self.config.seed}-{identity}.json"

    def measure(self, ground: Ground) -> tuple[dict[str, Any], bool]:
        """Its numbers, and whether they were made now."""
        path = self.file(ground)
        try:
            return dict(json.loads(path.read_text())), False
        except (OSError, ValueError):
            values = self._train(ground)
        content = json.dumps(values, indent=1) + "\n"
        with kept_if_unwritten(values, content.strip):
            write_atomically(path, content.encode())
        return values, True

    def _train(self, ground: Ground) -> dict[str, Any]:
        config: Method = self.config
        images = ground.pretraining["pretraining"]
        learner, views = assemble(config, images)
        values: dict[str, Any] = {"temperature": self.config.temperature, "seed": config.seed}
        started = time.perf_counter()

        def after_epoch(epoch: int) -> None:
            if epoch == config.epochs:
                learner.to("cpu")  # nothing is trained after this
                values.update(self._measured(subject_of(learner, views, ground, ground.test, config.seed)))

        device = pick_device(self.device)
        images = images.with_targets(())  # never seen, so that the sweep asks what it says
        losses = train_in_memory(learner, images, views, config, device=device, after_epoch=after_epoch)
        return values | {"loss": losses[-1], "seconds": round(time.perf_counter() - started, 1)}

    def _measured(self, subject: Subject) -> dict[str, Any]:
        batches = [
            hardness(
                subject.projections(self.config.batch_size, number=number),
                temperature=self.config.temperature,
                alpha=getattr(self.config, "alpha", 1.0),
                shares=SHARES,
            )
            for number in range(BATCHES)
        ]
        shares = {f"share {share:.0%}": float(np.mean([found.shares[share] for found in batches])) for share in SHARES}
        names = {"entropy": "entropy", "effective negatives": "effective_negatives", "cosine of positives": "positive"}
        names |= {"cosine of the 10 hardest": "hardest", "cosine of the rest": "rest"}
        means = {name: float(np.mean([getattr(found, field) for found in batches])) for name, field in names.items()}
        histograms = {
            name: np.mean([found.histograms[part] for found in batches], axis=0).tolist()  # (BATCHES, BINS) -> (BINS,)
            for name, part in HISTOGRAMS.items()
        }
        numbers = {**sphere(subject), **nearest_neighbours(subject), **probe(subject), **means, **shares}
        return {**numbers, "histograms": histograms}


def record_of(
    options: Mapping[str, Any], ground: Ground, points: Sequence[dict[str, Any]], config: Method
) -> dict[str, Any]:
    """Every number of every seed, their means with intervals, and where they were measured.

    Arguments:
        options: what was asked for, by name.
        config: of any point.
    """
    names = [name for name in points[0] if name not in ("temperature", "seed", "histograms")]
    temperatures = sorted({point["temperature"] for point in points})
    groups = {f"{one:g}": [point for point in points if point["temperature"] == one] for one in temperatures}
    train = ground.pretraining["pretraining"]
    names_of_data = {"data": Path(train.origin).name, "test_data": Path(ground.test.origin).name}  # not where they lie
    plain = {**options} | {"out": None, "device": None, "temperatures": None, **names_of_data}
    return {
        "options": {name: value for name, value in plain.items() if value is not None},
        "samples": {"train": len(train), "test": len(ground.test)},
        "fingerprints": {"train": train.fingerprint, "test": ground.test.fingerprint},
        "training": {name: value for name, value in to_dictionary(config).items() if name not in NOT_SHARED},
        "temperatures": temperatures,
        "seeds": options["seeds"],
        "protocol": f"{config.optimizer}, one learning rate ({config.learning_rate:g}) for all temperatures; "
        "uniformity (-log mean exp(-2 d²)) and tolerance: projected test pictures; kNN (k = 20) and linear probe: "
        f"encoder output; repulsion and cosines: projected views of {BATCHES} training batches; histograms: share of "
        f"the cosines in each of {BINS} equal parts of [-1, 1], from -1 up, mean over seeds",
        "summary": {
            temperature: {name: _mean([point[name] for point in own]) for name in names}
            for temperature, own in groups.items()
        },
        "histograms": {temperature: _mean_histograms(own) for temperature, own in groups.items()},
        "rank correlation with the temperature": {name: _trend(points, name) for name in ("uniformity", "tolerance")},
        "points": list(points),
        "threads": torch.get_num_threads(),
        **environment(),
    }


def table(record: dict[str, Any]) -> str:
    """A line a temperature, means over seeds with half the width of their interval, and what the ends say."""
    rows = [["temperature", *SHOWN]]
    for temperature, values in record["summary"].items():
        rows.append([temperature, *(_cell(name, values[name]) for name in SHOWN)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    best = max(record["summary"], key=lambda temperature: record["summary"][temperature]["kNN"]["value"])
    lines.append(f"kNN is best at temperature {best}, by a choice made on the data that it is reported on.")
    lines.append("share 1%, 10%: of the repulsion, on the hardest 1 % and 10 % of the negatives.")
    return "\n".join(lines)


def _cell(name: str, found: dict[str, float]) -> str:
    percent = name in ("kNN", "probe") or name.startswith("share")
    factor, digits = (100, 1) if percent else (1, 2 if name != "effective negatives" else 0)
    half = "" if found.get("high") is None else f" ± {factor * (found['high'] - found['value']):.{digits}f}"
    return f"{factor * found['value']:.{digits}f}{half}"


def _mean(values: list[float]) -> dict[str, float]:
    """Mean over seeds, with Student's 95 % interval where there are two at least."""
    if len(values) < 2:
        return {"value": float(values[0])}
    return dict(seed_interval(np.asarray(values, dtype=np.float64))._asdict())


def _mean_histograms(points: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Name -> share of the cosines in each part, mean over points."""
    return {
        name: np.mean([point["histograms"][name] for point in points], axis=0).tolist()  # (points, BINS) -> (BINS,)
        for name in HISTOGRAMS
    }


def _trend(points: Sequence[dict[str, Any]], name: str) -> list[float | None]:
    """Spearman's correlation of a measure with the temperature, seed by seed; None where the measure is constant."""
    from scipy.stats import spearmanr

    trends: list[float | None] = []
    for seed in sorted({point["seed"] for point in points}):
        own = [point for point in points if point["seed"] == seed]
        values = [point[name] for point in own]
        varies = min(values) < max(values)  # among equal values there are no ranks, and scipy would warn
        found = float(spearmanr([p["temperature"] for p in own], values).statistic) if varies else math.nan
        trends.append(found if math.isfinite(found) else None)  # JSON does not know NaN
    return trends
