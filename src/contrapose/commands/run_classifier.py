"""What an evaluation is told of a classifier: its heads, what it learned from, and how to train the same on others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.run_start import open_same, started_from
from contrapose.data import Samples
from contrapose.encoders.classifier_folder import classifier_folder, load_heads
from contrapose.errors import DataError, RunError
from contrapose.methods import EncoderClassifier, Method, as_classifier
from contrapose.methods.classifier_floor import heads_on
from contrapose.tasks.given import OfClassifier
from contrapose.training.run_folder import RunFolder


def classifier_of(run: str | Path, config: Method | None) -> OfClassifier | None:
    """The classifier of a run, or of a folder that is one; None where there is none.

    Arguments:
        config: of the run; None: a folder without one, which does not say what it learned from.
    """
    folder = classifier_folder(run)
    if folder is None:
        return None
    heads, trained = load_heads(folder), as_classifier(config)
    learned = None if trained is None else _learned(run, trained)
    if trained is None or learned is None:
        return OfClassifier(heads)
    return OfClassifier(heads, learned, partial(heads_on, trained, learned))


def heads_of(config: Method | None) -> str:
    """What the heads of a run stand on: an encoder that is "frozen", "tuned", or begun "alone"; empty where it has
    none."""
    found = as_classifier(config)
    return "" if found is None else "frozen" if found.frozen else "alone" if found.base is None else "tuned"


def _learned(run: str | Path, config: EncoderClassifier) -> Samples | None:
    """The very samples that the run learned from; None where they are not to be had any more."""
    if config.data == FROM_PYTHON:
        return None
    folder = RunFolder.open(run)
    record = folder.read_record()
    try:
        start = started_from(config, folder)
        samples, _ = open_same(config, data_places(config.data, record, folder.root), start, record, quiet=True)
    except (DataError, RunError):
        return None
    return samples if samples.recorded_as(record["data"]["fingerprint"]) else None
