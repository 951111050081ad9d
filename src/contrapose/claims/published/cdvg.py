"""CDvG: translations that change the colour and keep the digit, where not one picture has another's colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.claims.tinted import ONE_IN_TWENTY, classified, tinted_digits, translated

ALONE: Mapping[str, Any] = {"translate": False, "contrast_weight": 0.0}
STEPS: Mapping[str, Any] = {"translator_steps": 2000, "translator_width": 12}
JITTER: Mapping[str, Any] = {
    "recipe": "none",
    "count": 1,
    "crop_scale_min": 0.7,
    "colour_probability": 1.0,
    "hue": 0.5,
    "brightness": 0.4,
    "saturation": 0.4,
}
CROPS: Mapping[str, Any] = {"recipe": "none", "count": 1, "crop_scale_min": 0.2}
UNBIASED = "unbiased"


def _over(one: str, other: str, name: str = UNBIASED, **options: Any) -> Prediction:
    return Prediction(f"{one} - {other}, {name} accuracy", (one, other), difference(one, other, name), **options)


def _gap_left(results: Results) -> np.ndarray:
    """How far the lead over re-weighting at one in twenty stays below ten points."""
    return 0.10 - (results.of("cdvg, 5 %", UNBIASED) - results.of("re-weighted, 5 %", UNBIASED))


CLAIM = register(
    Claim(
        name="cdvg",
        title="Where the colour gives the class away without one exception, a classifier that learns from translations "
        "by a translator of the biased pictures alone does not go by the colour.",
        paper="Jung et al., ICML 2023, https://arxiv.org/abs/2112.01021 (tables not at hand)",
        arms=(
            Arm("cdvg", "cdvg", options=STEPS),
            Arm("cross-entropy alone", "cdvg", options={**STEPS, "contrast_weight": 0.0}),
            Arm("erm", "cdvg", options=ALONE),
            Arm("erm with colour jitter", "cdvg", options={**ALONE, "views": JITTER}),
            Arm("re-weighted", "cdvg", options={**ALONE, "upweight": "early"}),
            Arm("simclr and cross-entropy", "cdvg", options={"translate": False, "views": CROPS}),
            Arm("cdvg, 5 %", "cdvg", options=STEPS, data=ONE_IN_TWENTY),
            Arm("re-weighted, 5 %", "cdvg", options={**ALONE, "upweight": "early"}, data=ONE_IN_TWENTY),
        ),
        predictions=(
            _over("cdvg", "erm", threshold=0.25),
            _over("cdvg", "cross-entropy alone", threshold=0.01, role="secondary"),
            _over("erm", "re-weighted", threshold=-0.02, role="secondary"),
            _over("cdvg", "simclr and cross-entropy", role="secondary"),
            _over("erm with colour jitter", "cdvg", role="secondary"),
            Prediction(
                "erm goes by the colour: 40 % less its unbiased accuracy",
                ("erm",),
                lambda results: 0.40 - results.of("erm", UNBIASED),
                role="secondary",
            ),
            Prediction(
                "with one in twenty in another colour, cdvg leads re-weighting by 10 points at most",
                ("cdvg, 5 %", "re-weighted, 5 %"),
                _gap_left,
                role="secondary",
            ),
            Prediction(
                "the translator turns 80 of 100 to the colour of the class that was asked for",
                ("cdvg",),
                lambda results: results.of("cdvg", "flip") - 0.80,
                role="mechanism",
            ),
            Prediction(
                "and of 80 of 100 keeps the class",
                ("cdvg",),
                lambda results: results.of("cdvg", "keep") - 0.80,
                role="mechanism",
            ),
        ),
        protocol=Protocol(
            options={"epochs": 20, "batch_size": 64, "encoder": "tiny_conv", "learning_rate": 1e-3},
            images=1_000,
            labelled=1_000,
            validation=200,
            test=597,
            seeds=3,
            measure_at=(1.0,),
        ),
        full=Protocol(
            options={"epochs": 20, "batch_size": 128, "encoder": "small_conv"},
            images=50_000,
            labelled=10_000,
            validation=5_000,
            test=10_000,
            seeds=3,
            measure_at=(1.0,),
        ),
        ground=tinted_digits,
        measures=(classified, translated),
        choose_by=UNBIASED,
        remarks=(
            "A stand-in for Coloured MNIST: the 1,797 digits of scikit-learn at 16 x 16, each in the hue of its class "
            "on black; what is asked is in any of the ten hues. --full takes the pictures of --data.",
            "If the translator's rates are below 80 of 100, the method is not tested here, whatever the accuracies: "
            "its translator failed. Judges are trained on unbiased pictures, for this measurement alone.",
            "All arms are one learner with parts of it switched off: same network, batches, steps, and three views of "
            "each picture. Nothing is tuned, for a choice by unbiased pictures would give the bias away.",
            "Colour jitter turns hues by any angle: it is told which nuisance there is, as no other arm is.",
            "re-weighted is after LfF (Nam et al., NeurIPS 2020, https://arxiv.org/abs/2007.02561): weights by "
            "relative difficulty for a classifier of two epochs, which is kept as it was then.",
            "To bound the time the translator has 12 channels; the method's own default is 16.",
            "Critic of patches, beginning as the identity, scales and shifts of each class, and the weight, rate and "
            "turns of the game were chosen by looking at flip and keep rates of pilots, which know the colours: a "
            "first translator painted the mean digit of each class (kept 12 %), later ones left the colour (flipped 48 %).",
            "One in a hundred in another colour, which the paper has besides, is left out to bound the time.",
        ),
    )
)
