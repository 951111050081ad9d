"""What a step says to the outside: a line of metrics.jsonl at a cadence, the tracker, the monitor, the health line."""

from __future__ import annotations

from accelerate import Accelerator

from contrapose.evaluation.health import Health
from contrapose.learners import Learner, Step
from contrapose.training.config import RunConfig
from contrapose.training.config_file import to_dictionary
from contrapose.training.monitor import Monitor
from contrapose.training.run_folder import RunFolder
from contrapose.training.verdicts import Verdicts

HEALTH_STEPS = 50  # an effective rank costs an eigen-decomposition, so not at every line


class Reporter:
    """Turns steps into numbers on disk and on screen, from the main process."""

    def __init__(
        self,
        accelerator: Accelerator,
        config: RunConfig,
        run: RunFolder,
        monitor: Monitor,
        learner: Learner,
        epoch_steps: int,
    ) -> None:
        self.accelerator, self.config, self.run = accelerator, config, run
        self.monitor, self.learner, self.epoch_steps = monitor, learner, epoch_steps
        self.total_steps = epoch_steps * config.epochs
        self.verdicts = Verdicts(grace_steps=round(config.warmup_share * self.total_steps) + HEALTH_STEPS)
        self._next_health = 0

    def start(self, step: int) -> None:
        """Open the tracker and take up the history of a resumed run; the next report comes with a health line."""
        self._next_health = step + 1
        self.verdicts.remember(row for row in self.run.metrics() if row.get("step", 0) <= step)
        if self.config.tracker != "none":
            flat = {
                key: value for key, value in to_dictionary(self.config).items() if isinstance(value, int | float | str)
            }
            self.accelerator.init_trackers(self.run.path.name, config=flat)

    def report(self, number: int, step: Step, gradient_norm: float, learning_rate: float, rate: float) -> None:
        """Tell of the `number`-th step (from 1)."""
        loss = float(step.loss.detach())
        self.verdicts.gradient(gradient_norm)
        epoch = number / self.epoch_steps
        self.monitor.advance(number, epoch=epoch, epochs=self.config.epochs, loss=loss, views_per_second=rate)
        last = number == self.total_steps
        if number % self.config.log_steps and not last and number < self._next_health:
            return
        row: dict[str, float | int | str | None] = {
            "step": number,
            "epoch": epoch,
            "loss": loss,
            "learning_rate": learning_rate,
            "gradient_norm": gradient_norm,
            "views_per_second": round(rate, 1),
            **{name: float(value) for name, value in step.log.items()},
        }
        if last or number >= self._next_health:
            self._next_health = number + HEALTH_STEPS
            health = self._health(step, loss)
            change = self.verdicts.judge(number, health)
            self.monitor.health(health, standing=self.verdicts.standing, change=change)
            row |= {"spread": health.spread, "effective_rank": health.effective_rank, "chance": health.chance}
            row["embedding_norm"] = health.norm
            if change is not None:
                row["verdict"] = change.verdict
        if self.accelerator.is_main_process:
            self.run.log(row)
        if self.config.tracker != "none":
            self.accelerator.log(
                {k: v for k, v in row.items() if isinstance(v, int | float) and k != "step"}, step=number
            )

    def _health(self, step: Step, loss: float) -> Health:
        return Health.measure(
            step.embeddings,
            loss=loss,
            negatives_per_anchor=round(step.pairing.negatives_per_anchor()),
            chance=self.learner.chance(step.pairing) if self.learner.chance else None,
            prototype_scores=step.prototype_scores,
        )
