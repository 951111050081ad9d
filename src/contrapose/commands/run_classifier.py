"""What an evaluation is told of a classifier: its heads, what it learned from, and how to train the same on others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.run_start import open_same, started_from
from contrapose.data import Samples, only_labelled
from contrapose.encoders.classifier_folder import classifier_folder, load_heads
from contrapose.errors import DataError, RunError
from contrapose.methods import METHODS, EncoderClassifier, Method, as_classifier
from contrapose.methods.classifier_floor import heads_on
from contrapose.methods.fit_to_data import class_names
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
    heads = load_heads(folder)
    learned = None if config is None else _learned(run, config)
    if config is None or learned is None:
        return OfClassifier(heads)
    return OfClassifier(heads, learned, partial(heads_on, _with_heads(config), learned))


def heads_of(config: Method | None) -> str:
    """What the heads of a run stand on: an encoder that is "frozen", "tuned", or begun "alone"; empty where it has
    none."""
    found = as_classifier(config)
    return "" if found is None else "frozen" if found.frozen else "alone" if found.base is None else "tuned"


def _with_heads(config: Method) -> EncoderClassifier:
    """What trains heads on other embeddings: the run's own configuration, or for a classifier of another method the
    usual one."""
    found = as_classifier(config)
    if found is not None:
        return found
    usual = as_classifier(METHODS["classifier"].on(config.modality)(seed=config.seed, label_column=config.label_column))
    assert usual is not None
    return usual


def _learned(run: str | Path, config: Method) -> Samples | None:
    """The very samples that the run learned from, their classes named; None where they are not to be had any more."""
    if config.data == FROM_PYTHON:
        return None
    folder = RunFolder.open(run)
    record = folder.read_record()
    try:
        start = started_from(config, folder)
        samples, _ = open_same(config, data_places(config.data, record, folder.root), start, record, quiet=True)
    except (DataError, RunError):
        return None
    if not samples.recorded_as(record["data"]["fingerprint"]):
        return None
    if as_classifier(config) is not None:
        return samples
    known = only_labelled(samples)
    return known.with_labels(known.labels, class_names(known))
