"""Which trigger, as a job: for each suspect class the smallest change of pictures that makes them that class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from contrapose.atomic import write_atomically
from contrapose.data import derived_generator
from contrapose.encoders.perturbations import FOLDER, SavedPerturbation, Victim, save_perturbation
from contrapose.errors import DataError, RunError
from contrapose.methods.repairing.found import FACTS, FILE
from contrapose.methods.repairing.shown import before_and_after, grid
from contrapose.methods.repairing.suspect import Suspect
from contrapose.robustness.backdoors import (
    Inverted,
    Limits,
    Suspects,
    Verdict,
    Weights,
    inversion_loss,
    overlaid,
    verdict,
)
from contrapose.robustness.backdoors.inversion import TEMPERATURE
from contrapose.training.job import Job, Report
from contrapose.training.pictures import write_pictures

GROWING = 0.5
"""Share of all steps in which the weight of the mask grows from 0. [design] In full from the start on it takes away
most of the mask before a trigger has formed below, and what was planted is found from few starts."""


@dataclass(eq=False)
class _Candidate:
    """A class, and the trigger that is looked for."""

    target: int
    near: Float[Tensor, "A D"]
    others: Int64[Tensor, "n"]
    weight: Float[Tensor, "c H W"]
    trigger: Float[Tensor, "C H W"]
    optimizer: torch.optim.Optimizer

    @property
    def mask(self) -> Float[Tensor, "C H W"]:
        """What is learned of the mask, c being C or 1, for each channel."""
        return self.weight.expand_as(self.trigger)


class TriggerInversion(Job):
    """Mask and trigger of each class that is looked into, by Adam; after every step both are brought back into [0, 1].

    The weight of the mask's size grows over the first half of the steps.

    Writes `trigger.json` (what each class came to, the verdict), `trigger.safetensors` (mask and trigger of the class
    that was chosen), and the same as a perturbation, which `contrapose apply` puts on pictures.

    Arguments:
        suspect: the towers and the clean pictures; nothing of the towers changes.
        suspects: how predictions moved; candidates: the classes to look into.
        steps: how many, of all candidates together each.
        batch: pictures a step.
        rate: of Adam.
        weights: of the parts of the loss.
        channel_masks: whether the mask has a value of its own for each channel, and not one for all of a pixel.
        limits: of the verdict.
        victim: whom the perturbation names.
    """

    unit = "pictures"

    def __init__(
        self,
        suspect: Suspect,
        suspects: Suspects,
        candidates: Sequence[int],
        *,
        steps: int,
        batch: int,
        rate: float,
        weights: Weights,
        channel_masks: bool = False,
        limits: Limits,
        seed: int,
        victim: Victim,
    ) -> None:
        self.suspect, self.suspects, self.total_steps = suspect, suspects, steps
        self.batch, self.weights, self.seed = batch, weights, seed
        self.channel_masks, self.limits, self.victim = channel_masks, limits, victim
        self.candidates = [self._candidate(target, rate) for target in candidates]

    def _candidate(self, target: int, rate: float) -> _Candidate:
        device, shape = self.suspect.pictures.device, self.suspect.pictures.shape[1:]
        own, others = self.suspect.showing(target)
        if not len(others):
            raise DataError(
                f"All clean pictures show {self.suspect.names[target]!r}, and a trigger is looked for on others: give "
                "pairs of several classes."
            )
        near = self.suspect.embedded(own) if len(own) else self.suspect.prototypes[:0]  # (A, D)
        mask = torch.ones(shape if self.channel_masks else (1, *shape[1:]), device=device).requires_grad_()
        first = torch.rand(shape, generator=derived_generator(self.seed, "trigger", target))  # (C, H, W)
        trigger = first.to(device).requires_grad_()
        return _Candidate(target, near, others, mask, trigger, torch.optim.Adam([mask, trigger], lr=rate))

    def step(self, number: int) -> Report:
        losses = [self._move(candidate, number) for candidate in self.candidates]
        told = {f"mask_{self.suspect.names[one.target]}": float(one.mask.detach().mean()) for one in self.candidates}
        loss = sum(losses) / len(losses)
        most = min(told.values())
        said = f"loss {loss:.3f}  smallest mask {100 * most:.1f} %"
        return Report(float(self.batch * len(losses)), said=said, numbers={"loss": loss, **told})

    def _move(self, one: _Candidate, number: int) -> float:
        generator = derived_generator(self.seed, number, one.target)
        rows = one.others[torch.randperm(len(one.others), generator=generator)[: self.batch].to(one.others.device)]
        near = one.near[torch.randperm(len(one.near), generator=generator)[: self.batch].to(one.near.device)]
        x = self.suspect.pictures[rows].float() / 255  # (B, C, H, W)
        changed = overlaid(x, one.mask, one.trigger)
        u = self.suspect.embed(changed)  # (B, D)
        weights = replace(self.weights, size=self.weights.size * min(1.0, number / (GROWING * self.total_steps)))
        loss, _ = inversion_loss(x, changed, one.mask, u, self.suspect.prototypes, one.target, near, weights=weights)
        one.weight.grad, one.trigger.grad = torch.autograd.grad(loss, [one.weight, one.trigger])
        one.optimizer.step()
        with torch.no_grad():
            one.weight.clamp_(0, 1)
            one.trigger.clamp_(0, 1)
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        return {
            "inverted": [
                {
                    "target": one.target,
                    "mask": one.weight.detach(),
                    "trigger": one.trigger.detach(),
                    "optimizer": one.optimizer.state_dict(),
                }
                for one in self.candidates
            ]
        }

    def restore(self, state: dict[str, Any]) -> None:
        kept = state.get("inverted", [])
        if [one["target"] for one in kept] != [one.target for one in self.candidates]:
            raise RunError("The checkpoint is of other classes than the scan found. Start a new run.")
        for one, before in zip(self.candidates, kept, strict=True):
            with torch.no_grad():
                one.weight.copy_(before["mask"])
                one.trigger.copy_(before["trigger"])
            one.optimizer.load_state_dict(before["optimizer"])

    def _came_to(self, one: _Candidate) -> Inverted:
        """What the trigger of a class does to all pictures of others."""
        mask, trigger = one.mask.detach(), one.trigger.detach()
        u = self.suspect.embedded(one.others, lambda x: overlaid(x, mask, trigger))  # (n, D)
        logits = u @ self.suspect.prototypes.T / TEMPERATURE  # (n, K)
        wanted = torch.full((len(u),), one.target, device=u.device)  # (n,)
        return Inverted(
            target=one.target,
            rise=float(self.suspects.rises[one.target]),
            gained=float(self.suspects.gained[one.target]),
            mask=float(mask.mean()),
            cross_entropy=float(functional.cross_entropy(logits, wanted)),
            success=float((logits.argmax(dim=1) == one.target).float().mean()),
        )

    def judged(self) -> tuple[list[Inverted], Verdict]:
        """What each class came to, and the verdict."""
        found = [self._came_to(one) for one in self.candidates]
        return found, verdict(found, self.suspect.names, self.limits)

    def export(self, folder: Path, *, step: int) -> None:
        found, judged = self.judged()
        names, one = self.suspect.names, self.candidates[judged.chosen]
        mask, trigger = one.mask.detach().cpu().contiguous(), one.trigger.detach().cpu().contiguous()
        write_atomically(folder / FILE, safetensors.torch.save({"mask": mask, "trigger": trigger}))
        facts = {
            "found": judged.found,
            "target": one.target,
            "name": names[one.target],
            "reasons": list(judged.reasons),
            "usual_mask": judged.usual,
            "candidates": [{**asdict(each), "name": names[each.target]} for each in found],
        }
        write_atomically(folder / FACTS, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
        image = self.suspect.towers.image
        save_perturbation(
            SavedPerturbation(
                kind="patch",
                channels=image.channels,
                image_size=image.image_size,
                victims=[self.victim],
                bound={"area": float(mask.mean())},
                tensors={"patch": trigger, "mask": mask},
                preparation=image.preparation,
                extra={"target": names[one.target], "found": judged.found},
            ),
            folder / FOLDER,
        )
        write_pictures(folder, self._shown(one, names[one.target]))

    def _shown(self, one: _Candidate, name: str) -> list[tuple[Any, str, str]]:
        mask, trigger = one.mask.detach(), one.trigger.detach()
        tiles = torch.stack([mask * trigger, mask, trigger])[None]  # (1, 3, C, H, W)
        pictures = self.suspect.pictures[one.others[:8]]
        caption = (
            f"Left: pictures of other classes. Right: with the trigger, by which the towers take them for {name!r}."
        )
        return [
            (
                grid(tiles),
                "The trigger found",
                f"For the class {name!r}: the trigger where its mask lets it through; the mask, white where it covers; "
                "the trigger without the mask.",
            ),
            (before_and_after(pictures, lambda x: overlaid(x, mask, trigger)), "With the trigger found", caption),
        ]

    def closing(self) -> str:
        _, judged = self.judged()
        return f"{'suspicious' if judged.found else 'nothing found'}: {'; '.join(judged.reasons)}"
