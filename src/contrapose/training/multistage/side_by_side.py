"""The encoders of all stages as one, as a job: what a multistage run ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrapose.encoders import concatenate, load_encoder, save_encoder
from contrapose.training.job import Job, Report


class ConcatenateJob(Job):
    """Puts trained encoders side by side; one step.

    Arguments:
        folders: of the encoders, in their order.
        normalize: whether each counts alike.
        describe: facts that are kept with the encoder.
    """

    unit, total_steps = "encoders", 1

    def __init__(self, folders: Sequence[Path], *, normalize: bool, describe: Mapping[str, Any]) -> None:
        self.encoder = concatenate([load_encoder(folder) for folder in folders], normalize=normalize)
        self.count, self.describe = len(folders), dict(describe)

    def step(self, number: int) -> Report:
        dimension = self.encoder.dimension
        return Report(float(self.count), said=f"{dimension} dimensions", numbers={"dimension": dimension})

    def state(self) -> dict[str, Any]:
        return {}  # it is made of what earlier stages left

    def restore(self, state: dict[str, Any]) -> None:
        pass

    def export(self, folder: Path, *, step: int) -> None:
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        save_encoder(self.encoder, folder / "encoder", extra=facts)
