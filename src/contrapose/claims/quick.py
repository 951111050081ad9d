"""The smoke version of a claim: it shows that everything runs, in seconds, and is no evidence of anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contrapose.claims.claim import Arm, Claim

SAMPLES = 96
ASKED = 50
"""Samples to choose on, and to report on."""
BATCH = 16
TRIALS = 2
TOKENS = 32
SMALLER = {"small_conv": "micro_conv", "tiny_conv": "micro_conv"}


def quick_version(claim: Claim) -> Claim:
    """The same arms and predictions on 96 samples at most, one epoch, two seeds; two trials of the first tuned arm, one
    of the others; a small net in place of a larger one of its kind, texts of at most 32 tokens, and nothing from
    outside."""
    usual = claim.protocol
    protocol = replace(
        usual,
        options=_small(usual.options, must=True),
        images=min(SAMPLES, usual.images),
        labelled=min(SAMPLES, usual.labelled // 4),  # where there are few, each holds much
        validation=min(ASKED, usual.validation),
        test=min(ASKED, usual.test),
        seeds=2,
        tuning_seeds=1,
        measure_at=(1.0,),
    )
    tuned = next((arm for arm in claim.arms if arm.grid), None)
    arms = [
        replace(arm, options=_small(arm.options), grid=_short(arm, TRIALS if arm is tuned else 1)) for arm in claim.arms
    ]
    return replace(claim, arms=arms, protocol=protocol, outside=())


def _small(options: Mapping[str, Any], *, must: bool = False) -> dict[str, Any]:
    small = dict(options)
    if must or "epochs" in small:
        small["epochs"] = 1
    if must or "batch_size" in small:
        small["batch_size"] = min(BATCH, small.get("batch_size", BATCH))
    small |= {name: 1 for name, value in small.items() if name.endswith("_epochs") and value > 0}  # of other stages
    if "queue" in small:
        small["queue"] = 4 * BATCH  # no fewer than some choose the hardest of
    small |= {name: min(2, value) for name, value in small.items() if name.endswith("_steps")}
    if "max_length" in small:
        small["max_length"] = min(TOKENS, small["max_length"])
    if "encoder" in small:
        small["encoder"] = SMALLER.get(small["encoder"], small["encoder"])
    return small


def _short(arm: Arm, trials: int) -> dict[str, Any]:
    """So many values of the first option, one of every other."""
    return {
        name: list(values)[: trials if number == 0 else 1] for number, (name, values) in enumerate(arm.grid.items())
    }
