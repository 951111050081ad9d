"""The smoke version of a claim: it shows that everything runs, in seconds, and is no evidence of anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contrapose.claims.claim import Arm, Claim

SAMPLES = 192
BATCH = 32
TRIALS = 2


def quick_version(claim: Claim) -> Claim:
    """The same arms and predictions on 192 samples, one epoch, two seeds, two trials an arm."""
    protocol = replace(
        claim.protocol,
        options=_small(claim.protocol.options, must=True),
        images=SAMPLES,
        labelled=SAMPLES,
        validation=100,
        test=100,
        seeds=2,
        tuning_seeds=1,
        measure_at=(1.0,),
    )
    arms = [replace(arm, options=_small(arm.options), grid=_short(arm)) for arm in claim.arms]
    return replace(claim, arms=arms, protocol=protocol)


def _small(options: Mapping[str, Any], *, must: bool = False) -> dict[str, Any]:
    small = dict(options)
    if must or "epochs" in small:
        small["epochs"] = 1
    if must or "batch_size" in small:
        small["batch_size"] = min(BATCH, small.get("batch_size", BATCH))
    if "queue" in small:
        small["queue"] = 2 * BATCH
    return small


def _short(arm: Arm) -> dict[str, Any]:
    """Two values of the first option, one of every other."""
    return {
        name: list(values)[: TRIALS if number == 0 else 1] for number, (name, values) in enumerate(arm.grid.items())
    }
