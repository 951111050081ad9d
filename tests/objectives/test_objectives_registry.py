from __future__ import annotations

import inspect
import math

import pytest
import torch

from contrapose import objectives
from contrapose.errors import ArgumentError
from contrapose.objectives import OBJECTIVES
from contrapose.objectives.engine.chances import softmax_chance
from contrapose.pairing import by_labels, by_towers, by_views

PAPERS = ("https://arxiv.org/abs/", "https://openreview.net/forum?id=", "https://par.nsf.gov/biblio/")


def test_what_is_registered_is_what_is_exported() -> None:
    for name, entry in OBJECTIVES.items():
        assert entry.name == name
        assert entry.function is getattr(objectives, name)
        assert entry.paper.startswith(PAPERS)


WITHOUT_VIEWS = {"label_nce", "clone_detection", "next_item", "pix_pro", "pix_contrast"}
"""Losses of logits with candidate labels, of anchors with two companions, of all items, of maps of cells: the common
checks have no such input."""


def test_what_is_exported_and_reduces_anchors_is_registered() -> None:
    """A loss that is exported takes `reduction`."""
    losses = {name for name in objectives.__all__ if "reduction" in _parameters(getattr(objectives, name))}
    assert losses - WITHOUT_VIEWS == set(OBJECTIVES)


def _parameters(thing: object) -> set[str]:
    return set(inspect.signature(thing).parameters) if inspect.isfunction(thing) else set()


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="nt_xent"):
        OBJECTIVES["ntxent"]


def test_chance_counts_the_denominator() -> None:
    assert softmax_chance(by_views(2, 2000)) == pytest.approx(math.log(3999))
    assert softmax_chance(by_towers(8).with_queue(100)) == pytest.approx(math.log(108))
    assert softmax_chance(by_towers(8, in_batch_negatives=False).with_queue(100)) == pytest.approx(math.log(101))
    assert softmax_chance(by_labels(torch.arange(4))) == 0.0  # nobody has a positive, nothing is averaged
