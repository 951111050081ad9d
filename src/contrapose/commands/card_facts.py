"""What a model card states of a run, read from its files: training, results, and what they do not show."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contrapose.commands.train import config_of
from contrapose.encoders import Architecture
from contrapose.errors import RunError
from contrapose.evaluation import Gain, Metric
from contrapose.methods import Method
from contrapose.modalities import MODALITIES
from contrapose.shell import shell_command
from contrapose.training.run_folder import RunFolder

NOT_OF_THE_RESULT = frozenset(
    {"data", "out", "device", "workers", "tracker", "checkpoint_minutes", "checkpoint_steps", "log_steps"}
)
"""Options that a card leaves out: they do not change what is learned, and may name folders of the machine."""

_FOLDERS = re.compile(r"(?<![\w/.~-])(?<!http:)(?<!https:)(?:~|[A-Za-z]:)?[/\\](?:[^/\\\n,();]*[/\\])*")


@dataclass(frozen=True)
class Results:
    """`evaluation.json`, as far as a card shows it.

    Arguments:
        data: what was evaluated on, in a sentence.
        arms: arm -> name of the metric -> metric.
        notes: what a reader of the numbers should know.
        older: the file was written before the encoder was.
        task: the name of what was measured; empty where an earlier version measured it.
    """

    data: str
    arms: dict[str, dict[str, Metric]]
    notes: tuple[str, ...]
    older: bool
    task: str = ""

    @property
    def measured(self) -> str:
        """What was evaluated on, and by which task, where that is known."""
        return f"{self.data}, task {self.task}" if self.task else self.data


def results_of(run: Path) -> Results | None:
    """What `contrapose evaluate` wrote into a run folder, or None when nothing was evaluated.

    Errors:
        RunError: `evaluation.json` is damaged.
    """
    folder = RunFolder(run)
    file = folder.evaluation_file
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_bytes())
        arms = {
            arm: {name: Metric(**metric) for name, metric in metrics.items()} for arm, metrics in found["arms"].items()
        }
        data, notes = str(found["data"]), tuple(map(str, found["notes"]))
        task = str(found.get("task", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{file} is damaged and cannot be read ({error}). Measure again with: {shell_command('evaluate', run)}"
        ) from error
    older = file.stat().st_mtime < (folder.encoder / "encoder.safetensors").stat().st_mtime
    if not any(arms.values()):
        return None
    return Results(without_folders(data), arms, tuple(map(without_folders, notes)), older, task)


def gain_of(folder: RunFolder) -> Gain | None:
    """Whether training gained anything, as `contrapose evaluate` found; None where that is not known."""
    try:
        return Gain(**json.loads(folder.evaluation_file.read_bytes())["gain"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def training_of(run: Path) -> tuple[dict[str, Any], Method]:
    """The record in a run's `config.json`, and the configuration in it.

    Errors:
        RunError: the record is damaged.
    """
    folder = RunFolder.open(run)
    record = folder.read_record()
    expected = {"data": {"origin", "fingerprint", "samples", "notes", "skipped"}, "environment": {"torch"}}
    for group, keys in expected.items():
        if not keys <= set(record.get(group) or ()):
            raise RunError(f"{folder.config_file} is damaged: its {group!r} lacks {', '.join(sorted(keys))}.")
    return record, config_of(record, where=str(folder.config_file))


def changed_options(config: Method) -> dict[str, Any]:
    """Options that differ from the method's defaults and bear on the result; those of views as `views.NAME`."""
    found = {name: value for name, value in config.differences().items() if name not in NOT_OF_THE_RESULT}
    weights = {name: without_folders(str(found[name])) for name in ("init", "base") if found.get(name) is not None}
    return found | weights


def unfinished(architecture: Architecture) -> str | None:
    """`step 40 of 120` where training had not come to its end when these weights were written."""
    step, total = (architecture.extra.get(key) for key in ("step", "total_steps"))
    if isinstance(step, int) and isinstance(total, int) and step < total:
        return f"step {step:,} of {total:,}"
    return None


def limits_of(architecture: Architecture, record: dict[str, Any] | None, results: Results | None) -> list[str]:
    """What the numbers do not show, one sentence each; only what follows from the run's own files."""
    limits = []
    progress = unfinished(architecture)
    if progress:
        limits.append(f"Training had not finished when these weights were written ({progress}).")
    if record is None:
        limits.append("The encoder came without its run: data, method and options of its training are not stated.")
    else:
        data, modality = record["data"], MODALITIES[architecture.modality]
        limits.append(modality.limit(data["samples"], architecture.form))
        if data["skipped"]:
            limits.append(f"{len(data['skipped']):,} {modality.plural} could not be read and were left out.")
    if results is None:
        return [*limits, "It was not evaluated, so nothing is known of how well it does on any task."]
    if results.older:
        limits.append("The evaluation is older than the weights and may have measured an earlier state of them.")
    return [*limits, *_floors_not_beaten(results), f"It was evaluated on nothing but this: {results.measured}."]


def _floors_not_beaten(results: Results) -> list[str]:
    """A sentence for each metric in which an arm that learned nothing does as well, within the intervals."""
    trained = results.arms.get("trained", {})
    sentences = []
    for name, metric in trained.items():
        if not metric.sign:
            continue  # of ranks and distances it is not known which way is better
        for arm, floors in results.arms.items():
            floor = floors.get(name)
            if arm == "trained" or floor is None:
                continue
            if metric.low > floor.high if metric.sign > 0 else metric.high < floor.low:
                continue
            beaten = metric.sign * (metric.value - floor.value) > 0
            verdict = "is not clearly better than" if beaten else "does not beat"
            sentences.append(f"In {name} it {verdict} {arm} ({metric} against {floor}).")
    return sentences


def without_folders(text: str) -> str:
    """`text` with absolute paths cut to their last part: a card is read elsewhere, and they may name a person."""
    return _FOLDERS.sub("", text)
