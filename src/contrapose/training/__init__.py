"""Jobs in, a run folder out. `RunConfig` needs no torch; the rest is imported on first use."""

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.training.config import RunConfig

if TYPE_CHECKING:
    from contrapose.training.interface import Outcome
    from contrapose.training.job import Job, Report
    from contrapose.training.loop import Trainer
    from contrapose.training.monitor import Monitor
    from contrapose.training.pictures import in_grid, read_pictures, write_pictures
    from contrapose.training.run_folder import RunFolder, new_run_path
    from contrapose.training.runner import Runner
    from contrapose.training.stages import Context, Plan, Stage

__all__ = [
    "Context",
    "Job",
    "Monitor",
    "Outcome",
    "Plan",
    "Report",
    "RunConfig",
    "RunFolder",
    "Runner",
    "Stage",
    "Trainer",
    "in_grid",
    "new_run_path",
    "read_pictures",
    "write_pictures",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Context": "contrapose.training.stages",
        "Job": "contrapose.training.job",
        "Monitor": "contrapose.training.monitor",
        "Outcome": "contrapose.training.interface",
        "Plan": "contrapose.training.stages",
        "Report": "contrapose.training.job",
        "RunFolder": "contrapose.training.run_folder",
        "Runner": "contrapose.training.runner",
        "Stage": "contrapose.training.stages",
        "Trainer": "contrapose.training.loop",
        "in_grid": "contrapose.training.pictures",
        "new_run_path": "contrapose.training.run_folder",
        "read_pictures": "contrapose.training.pictures",
        "write_pictures": "contrapose.training.pictures",
    },
)
