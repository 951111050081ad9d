"""DAT: adversarial training of a classifier and of its density in one network draws pictures and bears attacks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.drawn_digits import borne, digits_beside_seeds, drawn
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference

FIRST, SECOND = 12, 20
"""Epochs of the two stages."""
PLAIN = {"joint": False}


def less(arm: str, other: str, name: str = "distance, fields") -> Callable[[Results], np.ndarray]:
    """By which share of the other's the arm's distance is smaller."""
    return lambda results: 1 - results.of(arm, name) / results.of(other, name)


def _jem(results: Results) -> np.ndarray:
    """By how much more DAT bears; 1 in a seed in which the other diverged."""
    more = difference("dat", "jem-like", "robust")(results)
    return np.where(results.of("jem-like", "diverged") > 0, 1.0, more)


def _at_once(results: Results) -> np.ndarray:
    """By which share DAT's distance is smaller; 1 in a seed in which the other diverged."""
    return np.where(results.of("at once", "diverged") > 0, 1.0, less("dat", "at once")(results))


CLAIM = register(
    Claim(
        name="dat",
        title="Trained against its own ascents as well, a classifier that bears attacks draws better pictures, and "
        "bears as much.",
        paper="Yin et al., 2025, https://arxiv.org/abs/2510.13872; on ImageNet, 256 pixels, an FID of 5.39 (by a "
        "reading note)",
        arms=(
            Arm("dat", "dat", options={"robust_epochs": FIRST, "seeds_data": "fields"}),
            Arm("dat, shuffled", "dat", options={"robust_epochs": FIRST, "seeds_data": "shuffled"}),
            Arm("stage 1", "dat", options={**PLAIN, "epochs": FIRST}),
            Arm("stage 1, as long", "dat", options={**PLAIN, "epochs": FIRST + SECOND}),
            Arm(
                "jem-like",
                "dat",
                options={
                    "robust_epochs": FIRST,
                    "seeds_data": "fields",
                    "attack_steps": 0,
                    "ascent_noise": 0.01,
                    "density_loss": "difference",
                    "when_diverging": "hold",
                },
            ),
            Arm(
                "at once",
                "dat",
                options={
                    "robust_epochs": 0,
                    "epochs": FIRST + SECOND,
                    "frozen_norms": False,
                    "seeds_data": "fields",
                    "when_diverging": "hold",
                },
            ),
        ),
        predictions=(
            Prediction(
                "dat - stage 1, share by which the Frechet distance is smaller, by 30 %",
                ("dat", "stage 1"),
                less("dat", "stage 1"),
                threshold=0.3,
            ),
            Prediction(
                "dat - stage 1, robust accuracy, not 3 points worse",
                ("dat", "stage 1"),
                difference("dat", "stage 1", "robust"),
                threshold=-0.03,
            ),
            Prediction(
                "dat - stage 1 as long, share by which the Frechet distance is smaller",
                ("dat", "stage 1, as long"),
                less("dat", "stage 1, as long"),
                role="secondary",
            ),
            Prediction(
                "dat - stage 1 as long, robust accuracy, not 3 points worse",
                ("dat", "stage 1, as long"),
                difference("dat", "stage 1, as long", "robust"),
                threshold=-0.03,
                role="secondary",
            ),
            Prediction(
                "dat - jem-like, robust accuracy, by 10 points (100 where it diverged)",
                ("dat", "jem-like"),
                _jem,
                threshold=0.1,
                role="secondary",
            ),
            Prediction(
                "dat - both at once, share by which the Frechet distance is smaller (100 % where it diverged)",
                ("dat", "at once"),
                _at_once,
                role="secondary",
            ),
            Prediction(
                "dat - stage 1, both from shuffled digits, share by which the Frechet distance is smaller, by 30 %",
                ("dat, shuffled", "stage 1"),
                less("dat, shuffled", "stage 1", "distance, shuffled"),
                threshold=0.3,
                role="secondary",
            ),
            Prediction(
                "dat - seeds as they are, share by which the Frechet distance is smaller",
                ("dat", "raw pixels"),
                less("dat", "raw pixels"),
                role="secondary",
            ),
        ),
        protocol=Protocol(
            options={
                "epochs": SECOND,
                "batch_size": 64,
                "encoder": "tiny_conv",
                "learning_rate": 0.01,
                "attack_steps": 7,
                "attack_step": 0.15,
                "longest": 20,
                "window": 500,
                "views": {"erase_probability": 0.0},
            },
            images=960,
            labelled=960,
            validation=20,
            test=497,
            seeds=3,
        ),
        full=whole_cifar10(batch_size=128, options={"learning_rate": 1e-3}),
        ground=digits_beside_seeds,
        measures=(borne, drawn),
        choose_by="robust",
        remarks=(
            "The digits of scikit-learn as they are, 8 x 8 in [0, 1]; --data is for --full alone. Nothing is tuned: "
            "all arms have the same options but for those that name them. Stage 1 as long has as many epochs as both "
            "stages; both at once too.",
            "The distance is Frechet's in 64 features of a plain classifier, trained once and alike for all arms: no "
            "FID. Of 5, 10, 20 and 40 steps of ascent each arm has those that are nearest to the pictures it learned "
            "from; it is reported against the tested ones. Seeds of the measure are others than those of training.",
            "JEM-like: no attacks at all, noise of 0.01 in ascents, and the difference of log densities in the place "
            "of the cross-entropy of real or made; the same stages, seeds and curriculum. Both at once: no first "
            "stage, and batch normalisation in training mode. Where a log density runs beyond 1,000 an arm "
            "learns no more.",
            "The floor without a network has the seeds as they are, and names the largest class.",
        ),
    )
)
