"""Clusters of what an encoder has learned, as a job: a start of k-means a step, of which the tightest is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.data import Images, Samples, derived_generator
from contrapose.data.groups import check_labels, group_numbers, merge_small, tuple_codes
from contrapose.data.samples import evenly_spaced
from contrapose.encoders.artifact import read_tensors
from contrapose.errors import RunError
from contrapose.training.job import Job, Report
from contrapose.training.multistage.k_means import check_rows, k_means
from contrapose.training.pictures import in_grid, write_pictures
from contrapose.words import counted

FILE, FACTS = "clusters.safetensors", "clusters.json"
SHUFFLE = "shuffle"  # names the random stream of the control
SHOWN = 12  # pictures of each cluster
LARGE = 48  # pixels of a side from which a picture is seen as it is


class ClusterJob(Job):
    """k-means on unit rows from several starts, one a step; the one with the least inertia is kept.

    Writes `clusters.safetensors` (labels `(N,)`, centres `(K, D)`), `clusters.json` (sizes, inertia), and of pictures
    examples of each cluster, for the report.

    Shapes:
        rows: `(N, D)` embeddings in evaluation mode, of the samples as they are; each is brought to length 1.

    Arguments:
        samples: whose rows these are.
        count: K.
        starts: how many.
        seed: of the starts.
        assign: "features": each sample to its nearest centre; "shuffled": the same sizes, filled at random, a control
            in which groups mean nothing.

    Errors:
        ArgumentError: K above N, or rows that are not finite.
    """

    unit = "starts"

    def __init__(
        self,
        rows: Float[Tensor, "N D"],
        samples: Samples,
        *,
        count: int,
        starts: int,
        seed: int,
        assign: Literal["features", "shuffled"] = "features",
    ) -> None:
        check_rows(rows, count)
        self.rows = torch.nn.functional.normalize(rows.float(), dim=1)  # (N, D)
        self.samples, self.count, self.total_steps, self.seed, self.assign = samples, count, starts, seed, assign
        self.best: dict[str, Any] = {}

    def step(self, number: int) -> Report:
        found = k_means(self.rows, self.count, generator=derived_generator(self.seed, number))
        if not self.best or found.inertia < self.best["inertia"]:
            self.best = {"inertia": found.inertia, "labels": found.labels, "centres": found.centres}
        return Report(
            said=f"inertia {self.best['inertia']:.4f}",
            numbers={"inertia": found.inertia, "least_inertia": self.best["inertia"], "rounds": found.rounds},
        )

    def state(self) -> dict[str, Any]:
        return {"clusters": self.best, "data": self.samples.fingerprint}

    def restore(self, state: dict[str, Any]) -> None:
        if "clusters" not in state or not self.samples.recorded_as(state["data"]):
            raise RunError("The checkpoint is of other data, or of no clusters. Restore the data, or start a new run.")
        self.best = state["clusters"]

    def export(self, folder: Path, *, step: int) -> None:
        labels = self.best["labels"]  # (N,)
        if self.assign == "shuffled":
            order = torch.randperm(len(labels), generator=derived_generator(self.seed, SHUFFLE))
            labels = labels[order]
        sizes = labels.bincount(minlength=self.count).tolist()
        tensors = {"labels": labels.contiguous(), "centres": self.best["centres"].contiguous()}
        write_atomically(folder / FILE, safetensors.torch.save(tensors))
        facts = {"clusters": self.count, "sizes": sizes, "inertia": self.best["inertia"], "assign": self.assign}
        write_atomically(folder / FACTS, (json.dumps(facts, indent=2) + "\n").encode())
        if isinstance(self.samples, Images) and self.samples.channels in (1, 3):
            write_pictures(folder, [self._examples(self.samples, labels)])

    def _examples(self, images: Images, labels: Tensor) -> tuple[np.ndarray, str, str]:
        """Some pictures of each cluster, a row a cluster."""
        members = [torch.nonzero(labels == number)[:, 0] for number in range(self.count)]  # (n_k,) each
        rows = [images.batch(some[evenly_spaced(len(some), SHOWN)]) for some in members if len(some)]  # (s, C, H, W)
        grid = in_grid(rows, scale=max(1, round(LARGE / images.image_size)))
        caption = (
            f"A row a cluster: up to {SHOWN} of its pictures. What those of a row have in common has been learned, and "
            "no longer helps in the next stage."
        )
        if self.assign == "shuffled":
            caption = (
                f"A row a group, filled at random: up to {SHOWN} of its pictures. They should have nothing in common."
            )
        return grid, "Examples of clusters", caption

    def closing(self) -> str | None:
        sizes = self.best["labels"].bincount(minlength=self.count) if self.best else torch.zeros(1)
        told = f"{counted(self.count, 'cluster')} of {int(sizes.min()):,} to {int(sizes.max()):,} samples"
        if self.count > 1 and int((sizes > 0).sum()) == 1:
            told += (
                "; all fell into one, for the encoder tells none apart, and the next stage has nothing to leave out: "
                "look at the data (contrapose data check), or train longer (--epochs)"
            )
        return told


def groups_of(folders: Sequence[Path], *, samples: int, least: int) -> tuple[np.ndarray, int]:
    """The group of each sample by the clusters that earlier stages found, and how many there were before merging.

    Arguments:
        folders: of the stages, in their order: with one alone only its clusters count.
        samples: N.
        least: the smallest group there is to be; 1: groups stay as they are.

    Errors:
        RunError: a file that is missing or damaged.
        ArgumentError: clusters of other samples.
    """
    found = [read_tensors(folder / FILE) for folder in folders]
    labels = np.stack([one["labels"].numpy() for one in found], axis=1)  # (N, T)
    counts = [len(one["centres"]) for one in found]
    for column, count in enumerate(counts):
        check_labels(labels[:, column], count, samples=samples)
    groups, _ = group_numbers(tuple_codes(labels, counts))  # (N,)
    before = int(groups.max()) + 1
    if least <= 1:
        return groups, before
    first = np.unique(groups, return_index=True)[1]  # (G,): a sample of each group
    centres = np.concatenate([one["centres"].numpy()[labels[first, n]] for n, one in enumerate(found)], axis=1)
    return merge_small(groups, centres, least), before
