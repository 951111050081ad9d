"""What is wrong with a run, judged over its history: one sentence with a remedy, said when it changes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from contrapose.evaluation.health import Health, at_chance, in_words

CHANCE_STEPS = 100
"""Steps that a loss may stand at chance before it is said; runs that learn leave it within tens of steps."""

GROWTH = 100.0
"""Growth since the start that counts as an explosion. [design] In eight healthy runs of 160 steps (mmcl, simclr, moco;
AdamW and SGD) lengths grew at most 5 times, and gradients shrank."""

LEAST_GRADIENT = 10.0
"""A gradient norm below it does not explode, whatever it grew from: a run that starts collapsed has next to none."""

STEPS_COMPARED = 10
"""Gradient norms at the start and at the end whose medians are compared: one bad batch is no explosion."""


@dataclass(frozen=True)
class Change:
    """What has to be said now.

    Arguments:
        verdict: the new verdict; None when the last one no longer holds.
        line: the same for the console.
    """

    verdict: str | None
    line: str


class Verdicts:
    """Remembers what a verdict needs to know of the past, and says one only when it changes.

    A verdict reads `KIND: what was found. What to do.` Of several one stands, causes before consequences: embeddings or
    gradients a hundred times larger than at the start; what is wrong with the embeddings of the batch
    (`Health.collapse`); a loss that has stood at its chance value for 100 steps.

    Arguments:
        grace_steps: steps in which only explosions are spoken of: every run starts at chance, and some nearly
            collapsed.
    """

    def __init__(self, *, grace_steps: int) -> None:
        self.grace_steps = grace_steps
        self.standing: str | None = None
        self._first_norm: float | None = None
        self._at_chance_since: int | None = None
        self._first_gradients: list[float] = []
        self._last_gradients: deque[float] = deque(maxlen=STEPS_COMPARED)

    def remember(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take up the history of a run that continues from the lines of its `metrics.jsonl`."""
        for row in rows:
            self.gradient(_number(row.get("gradient_norm")))
            if "embedding_norm" in row:
                chance = row.get("chance")
                self._note(row["step"], _number(row.get("loss")), chance, _number(row["embedding_norm"]))
            if "verdict" in row:
                self.standing = row["verdict"]

    def gradient(self, norm: float) -> None:
        """Note the gradient norm of a step; one that is not finite is none."""
        if not math.isfinite(norm):
            return
        if len(self._first_gradients) < STEPS_COMPARED:
            self._first_gradients.append(norm)
        self._last_gradients.append(norm)

    def judge(self, step: int, health: Health, finding: Callable[[], str | None] | None = None) -> Change | None:
        """The verdict after `step` (from 1) becomes `standing`; a change of it is returned, to be said.

        Arguments:
            finding: a learner's own judgement, in the place of what its embeddings tell.
        """
        norm = math.nan if health.norm is None else health.norm
        self._note(step, health.loss, health.chance, norm)
        before, self.standing = self.standing, self._verdict(step, health, norm, finding)
        if _kind(self.standing) == _kind(before):
            return None
        if self.standing is None:
            return Change(None, f"recovered: {_kind(before)}")
        return Change(self.standing, f"warning: {self.standing}")

    def _note(self, step: int, loss: float, chance: float | None, norm: float) -> None:
        if self._first_norm is None and math.isfinite(norm):
            self._first_norm = norm
        if chance is None or not at_chance(loss, chance):
            self._at_chance_since = None
        elif self._at_chance_since is None:
            self._at_chance_since = step

    def _verdict(self, step: int, health: Health, norm: float, finding: Callable[[], str | None] | None) -> str | None:
        judged = step > self.grace_steps
        found = self._exploding_norm(norm, health.contrasts) or self._exploding_gradient()
        if found or not judged:
            return found
        return (health.collapse() if finding is None else finding()) or self._chance(step, health)

    def _exploding_norm(self, norm: float, contrasts: bool) -> str | None:
        start = self._first_norm
        if not start or not norm >= GROWTH * start:  # a start of 0 has no growth; NaN is not above anything
            return None
        remedy = (
            "Lower the learning rate, raise the weight decay, or normalise at the end of the projection head: a loss "
            "of cosines does not hold lengths back."
            if contrasts
            else "Lower the learning rate, or raise the weight decay."
        )
        return (
            f"exploding norm: the embeddings are {norm:.2g} long, {norm / start:,.0f} times their length at the start. "
            f"{remedy}"
        )

    def _exploding_gradient(self) -> str | None:
        if len(self._first_gradients) < STEPS_COMPARED:
            return None
        start, now = median(self._first_gradients), median(self._last_gradients)
        if not start or not now >= max(GROWTH * start, LEAST_GRADIENT):
            return None
        return (
            f"exploding gradient: its norm is {now:.2g}, {now / start:,.0f} times that of the first steps. Lower the "
            "learning rate, lengthen the warm-up, or clip it (--gradient-clip 1)."
        )

    def _chance(self, step: int, health: Health) -> str | None:
        since = self._at_chance_since
        if since is None or health.chance is None or step - since < CHANCE_STEPS:
            return None
        return (
            f"loss at chance: for {step - since:,} steps it has equalled its chance value {in_words(health.chance)} "
            f"or exceeded it (now {health.loss:.3g}). {health.chance_remedy}"
        )


def _kind(verdict: str | None) -> str | None:
    return None if verdict is None else verdict.split(":")[0]


def _number(value: float | None) -> float:
    """`metrics.jsonl` holds null for what was not finite."""
    return math.nan if value is None else value
