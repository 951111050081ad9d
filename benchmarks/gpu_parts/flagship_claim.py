"""The claim `mmcl` for a short time on a GPU: its two main arms at what its standard round chose, and kNN alone.

    contrapose reproduce benchmarks/gpu_parts/flagship_claim.py --full

(whose 200 epochs take hours) is what the last part of `benchmarks/gpu.py` does for fewer epochs. There is nothing to be
tuned: to tune at this length would cost eight times the time that there is, so both arms bring what was chosen, with as
many trials each, at 12 epochs of a smaller network. Probe and mechanism are left to the whole claim, for they take
processor time.
"""

from __future__ import annotations

from dataclasses import replace

from contrapose.claims import find_claim
from contrapose.claims.measures import nearest_neighbours
from contrapose.claims.places import PUBLISHED
from contrapose.claims.record import read_records

PUBLISHED_CLAIM = find_claim("mmcl")
ARMS = ("mmcl, pgd", "nt_xent")
BATCH = 128  # of the full protocol, which is the claim's: a small batch


def tuned(arm: str) -> dict[str, float]:
    """The best trial of the arm in the record of the standard round."""
    record = next(record for record in read_records(PUBLISHED) if record["claim"] == "mmcl")
    return dict(
        max((trial for trial in record["trials"] if trial["arm"] == arm), key=lambda trial: trial["score"])["options"]
    )


CLAIM = replace(
    PUBLISHED_CLAIM,
    name="mmcl-gpu",
    arms=tuple(
        replace(arm, options={**arm.options, **tuned(arm.name)}, grid={})
        for arm in PUBLISHED_CLAIM.arms
        if arm.name in ARMS
    ),
    predictions=tuple(
        prediction
        for prediction in PUBLISHED_CLAIM.predictions
        if set(prediction.arms) <= set(ARMS) and "kNN" in prediction.statement
    ),
    measures=(nearest_neighbours,),
)
