"""A learner and data in, a run folder out. `RunConfig` needs no torch; the rest is imported on first use."""

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.training.config import RunConfig

if TYPE_CHECKING:
    from contrapose.training.interface import Outcome
    from contrapose.training.loop import Trainer
    from contrapose.training.monitor import Monitor
    from contrapose.training.run_folder import RunFolder, new_run_path

__all__ = ["Monitor", "Outcome", "RunConfig", "RunFolder", "Trainer", "new_run_path"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Monitor": "contrapose.training.monitor",
        "Outcome": "contrapose.training.interface",
        "RunFolder": "contrapose.training.run_folder",
        "Trainer": "contrapose.training.loop",
        "new_run_path": "contrapose.training.run_folder",
    },
)
