"""A number of views that a method cannot do with is refused before there is a folder, with the option that sets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mmcl", 3),
        ("mmcl", 1),
        ("moco", 3),
        ("isd", 1),
        ("nnclr", 3),
        ("simclr", 1),
        ("bias-debias", 1),
        ("cacr", 1),
        ("hydra", 3),
        ("supremix", 1),
        ("swav", 1),
        ("sepclr", 1),
        ("dhel", 1),
    ],
)
def test_it_is_refused_before_the_folder(name: str, count: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    data = {"a": random.normal(size=48), "b": random.normal(size=48), "label": np.arange(48) % 3, "y": np.arange(48.0)}
    own = {"sepclr": {"target": "2"}, "supremix": {"number_column": "y"}}.get(name, {})
    with pytest.raises(ArgumentError, match=r"views?.*got \d|views.*from 1 to 1") as refused:
        contrapose.train(
            name,
            data=data,
            out=str(tmp_path / "run"),
            epochs=1,
            views={"count": count},
            batch_size=16,
            quiet=True,
            **own,
        )
    assert "--views.count" in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["simcse", "debcse"])
def test_of_sentences_two_are_needed(name: str) -> None:
    method = METHODS[name].on("text")
    with pytest.raises(ArgumentError, match=r"views must be 2 of each sample \(--views.count 2\), got 3"):
        method(data="x.txt", views=type(method().views)(count=3))
