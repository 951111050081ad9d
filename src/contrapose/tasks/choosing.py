"""Which task fits; and, where none does, what each of them needs."""

from __future__ import annotations

from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import MODALITIES
from contrapose.tasks.given import Given
from contrapose.tasks.task import TASKS, Task


def task_for(given: Given, name: str | None = None) -> Task:
    """The task of that name, else the first that fits.

    Errors:
        ArgumentError: no task of that name, or both labels and numbers asked for.
        DataError: the data do not have what the task needs, or nothing that any task needs.
    """
    if name is not None:
        task = TASKS[name]
        if task.modalities is not None and given.modality.name not in task.modalities:
            theirs, ours = " or ".join(MODALITIES[kind].plural for kind in task.modalities), given.modality.plural
            raise DataError(
                f"The task {name} is for encoders of {theirs}, and this is one of {ours}. Leave --task out for the one "
                "that fits."
            )
        if not task.possible(given):
            raise DataError(f"The task {name} needs {task.needs}; {given.in_words()}.")
        return task
    asked = given.targets
    if asked.label and asked.number and given.trained_for is None and given.pairs is None:
        raise ArgumentError(
            "Labels and numbers were both asked for: say by which to measure, --task labelled-table or --task "
            "regression."
        )
    for task in TASKS.values():
        if task.fits(given):
            return task
    if asked.without_labels:
        raise ArgumentError("--labels none leaves nothing to measure by; leave it out to evaluate.")
    needs = "; ".join(f"{task.name}: {task.needs}" for task in TASKS.values() if task.takes(given))
    raise DataError(
        f"{given.samples.origin} has no labels, no numbers to predict and no scored pairs, so nothing can be measured "
        f"on it. What each task needs: {needs}."
    )
