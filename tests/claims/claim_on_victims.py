"""A claim whose arms stand on what another arm has trained: an attack on it, and one that goes on from it."""

from __future__ import annotations

import torch

from contrapose.claims import Arm, Claim, Prediction, Protocol, difference
from contrapose.claims.measures import Subject
from contrapose.claims.scenes import ACCURACY, captioned_scenes, named_by_prompts
from contrapose.encoders.perturbations import load_perturbation

TOWERS = {"encoder": "micro_conv", "text_encoder": "bag_of_words", "projection_dimension": 8, "max_length": 8}
PROTOCOL = Protocol(options={"epochs": 1, "batch_size": 20}, seeds=2, images=80, labelled=80, validation=30, test=30)


def beneath(subject: Subject) -> dict[str, float]:
    """What it stands on, and whether the encoder that is measured is still that one."""
    found = {"beneath": float(len(subject.folders))}
    encoder = subject.artifacts.get("encoder")
    if encoder is not None and "victim" in subject.given:
        pairs = zip(encoder.parameters(), subject.given["victim"].parameters(), strict=True)
        found["unchanged"] = float(all(torch.equal(one.cpu(), other.cpu()) for one, other in pairs))
    if subject.run is not None:
        patch = load_perturbation(subject.run / "perturbation").tensors["patch"]
        found["patch"] = float(patch.sum())
    return found


CLAIM = Claim(
    name="on-victims",
    title="A claim on what others have trained.",
    paper="nobody",
    arms=(
        Arm("victim", "clip", TOWERS),
        Arm("attacked", "advclip", {"width": 4, "codes": 2, "area": 0.1}, on={"init": "victim"}),
        Arm("longer", "clip", TOWERS, on={"init": "victim"}, beside=("attacked",)),
    ),
    predictions=(Prediction("alike", ("victim", "attacked"), difference("victim", "attacked", ACCURACY)),),
    protocol=PROTOCOL,
    full=PROTOCOL,
    ground=captioned_scenes,
    measures=(named_by_prompts, beneath),
    choose_by=ACCURACY,
    modality="pairs",
    source="made:scenes",
)
