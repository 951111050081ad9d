"""The arms of an evaluation: the trained encoder, one that learned nothing, and what needs no encoder."""

from __future__ import annotations

import numpy as np

from contrapose.commands.evaluation_items import Arms
from contrapose.embedder import Embedder
from contrapose.encoders import untrained_like
from contrapose.tasks import Given, Measurement
from contrapose.tasks.share import Share
from contrapose.tasks.task import Metrics

TRAINED = "trained"


def measured_arms(
    trained: Embedder, measurement: Measurement, given: Given, wide: Share | None, floors: bool
) -> tuple[Arms, np.ndarray, Metrics]:
    """Every arm, the embeddings of the trained encoder, and what it scores on the share that the wide floor is of.

    Arguments:
        wide: that share; None: the floor of this kind of data is measured on everything, too.
        floors: whether there are others than the trained encoder.
    """
    own = measurement.embed_with(trained)
    beside: Metrics = {}
    if wide is None:
        metrics, embeddings = measurement(own)
    else:
        (metrics, embeddings), beside = wide.with_both(own)
    arms: Arms = {TRAINED: metrics}
    if floors and measurement.arms:
        untrained = Embedder(untrained_like(trained.encoder, given.seed))
        arms["untrained"] = measurement(measurement.embed_with(untrained))[0]
        without = measurement if wide is None else wide.part
        arms[given.modality.floor_name] = without(without.floor(given))[0]
    return arms | (measurement.floors() if floors else {}), embeddings, beside
