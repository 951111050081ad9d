"""A loss that is not finite stops the run before it spoils the weights, and leaves the batch behind as evidence."""

from __future__ import annotations

from collections import deque
from typing import NoReturn

import torch
from accelerate import Accelerator
from torch import Tensor

from contrapose.data.batch import ALL, Batch
from contrapose.errors import RunError
from contrapose.training.checkpoint import list_checkpoints
from contrapose.training.config import RunConfig
from contrapose.training.reading import Reading, is_read_late
from contrapose.training.run_folder import RunFolder


class FiniteGuard:
    """Checks losses and gradient norms; all processes stop together (else the others would wait for ever).

    On a GPU what is checked is read two checks later, so that nobody waits for it: weights may have moved once or twice
    since, and `settle` sees to it that no checkpoint holds them.

    Arguments:
        remedy: what to try, as the end of a sentence; empty: what is usual.
    """

    def __init__(self, accelerator: Accelerator, config: RunConfig, run: RunFolder, *, remedy: str = "") -> None:
        self.accelerator, self.config, self.run = accelerator, config, run
        usual = f"Try a learning rate below {config.learning_rate}, --gradient-clip 1, or --precision float32"
        self.remedy = remedy or usual
        self._late = is_read_late(accelerator.device)
        self._unread: deque[tuple[Reading, Reading, Batch, str, int]] = deque()

    def check(self, value: Tensor, batch: Batch, what: str, step: int) -> None:
        """Pass a finite `value` (a scalar of any process).

        Errors:
            RunError: it is not finite; the views and indices of the batch are saved in the run folder first.
        """
        bad = (~torch.isfinite(value.detach())).float()  # ()
        if self.accelerator.num_processes > 1:
            bad = self.accelerator.reduce(bad, reduction="sum")
        if not self._late:
            if bool(bad):
                self.stop(batch, f"{what} became {float(value)}", step)
            return
        self._unread.append((Reading(bad), Reading(value), batch, what, step))
        self.settle(but=2)

    def settle(self, *, but: int = 0) -> None:
        """Look at what is not read yet, all or all but so many.

        Errors:
            RunError: as of `check`.
        """
        while len(self._unread) > but:
            bad, value, batch, what, step = self._unread.popleft()
            if bad.number():
                self.stop(batch, f"{what} became {value.number()}", step)

    def stop(self, batch: Batch, what: str, step: int) -> NoReturn:
        """Save the batch and end the run.

        Errors:
            RunError: always.
        """
        path = self.run.path / f"nonfinite-step-{step}-rank-{self.accelerator.process_index}.pt"
        views = list(batch.to("cpu").views)
        torch.save({"views": views, "indices": batch.indices, "step": step}, path)
        saved = list_checkpoints(self.run.checkpoints)
        of_turn = "" if batch.turn == ALL else f" in the turn {batch.turn!r}"
        kept = f"The last good checkpoint is {saved[0].name}" if saved else "There was no checkpoint yet"
        raise RunError(
            f"The {what} at step {step}{of_turn}; the batch that did it is saved as {path}. {kept}. {self.remedy}."
        )
