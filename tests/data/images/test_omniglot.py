from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
import torch

from contrapose.data import omniglot, omniglot_one_shot, open_data
from contrapose.errors import ArgumentError


def test_pretraining_set_has_no_labels_unless_asked() -> None:
    images = omniglot()
    assert images.pixels.shape == (4840, 1, 35, 35)
    assert images.labels is None
    assert images.class_names is None


@pytest.mark.parametrize(("name", "classes", "members"), [("character", 242, 20), ("alphabet", 8, None)])
def test_labels_on_request(name: str, classes: int, members: int | None) -> None:
    images = omniglot(name)
    counts = np.bincount(images.labels)
    assert len(counts) == len(images.class_names) == classes
    assert counts.min() > 0
    assert members is None or set(counts) == {members}


def test_open_data_knows_it() -> None:
    assert open_data("omniglot").fingerprint == omniglot().fingerprint
    assert open_data("omniglot", labels="character", limit=100).labels.shape == (100,)
    assert open_data("omniglot", limit=10, image_size=28, channels=3).batch([0]).shape == (1, 3, 28, 28)


def test_unknown_labels_name_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'character'"):
        omniglot("characters")


def test_one_shot_runs_have_one_example_of_each_character() -> None:
    runs = omniglot_one_shot()
    assert runs.support.shape == runs.query.shape == (20, 20, 1, 35, 35)
    assert runs.support.dtype == torch.uint8
    assert runs.answer.dtype == torch.int64
    assert torch.equal(runs.answer.sort(dim=1).values, torch.arange(20).expand(20, 20))


def test_raw_pixels_recognise_what_was_published_for_this_file() -> None:
    runs = omniglot_one_shot()
    flat = [part.flatten(2).double() for part in (runs.support, runs.query)]  # (20, 20, 1225)
    support, query = (part / part.norm(dim=2, keepdim=True) for part in flat)
    nearest = (query @ support.transpose(1, 2)).argmax(dim=2)  # (20, 20)
    assert (nearest == runs.answer).double().mean().item() == pytest.approx(0.22, abs=0.001)


def test_licence_and_origin_are_shipped() -> None:
    folder = resources.files("contrapose.data") / "embedded"
    assert "Copyright (c) 2015 Brenden Lake" in (folder / "omniglot.LICENSE").read_text()
    assert "brendenlake/omniglot" in (folder / "omniglot.md").read_text()
