"""The embedded data: handwritten characters to learn from without labels, and unseen ones to recognise."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from contrapose.data.images.images import Images
from contrapose.errors import ArgumentError, did_you_mean

LABELS = {"character": "characters", "alphabet": "alphabets"}  # array of numbers: array of their names


@dataclass(frozen=True)
class OneShotRuns:
    """The 20 official one-shot runs: 20 characters of an unseen alphabet, one example and one query of each.

    Shapes:
        support: `(20, 20, 1, 35, 35)` uint8: run, character, picture (C, H, W).
        query: `(20, 20, 1, 35, 35)` uint8, drawn by another person.
        answer: `(20, 20)` int64: for each query, the number of its character within the run's support.

    Chance: 1/20 = 5 %. Published on these runs, with the 30 alphabets of the full background set where one is
    used: people 95.5 %, Bayesian program learning 96.7 %, modified Hausdorff distance 61.2 %.

    Paper: Lake, Salakhutdinov, Tenenbaum, Science 2015, https://doi.org/10.1126/science.aab3050
    """

    support: UInt8[Tensor, "R M C H W"]
    query: UInt8[Tensor, "R Q C H W"]
    answer: Int64[Tensor, "R Q"]


def omniglot(labels: str | None = None) -> Images:
    """4,840 drawings of 242 characters, 35 x 35 grey (ink is 255), embedded in the package.

    Arguments:
        labels: `None` (the default: this is a pretraining set, to be used without labels), `"character"` (242
            classes) or `"alphabet"` (8).

    Errors:
        ArgumentError: labels of another name.
    """
    if labels is not None and labels not in LABELS:
        raise ArgumentError(f"omniglot has no labels {labels!r}.{did_you_mean(labels, LABELS)}")
    with _archive() as arrays:
        return Images(
            arrays["images"][:, None],  # (4840, 1, 35, 35)
            None if labels is None else arrays[labels].astype(np.int64),
            class_names=None if labels is None else arrays[LABELS[labels]].tolist(),
            origin="embedded omniglot (Lake et al. 2015, MIT licence)",
        )


def omniglot_one_shot() -> OneShotRuns:
    """The runs on which an encoder that was pretrained on `omniglot()` is judged."""
    with _archive() as arrays:
        return OneShotRuns(
            support=torch.from_numpy(arrays["oneshot_support"][:, :, None]),  # (20, 20, 1, 35, 35)
            query=torch.from_numpy(arrays["oneshot_query"][:, :, None]),  # (20, 20, 1, 35, 35)
            answer=torch.from_numpy(arrays["oneshot_answer"].astype(np.int64)),  # (20, 20)
        )


def _archive() -> np.lib.npyio.NpzFile:
    file = resources.files("contrapose.data") / "embedded" / "omniglot.npz"
    with resources.as_file(file) as path:
        return np.load(path, allow_pickle=False)
