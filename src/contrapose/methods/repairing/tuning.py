"""The repair, as a job: units that the trigger moves are brought back, and clean embeddings are held."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from contrapose.atomic import write_atomically
from contrapose.data.samples import evenly_spaced
from contrapose.encoders import read_layers, save_encoder
from contrapose.encoders.capabilities import Layered
from contrapose.errors import ArgumentError
from contrapose.methods.repairing.found import Found
from contrapose.methods.repairing.shown import before_and_after
from contrapose.methods.repairing.suspect import Suspect
from contrapose.robustness.backdoors import (
    alignment_loss,
    batch_mean,
    critical_units,
    layer_impact,
    most_moved,
    preservation_loss,
)
from contrapose.training.job import Job, Report
from contrapose.training.pictures import write_pictures

FACTS = "repair.json"
LOOK = 10
"""Steps between two looks at whether this is the best so far. The authors'."""


@dataclass(frozen=True)
class Tuning:
    """How towers are tuned.

    Arguments:
        steps, rate, decay: of AdamW, whose rate falls to a hundredth of it by a cosine over all steps.
        layers: how many are brought back.
        pictures: of the one batch that all steps see.
        align, preserve: weights of the two parts.
        clip: the largest length of a gradient; 0: none.
        frozen_norms: whether batch normalisation keeps its statistics.
    """

    steps: int
    rate: float
    decay: float
    layers: int
    pictures: int
    align: float
    preserve: float
    clip: float
    frozen_norms: bool


class ActivationTuning(Job):
    """Fine-tunes the picture tower so that a trigger moves its critical units no more; the last stage of a repair.

        L = align sum_l || (a_l - a'_l) m_l || / || a_l m_l || + preserve || N(f(X)) - N(f0(X)) ||_F

    with means a_l, a'_l of the layers over one batch and the same batch triggered, masks m_l of the units that the
    trigger moved most before tuning, and the suspect towers as they were as f0. What is kept are the weights of lowest
    loss, looked at every tenth step. Where nothing was found no step changes anything. Writes `encoder/` and
    `repair.json`.

    Arguments:
        suspect: the towers, which are tuned here: whoever else needs them has a copy.
        found: verdict and trigger.
        change: what is put on pictures for tuning.
    """

    unit = "pictures"

    def __init__(
        self,
        suspect: Suspect,
        found: Found,
        change: Callable[[Tensor], Tensor],
        how: Tuning,
        *,
        describe: Mapping[str, Any],
    ) -> None:
        self.suspect, self.found, self.change, self.how, self.describe = suspect, found, change, how, dict(describe)
        self.total_steps = how.steps
        self.towers = suspect.towers
        self.before = self._measured()
        rows = torch.as_tensor(evenly_spaced(len(suspect.pictures), how.pictures))  # (B,)
        self.x = suspect.pictures[rows.to(suspect.pictures.device)].float() / 255  # (B, C, H, W)
        self.changed = change(self.x).detach()
        self.kept = suspect.embedded(rows)  # (B, D)
        self.impacts: dict[str, float] = {}
        self.units: dict[str, Bool[Tensor, "*S"]] = {}
        self.best: dict[str, Any] = {}
        if found.found:
            self._choose_units()
            self._prepare()

    @torch.no_grad()
    def _choose_units(self) -> None:
        """The layers and units that the trigger moves, chosen once: by the towers as they were."""
        names = [name for name in cast("Layered", self.towers.image).layers if name.count(".") == 1]
        a, moved = self._layers(self.x, names)[0], self._layers(self.changed, names)[0]
        self.impacts = {name: float(layer_impact(a[name], moved[name])) for name in names}
        for name in most_moved(self.impacts, self.how.layers):
            self.units[name] = critical_units(a[name] - moved[name])

    def _prepare(self) -> None:
        own = [self.towers.image, self.towers.weak[0], *([self.towers.strong[0]] if self.towers.heads == 2 else [])]
        self.weights = [weight for part in own for weight in part.parameters()]
        for weight in self.weights:
            weight.requires_grad_()
        if not self.how.frozen_norms:
            if len(self.x) < 2:
                raise ArgumentError("Batch normalisation that learns (--no-frozen-norms) needs two pictures at least.")
            for module in self.towers.image.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.train()
        self.optimizer = torch.optim.AdamW(self.weights, lr=self.how.rate, weight_decay=self.how.decay)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, self.how.steps, eta_min=self.how.rate / 100
        )

    def _layers(self, x: Tensor, names: list[str]) -> tuple[dict[str, Tensor], Tensor]:
        """Means of the layers over a batch, and its unit rows."""
        read = read_layers(self.towers.image, x, names)
        rows = self.towers.heads_of_images(read.embedding).float()  # (B, D)
        return {name: batch_mean(value) for name, value in read.layers.items()}, rows

    def _loss(self) -> tuple[Tensor, Tensor, Tensor]:
        names = list(self.units)
        a, rows = self._layers(self.x, names)
        moved, _ = self._layers(self.changed, names)
        align = alignment_loss([a[n] for n in names], [moved[n] for n in names], [self.units[n] for n in names])
        preserve = preservation_loss(rows, self.kept)
        return self.how.align * align + self.how.preserve * preserve, align, preserve

    def step(self, number: int) -> Report:
        if not self.found.found:
            return Report(0.0, said="nothing found, nothing to repair", numbers={"loss": 0.0})
        loss, align, preserve = self._loss()
        if number % LOOK == 0:
            self._look(float(loss.detach()))
        self.optimizer.zero_grad(set_to_none=True)
        for weight, gradient in zip(
            self.weights, torch.autograd.grad(loss, self.weights, allow_unused=True), strict=True
        ):
            weight.grad = gradient
        if self.how.clip:
            nn.utils.clip_grad_norm_(self.weights, self.how.clip)
        self.optimizer.step()
        self.schedule.step()
        if number + 1 == self.total_steps:
            with torch.no_grad():
                self._look(float(self._loss()[0]))
        numbers = {"loss": float(loss.detach()), "align": float(align.detach()), "preserve": float(preserve.detach())}
        return Report(float(len(self.x)), said=f"loss {numbers['loss']:.4f}", numbers=numbers)

    def _look(self, loss: float) -> None:
        """Keep the weights where they are the best so far."""
        if not self.best or loss < self.best["loss"]:
            self.best = {"loss": loss, "towers": copy.deepcopy(self.towers.state_dict())}

    def state(self) -> dict[str, Any]:
        if not self.found.found:
            return {"tuning": {}}
        now = {
            "towers": self.towers.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "best": self.best,
        }
        return {"tuning": now}

    def restore(self, state: dict[str, Any]) -> None:
        now = state["tuning"]
        if not now:
            return
        self.towers.load_state_dict(now["towers"])
        self.optimizer.load_state_dict(now["optimizer"])
        self.schedule.load_state_dict(now["schedule"])
        self.best = now["best"]

    def _measured(self) -> dict[str, float]:
        """Accuracy on clean pictures where there are labels, and how many of others the trigger makes the target."""
        accuracy = self.suspect.accuracy()
        _, others = self.suspect.showing(self.found.target)
        taken = self.suspect.classes(self.suspect.embedded(others, self.change))
        success = {"trigger_success": float((taken == self.found.target).float().mean())}
        return success if accuracy is None else {"clean_accuracy": accuracy, **success}

    def export(self, folder: Path, *, step: int) -> None:
        now = copy.deepcopy(self.towers.state_dict())
        if self.best:
            self.towers.load_state_dict(self.best["towers"])
        modes = [(module, module.training) for module in self.towers.modules()]
        self.towers.eval()
        facts = {**self.describe, "step": step, "total_steps": self.total_steps, "repaired": self.found.found}
        save_encoder(self.towers, folder / "encoder", extra=facts)
        record = {
            "found": self.found.found,
            "target": self.suspect.names[self.found.target],
            "reasons": list(self.found.reasons),
            "candidates": list(self.found.candidates),
            "layers": {name: {"impact": self.impacts[name], "units": int(m.sum())} for name, m in self.units.items()},
            "impacts": self.impacts,
            "before": self.before,
            "after": self._measured(),
            "loss": self.best.get("loss"),
        }
        write_atomically(folder / FACTS, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
        self.towers.load_state_dict(now)
        for module, training in modes:
            module.training = training
        caption = "Left: clean pictures. Right: with the trigger that the towers were tuned to overlook."
        if self.found.found:
            shown = before_and_after(self.suspect.pictures, self.change)
            write_pictures(folder, [(shown, "What was repaired", caption)])

    def closing(self) -> str | None:
        if not self.found.found:
            return "nothing found: the encoder is left as it was given"
        return None
