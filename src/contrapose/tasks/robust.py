"""Robust: what a trained classifier of pictures answers after attacks on its pixels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from contrapose.data import Samples, derived_generator
from contrapose.encoders import Encoder
from contrapose.encoders.heads import Heads, Question
from contrapose.evaluation import Metric
from contrapose.robustness import Steps, cross_entropy_attack
from contrapose.tasks.attacks import NORMS, Attacks
from contrapose.tasks.classification import Classification
from contrapose.tasks.given import Given
from contrapose.tasks.labelled import MAJORITY
from contrapose.tasks.setting import Setting
from contrapose.tasks.task import Embed, Measurement, Metrics, Task
from contrapose.words import counted

BATCH = 256
STARTS = "robust"
"""Names the random stream of the starts."""


class _Robust(Classification):
    """The classifier as it is, on pictures as they are and attacked; nothing else is measured beside it but the answer
    that is always the same, which no attack moves."""

    def __init__(self, given: Given) -> None:
        super().__init__(given)
        assert isinstance(given.encoder, Encoder)
        self.encoder, self.attacks, self.arms = given.encoder, given.attacks or Attacks(), False
        self._notes.append(
            "robust accuracy is what these attacks left: whoever looks longer, or otherwise, may leave less"
        )
        radii = {f"millionths of {name}": round(1e6 * radius) for name, radius in self.attacks.radii}
        how = {"steps": self.attacks.steps, "restarts": self.attacks.restarts}
        self.setting = Setting("robust", {"seed": given.seed, **radii, **how}, self.setting.test)
        self._found: Metrics | None = None

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        plain, z = super().__call__(embed)
        self._found = self._found or self._attacked()
        return {**_accuracies(plain), **self._found}, z

    def floors(self) -> dict[str, Metrics]:
        found = _accuracies(super().floors()[MAJORITY])
        for question in self.questions:
            name = self.name_of("accuracy", question)
            for norm, radius in self.attacks.radii if name in found else ():
                attacked = self.name_of(_named(norm, radius), question)
                found[attacked] = replace(found[name], name=attacked)
        return {MAJORITY: found}

    def _attacked(self) -> Metrics:
        found: Metrics = {}
        heads = copy.deepcopy(self.classifier.heads.heads).to(self.encoder.device)
        for number, (question, truths) in enumerate(zip(self.questions, self.truths, strict=True)):
            if truths is None:
                continue
            known = np.flatnonzero(truths != "")  # (n,)
            places = {name: place for place, name in enumerate(question.classes)}
            labels = torch.tensor([places.get(name, -1) for name in truths[known]])  # (n,)
            for norm, radius in self.attacks.radii:
                name = self.name_of(_named(norm, radius), question)
                steps = self.attacks.of(norm, radius)
                right = self._right(
                    self.test.subset(known), labels, question, _logits(self.encoder, heads, number), steps
                )
                starts = counted(self.attacks.restarts, "start")
                how = f"PGD-{steps.count} on cross-entropy, {starts}, steps of {steps.length:.3g}"
                found[name] = Metric.from_items(name, right, protocol=f"right after attacks: {how}")
        return found

    def _right(
        self,
        samples: Samples,
        labels: Tensor,
        question: Question,
        logits: Callable[[Tensor], Tensor],
        steps: Steps,
    ) -> np.ndarray:
        """1 where the class is right whatever the attack tried, `(n,)`; a class that was never learned is wrong."""
        right = np.zeros(len(samples))
        device, training = self.encoder.device, self.encoder.training
        self.encoder.eval()
        for part, rows in enumerate(torch.nonzero(labels >= 0).flatten().split(BATCH)):
            x = self.encoder.prepare(samples.batch(rows)).to(device)  # (B, C, H, W)
            found = cross_entropy_attack(
                logits,
                x.float() / 255 if x.dtype == torch.uint8 else x.float(),
                labels[rows].to(device),
                steps,
                restarts=self.attacks.restarts,
                answers=lambda logits: question.answers(question.probabilities(logits.cpu())).to(device),
                generator=derived_generator(self.seed, STARTS, steps.norm, part),
            )
            right[rows.numpy()] = (~found.fooled).cpu().numpy()
        self.encoder.train(training)
        return right


def _logits(encoder: Encoder, heads: Heads, number: int) -> Callable[[Tensor], Tensor]:
    return lambda x: heads(encoder(x))[number]  # (B, P)


def _accuracies(metrics: Metrics) -> Metrics:
    """Beside robust accuracies nothing else says more."""
    return {name: metric for name, metric in metrics.items() if name.startswith("accuracy")}


def _named(norm: str, radius: float) -> str:
    return f"robust accuracy, {NORMS[norm]} {radius:.4g}"


class _RobustTask(Task):
    name = "robust"
    needs = "a classifier of pictures (a run of train classifier or train dat), and classes (--label-column NAME)"
    uses = ("label_column", "labels")
    artifacts = ("classifier",)
    modalities = ("image",)

    def takes(self, given: Given) -> bool:
        return given.classifier is not None and super().takes(given)

    def fits(self, given: Given) -> bool:
        return given.attacks is not None and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and not given.targets.without_labels

    def prepare(self, given: Given) -> Measurement:
        return _Robust(given)


ROBUST = _RobustTask()
