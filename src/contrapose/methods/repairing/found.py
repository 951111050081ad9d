"""What a search for a trigger has left for the stage that tunes it away: the verdict, the mask, the trigger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.artifact import read_tensors

FILE, FACTS = "trigger.safetensors", "trigger.json"


@dataclass(frozen=True, eq=False)
class Found:
    """What an inversion has left.

    Shapes:
        mask, trigger: `(C, H, W)`.
    """

    found: bool
    target: int
    reasons: tuple[str, ...]
    candidates: tuple[dict[str, Any], ...]
    mask: Float[Tensor, "C H W"]
    trigger: Float[Tensor, "C H W"]


def read_trigger(folder: Path) -> Found:
    """The verdict and the trigger of an earlier stage."""
    facts, tensors = json.loads((folder / FACTS).read_bytes()), read_tensors(folder / FILE)
    return Found(
        facts["found"],
        facts["target"],
        tuple(facts["reasons"]),
        tuple(facts["candidates"]),
        tensors["mask"],
        tensors["trigger"],
    )
