"""Which class is suspect, as a job: a patch that only leads away shows where a poisoned encoder leads to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.data import derived_generator
from contrapose.methods.repairing.shown import before_and_after
from contrapose.methods.repairing.suspect import Suspect
from contrapose.robustness import paste, patch_mask
from contrapose.robustness.backdoors import Suspects
from contrapose.robustness.universal.leading_away import move_on, some_of
from contrapose.training.job import Job, Report
from contrapose.training.pictures import write_pictures

FILE, FACTS = "patch.safetensors", "suspects.json"
RATE = 0.05
"""Of Adam, for pixels in [0, 1]. [design]"""


class TargetScan(Job):
    """One patch for all pictures, learned without labels or aim, and what predictions become under it.

        L = mean over a batch of cos(f(x'), f(x)),   x' the picture with the patch,   made small by Adam

    A planted shortcut is the easiest way out, so predictions pile up on its class. Writes `suspects.json` (shares
    before and after, the order of suspicion, the suspect classes) and `patch.safetensors`.

    Arguments:
        suspect: the towers and the clean pictures.
        steps: how many.
        batch: pictures a step.
        area: of the patch, as a share of the picture.
        seed: draws the first patch, and the pictures of each step.
    """

    unit = "pictures"

    def __init__(self, suspect: Suspect, *, steps: int, batch: int, area: float, seed: int) -> None:
        self.suspect, self.total_steps, self.seed = suspect, steps, seed
        self.batch = min(batch, len(suspect.pictures))
        device, shape = suspect.pictures.device, suspect.pictures.shape[1:]
        first = torch.rand(shape, generator=derived_generator(seed, "patch"))  # (C, H, W)
        self.patch = first.to(device).requires_grad_()
        self.mask = patch_mask(*shape[1:], area=area).to(device)  # (1, H, W)
        self.optimizer = torch.optim.Adam([self.patch], lr=RATE)
        self.clean = suspect.embedded()  # (N, D)

    def step(self, number: int) -> Report:
        generator = derived_generator(self.seed, number)
        rows, x = some_of(self.suspect.pictures, self.batch, generator)  # (B,), (B, C, H, W)
        u = self.suspect.embed(paste(x, self.patch, self.mask))  # (B, D)
        loss = (u * self.clean[rows]).sum(dim=1).mean()
        move_on(self.patch, loss, self.optimizer)
        cosine = float(loss.detach())
        return Report(float(self.batch), said=f"cosine {cosine:.3f}", numbers={"loss": cosine})

    def state(self) -> dict[str, Any]:
        return {"patch": self.patch.detach(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.patch.copy_(state["patch"])
        self.optimizer.load_state_dict(state["optimizer"])

    def changed(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Pictures with the patch."""
        return paste(x, self.patch.detach(), self.mask)

    def suspects(self) -> Suspects:
        """How predictions move under the patch as it is."""
        disturbed = self.suspect.embedded(change=self.changed)  # (N, D)
        classes = self.suspect.classes
        return Suspects.of(classes(self.clean), classes(disturbed), len(self.suspect.names))

    def export(self, folder: Path, *, step: int) -> None:
        found = self.suspects()
        tensors = {"patch": self.patch.detach().cpu().contiguous(), "mask": self.mask.cpu().contiguous()}
        write_atomically(folder / FILE, safetensors.torch.save(tensors))
        facts = {
            "classes": list(self.suspect.names),
            "before": found.before.tolist(),
            "after": found.after.tolist(),
            "order": found.order,
            "clear": found.clear,
            "candidates": list(found.candidates()),
        }
        write_atomically(folder / FACTS, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
        shown = before_and_after(self.suspect.pictures, self.changed)
        caption = "Left: clean pictures. Right: with the patch that leads away from what they show, wherever to."
        write_pictures(folder, [(shown, "The patch without aim", caption)])

    def closing(self) -> str:
        found, names = self.suspects(), self.suspect.names
        shares = [(names[n], 100 * found.before[n], 100 * found.after[n]) for n in found.order[:3]]
        told = ", ".join(f"{name!r} {before:.3g} -> {after:.3g} %" for name, before, after in shares)
        return f"predictions under a patch without aim: {told}"


def read_suspects(folder: Path) -> Suspects:
    """What a scan has left: the shares."""
    import numpy as np

    facts: Mapping[str, Any] = json.loads((folder / FACTS).read_bytes())
    return Suspects(np.array(facts["before"]), np.array(facts["after"]))
