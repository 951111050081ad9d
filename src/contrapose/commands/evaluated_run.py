"""What an evaluation has to know of the run that it measures: its data, its configuration, how many samples it saw."""

from __future__ import annotations

from pathlib import Path

from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.train import config_of
from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.errors import DataError
from contrapose.methods import Method
from contrapose.training.run_folder import RunFolder


def data_of_run(run: str | Path) -> str:
    """What the run itself was trained on."""
    if not RunFolder(run).config_file.is_file():
        raise DataError(f"{run} is an encoder without a run, so it names no data; give labelled data with --data.")
    folder = RunFolder.open(run)
    record = folder.read_record()
    data = config_of(record, where=str(folder.config_file)).data
    if data == FROM_PYTHON:
        raise DataError(f"{run} was trained on data handed over in Python; give labelled data to evaluate on.")
    return data_places(data, record, folder.root)[0]


def config_of_run(run: str | Path) -> Method | None:
    """How the run was trained; None of an encoder by itself."""
    file = RunFolder(run).config_file
    return config_of(RunFolder.open(run).read_record(), where=str(file)) if file.is_file() else None


def samples_of_run(run: str | Path) -> int | None:
    """How many samples the run was trained on, where that is known."""
    folder = RunFolder(run)
    data = folder.read_record().get("data", {}) if folder.config_file.is_file() else {}
    found = data.get("users", data.get("samples"))  # of histories a sample may be a place in one
    return found if isinstance(found, int) else None


def asks_only(run: str | Path, task: str | None) -> bool:
    """Whether a classifier's folder is measured that belongs to no run, as `calibrate` writes: nothing learns then, so
    data to be tested on are all that it needs."""
    return task != "labelled-table" and classifier_folder(run) is not None and not RunFolder(run).config_file.is_file()
