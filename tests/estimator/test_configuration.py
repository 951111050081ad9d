"""From the estimator's arguments to a configuration: defaults fit the data, and what was set stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.estimator import ContrastiveEncoder
from contrapose.estimator.configuration import configure


@pytest.mark.parametrize(
    ("method", "options", "samples", "batch", "queue"),
    [
        ("moco", {}, 1000, 64, 960),
        ("moco", {}, 10_000, 100, 2000),
        ("moco", {}, 50, 64, 50),  # the batch shrinks to the data, and the queue to one batch
        ("moco", {"queue": 128}, 1000, 64, 128),
        ("nnclr", {}, 1000, 64, 960),
        ("cacr", {"debias": 0.1}, 1000, 64, 0),  # 0 is the form without a queue
        ("cacr", {"queue": 128}, 1000, 64, 128),
    ],
)
def test_a_queue_fits_the_data_unless_it_was_set(
    method: str, options: dict[str, Any], samples: int, batch: int, queue: int
) -> None:
    config: Any = configure(method, options, samples=samples, batch_size=batch)
    assert config.queue == queue
    assert config.batch_size == min(batch, samples)


def test_a_queue_longer_than_the_data_is_refused_when_it_was_set() -> None:
    with pytest.raises(ArgumentError, match=r"queue is 2048, but there are 1000 samples.* Take --queue 960"):
        configure("moco", {"queue": 2048}, samples=1000, batch_size=64)  # even if it is the default


def test_mochi_mixes_within_a_short_run_on_few_samples(pictures: Any) -> None:
    config: Any = configure("mochi", {}, samples=96, batch_size=32, epochs=10)
    assert (config.queue, config.mix_after) == (96, 3)
    assert configure("mochi", {}, samples=6400, batch_size=64, epochs=2).mix_after == 100  # type: ignore[attr-defined]
    options = {"device": "cpu", "random_state": 0, "batch_size": 32, "epochs": 1}
    mixing = ContrastiveEncoder("mochi", **options).fit(pictures[:64].transpose(0, 2, 3, 1))
    plain = ContrastiveEncoder("moco", **options).fit(pictures[:64].transpose(0, 2, 3, 1))
    assert mixing.loss_curve_[0] > plain.loss_curve_[0]  # the same run with more negatives


@pytest.mark.parametrize("method", ["hydra", "supervised"])
def test_classes_are_counted_from_the_labels(method: str) -> None:
    names = list("abcdefghijkl")  # more than the ten of a configuration that nobody told
    table, y = np.random.default_rng(0).standard_normal((48, 5)), np.asarray(names * 4)
    options = {"gate_embedding": 4, "gate_hidden": 8} if method == "hydra" else {}
    encoder = ContrastiveEncoder(method, epochs=1, batch_size=24, device="cpu", random_state=0, method_options=options)
    assert encoder.fit(table, y).transform(table).shape[0] == 48
    with pytest.raises(ArgumentError, match="--classes"):
        ContrastiveEncoder(method, epochs=1, device="cpu", method_options={**options, "classes": 3}).fit(table, y)
