"""InverTune: a planted trigger is found by a few clean pairs and tuned away, which clean fine-tuning does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.poisoned_scenes import ACCURACY, ATTACKS, attacked, named, poisoned_scenes, repaired
from contrapose.claims.registry import register
from contrapose.claims.results import Results

AS_THEY_ARE: Mapping[str, Any] = {"views": {"count": 1, "weak_crop_min": 1.0, "texts": {"stop_words": 0.0}}}
TOWERS = {"encoder": "tiny_conv", "text_encoder": "bag_of_words", "max_length": 16, "projection_dimension": 64}
RATE, STEPS = 3e-4, 80
"""Of every arm that tunes a victim, chosen once on a victim of another seed."""
REPAIR: Mapping[str, Any] = {
    "batch_size": 16,
    "learning_rate": RATE,
    "scan_steps": 300,
    "inversion_steps": 400,
    "repair_steps": STEPS,
}
WHATEVER = {"others": 0, "scan_steps": 20, "least_gain": 1e-9, "largest_mask": 0.9999, "largest_loss": 1e9}
"""With which something is tuned away whatever was found, so that nothing need be looked for at length."""
KNOWN: Mapping[str, Any] = {**REPAIR, **WHATEVER, "inversion_steps": 1}
RANDOM: Mapping[str, Any] = {**REPAIR, **WHATEVER, "trigger": "random"}
"""Its mask is as large as that of a class that nobody need have planted."""
TUNED = {**AS_THEY_ARE, "batch_size": 200, "learning_rate": RATE, "epochs": STEPS, "weight_decay": 1e-4}
"""All 200 clean pairs a step, as a repair has them."""

Value = Callable[[Results], np.ndarray]


def _of(attack: str) -> list[Arm]:
    victim = f"{attack} victim"

    def tuned(name: str, options: Mapping[str, Any]) -> Arm:
        return Arm(f"{attack}, {name}", "invertune", options, data="defence", on={"init": victim})

    return [
        Arm(victim, "clip", {**AS_THEY_ARE, **TOWERS}, data=attack),
        Arm(f"{attack}, fine-tuned", "clip", TUNED, data="defence", on={"init": victim}),
        tuned("random trigger", RANDOM),
        tuned("invertune", REPAIR),
        tuned("true trigger", {**KNOWN, "trigger": ATTACKS[attack]}),
    ]


def _mean(arm: str, name: str) -> Value:
    """Over the attacks, of the arm `ATTACK, arm`; of the name what `{}` leaves open is the attack."""
    return lambda results: np.mean([results.of(_called(a, arm), name.format(a)) for a in ATTACKS], axis=0)


def _called(attack: str, arm: str) -> str:
    return f"{attack} victim" if arm == "victim" else f"{attack}, {arm}"


def _minus(one: Value, other: Value) -> Value:
    return lambda results: one(results) - other(results)


def _spared(arm: str) -> Value:
    """The share of triggered pictures that are not taken for the target."""
    return lambda results: 1 - _mean(arm, SUCCESS)(results)


def _least(results: Results) -> np.ndarray:
    """The worse of the victims: how often its trigger works."""
    return np.min([results.of(f"{a} victim", SUCCESS.format(a)) for a in ATTACKS], axis=0)


def _nearest(results: Results) -> np.ndarray:
    """The worse of the victims: its clean accuracy above that of the clean twin."""
    twin = results.of("clean twin", ACCURACY)
    return np.min([results.of(f"{a} victim", ACCURACY) - twin for a in ATTACKS], axis=0)


SUCCESS = "success, {}"


def _arms(*names: str) -> tuple[str, ...]:
    return tuple(_called(attack, name) for name in names for attack in ATTACKS)


CLAIM = register(
    Claim(
        name="invertune",
        title="A planted trigger is found by 200 clean pairs, and tuned until the true one no longer works; clean "
        "fine-tuning of as many steps does not get there.",
        paper="Sun et al., NDSS 2026, https://arxiv.org/abs/2506.12411: attack success reduced by 97.87 % on average, "
        "clean accuracy by at most 3.07 % (of the abstract; tables not read)",
        arms=(
            Arm("clean twin", "clip", {**AS_THEY_ARE, **TOWERS}),
            Arm("clean twin, invertune", "invertune", REPAIR, data="defence", on={"init": "clean twin"}),
            *(arm for attack in ATTACKS for arm in _of(attack)),
        ),
        predictions=(
            Prediction("victims: the trigger takes 90 %", _arms("victim"), _least, 0.9, role="mechanism"),
            Prediction(
                "victims - clean twin: not 3 points less accurate",
                (*_arms("victim"), "clean twin"),
                _nearest,
                threshold=-0.03,
                role="secondary",
            ),
            Prediction(
                "the target is the first suspect in 70 % of the victims (by chance in 10 %)",
                _arms("invertune"),
                _mean("invertune", "first"),
                threshold=0.7,
            ),
            Prediction(
                "the class that is named is the target in 70 % of the victims",
                _arms("invertune"),
                _mean("invertune", "right"),
                threshold=0.7,
                role="secondary",
            ),
            Prediction(
                "after the repair 80 % of pictures withstand the true trigger",
                _arms("invertune"),
                _spared("invertune"),
                threshold=0.8,
            ),
            Prediction(
                "repaired - victim: not 5 points less accurate",
                _arms("invertune", "victim"),
                _minus(_mean("invertune", ACCURACY), _mean("victim", ACCURACY)),
                threshold=-0.05,
            ),
            Prediction(
                "fine-tuned - repaired: the true trigger takes more of the fine-tuned",
                _arms("fine-tuned", "invertune"),
                _minus(_mean("fine-tuned", SUCCESS), _mean("invertune", SUCCESS)),
            ),
            Prediction(
                "clean fine-tuning leaves 50 % of the trigger",
                _arms("fine-tuned"),
                _mean("fine-tuned", SUCCESS),
                threshold=0.5,
                role="secondary",
            ),
            Prediction(
                "random trigger - victim: it takes no 10 points less",
                _arms("random trigger", "victim"),
                _minus(_mean("random trigger", SUCCESS), _mean("victim", SUCCESS)),
                threshold=-0.1,
                role="secondary",
            ),
            Prediction(
                "true trigger: 80 % of pictures withstand it once it is tuned away itself",
                _arms("true trigger"),
                _spared("true trigger"),
                threshold=0.8,
                role="secondary",
            ),
            Prediction(
                "clean twin: nothing is found in half of the seeds",
                ("clean twin, invertune",),
                lambda results: 1 - results.of("clean twin, invertune", "found"),
                threshold=0.5,
                role="secondary",
            ),
            Prediction(
                "clean twin: not 2 points less accurate after the whole repair",
                ("clean twin, invertune", "clean twin"),
                lambda results: results.of("clean twin, invertune", ACCURACY) - results.of("clean twin", ACCURACY),
                threshold=-0.02,
                role="secondary",
            ),
        ),
        protocol=Protocol(
            options={"epochs": 15, "batch_size": 100, "learning_rate": 2e-3},
            images=3_000,
            labelled=400,
            validation=300,
            test=500,
            seeds=3,
        ),
        full=Protocol(
            options={"epochs": 40, "batch_size": 500, "learning_rate": 2e-3},
            images=50_000,
            labelled=2_000,
            validation=2_000,
            test=10_000,
        ),
        ground=poisoned_scenes,
        measures=(named, attacked, repaired),
        choose_by=ACCURACY,
        modality="pairs",
        source="made:scenes",
        remarks=(
            "Scenes are made (`made:scenes?side=32&scale=3`): a digit of 24 pixels on a canvas of 32, in noise. 2 % of "
            "3,000 pairs carry a 4 x 4 checkerboard in a corner, or a pattern of noise mixed in by a fifth, and a "
            "caption of the target, which is three, five or eight by the seed. Repairs have 200 clean pairs of other "
            "scans, the test has 500 of others again.",
            "Measured before on digits of 8 pixels on a canvas of 16 (*contrary here*), with towers of 63 % accuracy: "
            "three of three clean towers were reported, and of six targets two named. After that the ground was "
            "enlarged, and the search changed by victims and clean towers of other seeds, scenes and scans: the mask "
            "has one value for all channels of a pixel, its weight (0.05 in the place of 0.01, for pictures of 224 "
            "pixels) grows over the first half of 400 steps of 16 pictures, and a class is held for planted where its "
            "mask is at most 0.6 times the median of the other nine. That a checkerboard was missed before that change "
            "was seen on one victim of the seeds below, too. After the measurement a second condition was added, by "
            "clean towers of 16 pixels that were named with two masks side by side: the next larger mask must be a "
            "third larger. The three repairs that were made were computed again with it, and came out the same; where "
            "nothing was found before nothing is found with it.",
            "The rate of tuning (3e-4 of 3e-4 and 1e-3) and all numbers of steps were chosen on those of other seeds, "
            "and are those of all arms that tune. Clean fine-tuning takes as many steps on the same 200 pairs, all of "
            "them in each. Batch normalisation keeps its statistics while tuning.",
            "The random trigger is as large as what inversion leaves of a class that stood out in a short scan, at "
            "random places. The true trigger is an upper bound: nobody who repairs knows it.",
            "Success is measured with the true trigger; `success, inverted` is what was found, which says nothing of "
            "the true one. A trigger is not looked for a second time in what was repaired. Where nothing is found "
            "nothing is repaired, and the arm counts as it is. `first`, `among three` and `rank` are of the patch "
            "without aim, which is the paper's suspicion; `found` and `right` of the masks.",
        ),
    )
)
