"""What is said when a run is done, or was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contrapose.shell import shell_command

PERTURBATION = "perturbation"
"""The folder in a run that holds a perturbation (`encoders.perturbations.FOLDER`, which is not loaded here)."""


def finish(run: Any) -> None:
    """After a run: the result where the data brings its own test, and what to look at."""
    if not _is_told(run):
        return
    outcome = run.outcome
    from contrapose.commands.measuring import measuring_command
    from contrapose.encoders.stage_folder import done_stages
    from contrapose.modalities import MODALITIES
    from contrapose.training.run_folder import RunFolder

    done = "Done" if (run.path / PERTURBATION).is_dir() else "Trained"
    stages = done_stages(run.path)
    rate = "" if stages else f", {outcome.rate:,.0f} {outcome.unit}/s"  # of several it would be that of the last
    print(f"{done} in {outcome.seconds:.0f} s{rate}. The run is in {run.path}/")

    record = RunFolder(run.path).read_record()
    if (run.path / PERTURBATION).is_dir():
        print("Put it on pictures:", shell_command("apply", run.path, "PICTURES", "--out", "perturbed"))
        print("Before and after:  ", shell_command("report", run.path, "--open"))
        return
    data, out = record["config"]["data"], ("--out", "embeddings.parquet")
    if data == "omniglot":
        from contrapose.commands.evaluate import print_evaluation

        print_evaluation(run.path)
        print("Embed your own pictures:", shell_command("embed", run.path, "PICTURES", *out))
        print("Train on your own:      ", shell_command("train", record["method"], "--data", "PICTURES"))
        return
    print("Embed:          ", shell_command("embed", run.path, data, *out))
    classifies = (Path(run.path) / "classifier").is_dir()
    if classifies:
        print("Classify:       ", shell_command("apply", run.path, "DATA", "--out", "predictions.csv"))
    kind = MODALITIES[record["modality"]]
    if kind.applied is not None and not classifies:
        print(f"{kind.applied[0]}:".ljust(16), shell_command("apply", run.path, data, "--out", kind.applied[1]))
    test = shell_command("evaluate", run.path, "--test-data", "LABELLED")
    print("Is it any good? ", test if classifies else measuring_command(run.path))
    print("See it:         ", shell_command("report", run.path, "--open"))
    if stages:
        print("Earlier stages: ", ", ".join(str(run.path / "stages" / stage) for stage in stages))


def _is_told(run: Any) -> bool:
    """Whether there is something to be said of a run that is done; one that was stopped ends the program."""
    from accelerate import PartialState

    if not run.outcome.finished:
        if PartialState().is_main_process:
            done, total = run.outcome.steps, run.outcome.total_steps
            print(
                f"Stopped at step {done} of {total}. Continue: {shell_command(_verb(run.path), '--resume', run.path)}"
            )
        raise SystemExit(128 + (run.outcome.signal or 0))  # as a shell says it of a program that a signal has ended
    return PartialState().is_main_process


def _verb(path: Path) -> str:
    """What is done in the run of a folder."""
    from contrapose.methods.verbs import verb_of
    from contrapose.training.run_folder import RunFolder

    folder = RunFolder(path)
    return verb_of(folder.read_record() if folder.config_file.is_file() else {})
