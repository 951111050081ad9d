"""One call that says whether training collapsed, whether the space is used, and how well labels can be read off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.alignment import alignment, cosines, tolerance, uniformity, uniformity_optimum
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.knn import knn
from contrapose.evaluation.labels import Labels, label_array
from contrapose.evaluation.lidar import lidar
from contrapose.evaluation.spectrum import FIT_RANGE, Spectrum

MOST_ROWS = 20_000
"""Above it, what grows with the square of the rows is measured on so many of them, drawn at random."""

NEIGHBOURS = 20
TEMPERATURE = 0.07
"""The kNN setting of DINO, as in `knn`."""

BLOCK = 512
"""Rows the kNN asks at a time: half of its default, to keep the whole call under 200 MB."""

CAUTION = "Ranks, LiDAR and alpha compare runs of one method; they do not foretell accuracy."


@dataclass(frozen=True)
class Diagnosis:
    """What was measured, and how.

    Arguments:
        values: a number for each name; what was not measured (no labels, no views) is absent.
        settings: for each of the same names, what has to be equal for two such numbers to be comparable.
        findings: what looks ill, in words with its numbers; empty when nothing does.
        rows, dimension, seed: N, D, and the seed of the samples that were drawn.
    """

    values: dict[str, float]
    settings: dict[str, str]
    findings: tuple[str, ...]
    rows: int
    dimension: int
    seed: int

    def text(self) -> str:
        """A table of the values with their settings, then the findings."""
        width = max(map(len, self.values))
        lines = [f"diagnosis of {self.rows:,} embeddings of {self.dimension} dimensions, seed {self.seed}"]
        lines += [f"  {name:<{width}}  {value:>9.4g}  {self.settings[name]}" for name, value in self.values.items()]
        lines += [f"  ! {finding}" for finding in self.findings] or ["  no sign of collapse"]
        return "\n".join([*lines, f"  {CAUTION}"])


def diagnose(
    embeddings: Array, views: Array | None = None, labels: Labels | None = None, *, seed: int = 0
) -> Diagnosis:
    """Everything about an embedding that can be said within seconds.

    Without labels: spread, effective rank (RankMe), participation ratio, stable rank, alpha-ReQ, the share of
    negligible singular values, both collapse flags (1 or 0), uniformity with its optimum, cosines of random pairs,
    lengths. With views: alignment, their uniformity (mean over the views), LiDAR. With labels: tolerance and kNN
    accuracy. Each is explained by the function of its name.

    Shapes:
        embeddings: `(N, D)`, N >= 2; views: `(V, B, D)`; labels: `(N,)`.

    Arguments:
        embeddings: in evaluation mode, without augmentation; of the backbone unless you mean the projection head.
        views: embeddings of V augmented views of B samples (which need not be the same samples).
        labels: a class of each row of `embeddings`.
        seed: draws the 20,000 rows that what grows with N^2 is measured on when there are more, and the kNN halves.

    Errors:
        ArgumentError: fewer than 2 rows, rows that are NaN or infinite or all zeros (it says how many), views of
            another dimension, labels of another length.
    """
    rows = as_rows(embeddings, "embeddings", minimum=2)
    generator = torch.Generator().manual_seed(seed)
    notes = _Notes({}, {})
    spectrum = _spectrum(rows, notes)
    sample = _sample(len(rows), generator)
    used = rows if sample is None else rows[sample.to(rows.device)]
    _pairs(rows, used, notes)
    if views is not None:
        _views(as_rows(views, "views", letters="V B D"), rows.shape[1], generator, notes)
    if labels is not None:
        names = label_array(labels, len(rows), "labels")
        _labels(rows, names, used, names if sample is None else names[sample.numpy()], generator, notes)
    finding = spectrum.finding()
    findings = () if finding is None else (finding,)
    return Diagnosis(notes.values, notes.settings, findings, len(rows), rows.shape[1], seed)


@dataclass(frozen=True)
class _Notes:
    values: dict[str, float]
    settings: dict[str, str]

    def add(self, name: str, value: float, setting: str) -> None:
        self.values[name] = float(value)
        self.settings[name] = setting


def _sample(count: int, generator: torch.Generator) -> Tensor | None:
    if count <= MOST_ROWS:
        return None
    return torch.randperm(count, generator=generator)[:MOST_ROWS].sort().values  # (MOST_ROWS,)


def _spectrum(rows: Tensor, notes: _Notes) -> Spectrum:
    spectrum = Spectrum.of(rows)
    fits = min(rows.shape)
    notes.add("spread", spectrum.spread, "unit rows; 1 = isotropic, below 0.1 = complete collapse")
    notes.add("effective rank", spectrum.effective_rank, f"RankMe, raw rows, not centred; at most {fits}")
    notes.add("participation ratio", spectrum.participation_ratio, f"covariance, centred; at most {fits}")
    notes.add("stable rank", spectrum.stable_rank, f"raw rows, not centred; at most {fits}")
    if spectrum.alpha is not None:
        setting = f"covariance, centred; least squares over eigenvalues {FIT_RANGE[0]} to {min(FIT_RANGE[1], fits)}"
        notes.add("alpha", spectrum.alpha, setting)
    notes.add("negligible singular values", spectrum.negligible_share, "share below 0.001 of the largest, raw rows")
    notes.add("complete collapse", spectrum.complete_collapse, "1 = yes: spread below 0.1")
    setting = "1 = yes: effective rank below a tenth, or half of the singular values negligible"
    notes.add("dimensional collapse", spectrum.dimensional_collapse, setting)
    return spectrum


def _pairs(rows: Tensor, used: Tensor, notes: _Notes) -> None:
    best = uniformity_optimum(rows.shape[1])
    notes.add("uniformity", uniformity(used), f"scale 2, unit rows, {len(used):,} rows; even spread {best:.3f}")
    found = cosines(rows)
    notes.add("mean cosine", found.mean, "all pairs; 0 = centred")
    notes.add("sd of cosines", found.sd, f"all pairs; isotropic {rows.shape[1] ** -0.5:.3g}")
    notes.add("anisotropy", found.anisotropy, "norm of the mean unit row, 0 to 1")
    notes.add("norm", found.norm, "mean length of the raw rows")
    notes.add("norm variation", found.norm_variation, "standard deviation of the lengths over their mean")


def _views(views: Tensor, dimension: int, generator: torch.Generator, notes: _Notes) -> None:
    if views.shape[2] != dimension:
        raise ArgumentError(
            f"views and embeddings must come from one encoder; got {views.shape[2]} and {dimension} dimensions."
        )
    sample = _sample(views.shape[1], generator)
    used = views if sample is None else views[:, sample.to(views.device)]  # (V, B', D)
    measured = alignment(views, generator=generator)
    notes.add("alignment", measured.value, measured.protocol)
    even = sum(uniformity(view) for view in used) / len(used)
    notes.add("uniformity of views", even, f"scale 2, unit rows, {used.shape[1]:,} rows, mean over {len(used)} views")
    setting = (
        f"{views.shape[1]:,} samples of {len(views)} views, delta 1e-4; at most {min(dimension, views.shape[1] - 1)}"
    )
    notes.add("LiDAR", lidar(views), setting)


def _labels(
    rows: Tensor, names: np.ndarray, used: Tensor, used_names: np.ndarray, generator: torch.Generator, notes: _Notes
) -> None:
    notes.add("tolerance", tolerance(rows, names), "mean cosine within a class, all pairs")
    order = torch.randperm(len(used), generator=generator)  # (N',)
    bank, asked = order[: len(used) // 2], order[len(used) // 2 :]
    halves = [(used[part.to(used.device)], used_names[part.numpy()]) for part in (bank, asked)]
    measured = knn(
        *halves[0], *halves[1], k=min(NEIGHBOURS, len(bank)), temperature=TEMPERATURE, block=BLOCK, generator=generator
    )
    notes.add("kNN accuracy", measured.value, f"{measured.protocol}, the other {len(asked):,} rows asked")
