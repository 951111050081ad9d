"""What weak and strong heads of two towers count where pictures are named by sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.zero_shot import cosine_scores

EQUAL = 0.5
"""As `Towers` embeds: the cosine of both heads together is the mean of theirs."""
CHOICES = tuple(tenth / 10 for tenth in (5, 4, 6, 3, 7, 2, 8, 1, 9))
"""0.1 to 0.9 (arXiv 2305.08675), from the middle outwards: of equals the one nearest to equal heads is taken."""
CHOOSE = "choose"


@dataclass(frozen=True)
class Weighing:
    """How heads are weighed.

    Arguments:
        weight: of the weak heads, in [0, 1].
        chosen: whether that is what is best on samples that are kept out, in place of `weight`.
    """

    weight: float = EQUAL
    chosen: bool = False

    @classmethod
    def asked(cls, given: float | str | None, encoder: Any) -> Self:
        """From what a call asked for.

        Errors:
            ArgumentError: no share, or an encoder with one head.
        """
        if given is None:
            return cls()
        if given != CHOOSE and (isinstance(given, str | bool) or not 0 <= given <= 1):
            raise ArgumentError(
                f"--head-weight (head_weight=) is {given!r}; it is what the weak heads count, from 0 to 1, or "
                f'"{CHOOSE}".'
            )
        if getattr(encoder, "heads", 1) == 1:
            raise ArgumentError(
                "--head-weight (head_weight=) weighs weak heads and strong ones, and this encoder has one head a side: "
                "leave it out. clip-rocket trains both."
            )
        return cls(chosen=True) if given == CHOOSE else cls(float(given))


def weighed_scores(samples: np.ndarray, classes: np.ndarray, weight: float) -> np.ndarray:
    """w cos of the weak heads + (1 - w) cos of the strong ones; with w = 1/2 the cosine of whole rows.

    Shapes:
        samples: `(N, 2 D)`; classes: `(C, 2 D)`, the weak head's half first; returns `(N, C)`.

    Paper: https://arxiv.org/abs/2305.08675
    """
    middle = samples.shape[1] // 2
    weak = cosine_scores(samples[:, :middle], classes[:, :middle])  # (N, C)
    strong = cosine_scores(samples[:, middle:], classes[:, middle:])  # (N, C)
    return weight * weak + (1 - weight) * strong


def best_weight(samples: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> float:
    """Of 0.1 to 0.9 the one with which most of the samples are named rightly; of equals the nearest to a half.

    Shapes:
        samples: `(N, 2 D)`; classes: `(C, 2 D)`; labels: `(N,)`.
    """
    right = [float((weighed_scores(samples, classes, one).argmax(axis=1) == labels).mean()) for one in CHOICES]
    return CHOICES[int(np.argmax(right))]
