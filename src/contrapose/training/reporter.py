"""What a step of training says to the outside: numbers for metrics.jsonl, the health line, verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from contrapose.evaluation.health import Health
from contrapose.learners import Learner, Step
from contrapose.training.config import RunConfig
from contrapose.training.job import Report
from contrapose.training.monitor import Monitor
from contrapose.training.reading import is_read_late
from contrapose.training.verdicts import Verdicts

HEALTH_STEPS = 50  # an effective rank costs an eigen-decomposition, so not at every line


class Reporter:
    """Turns steps into reports, and judges them."""

    def __init__(self, config: RunConfig, monitor: Monitor, learner: Learner, epoch_steps: int) -> None:
        self.config, self.monitor, self.learner, self.epoch_steps = config, monitor, learner, epoch_steps
        self.total_steps = epoch_steps * config.epochs
        self.verdicts = Verdicts(grace_steps=round(config.warmup_share * self.total_steps) + HEALTH_STEPS)
        self._next_health = 0
        self._loss = math.nan  # the last that was read

    def start(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Take up the history of a resumed run; the next report comes with a health line."""
        self._next_health = 0
        self.verdicts.remember(history)

    def report(
        self, number: int, step: Step, gradient_norm: float | Tensor, learning_rate: float, views: int
    ) -> Report:
        """What there is to say of the `number`-th step (from 1), in which so many views were seen. On a GPU numbers are
        read where they are logged, and stay there otherwise."""
        due = number == self.total_steps or number >= self._next_health
        loss: float | Tensor = step.loss.detach()
        if due or number % self.config.log_steps == 0 or not is_read_late(step.loss.device):
            loss, gradient_norm = float(loss), float(gradient_norm)
            self.verdicts.gradient(gradient_norm)
            self._loss = loss
        epoch = number / self.epoch_steps
        numbers = {"epoch": epoch, "loss": loss, "learning_rate": learning_rate, "gradient_norm": gradient_norm}
        details: dict[str, Any] = {
            name: value if isinstance(value, Tensor) else float(value) for name, value in step.log.items()
        }
        if due:
            self._next_health = number + HEALTH_STEPS
            details |= self._judged(number, self._health(step, self._loss), step.finding)
        said = f"epoch {epoch:.1f}/{self.config.epochs}  loss {self._loss:.3f}"
        return Report(views, said, numbers, details, due)

    def _judged(self, number: int, health: Health, finding: Callable[[], str | None] | None) -> dict[str, Any]:
        change = self.verdicts.judge(number, health, finding)
        self.monitor.health(health, standing=self.verdicts.standing, change=change)
        found = {"spread": health.spread, "effective_rank": health.effective_rank, "chance": health.chance}
        found["embedding_norm"] = health.norm
        return found if change is None else {**found, "verdict": change.verdict}

    def _health(self, step: Step, loss: float) -> Health:
        return Health.measure(
            step.embeddings,
            loss=loss,
            negatives_per_anchor=round(step.pairing.negatives_per_anchor()) if self.learner.contrasts else None,
            chance=self.learner.chance(step.pairing) if self.learner.chance else None,
            prototype_scores=step.prototype_scores,
            contrasts=self.learner.contrasts,
        )
