"""DHEL as a method: it is the multi-view loss of two views, goes downhill, and refuses what it cannot do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from downhill import both_precisions, goes_downhill, losses_of_one_batch

from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import DEFAULT_METHOD, DHEL, METHODS, MultiView
from contrapose.objectives import mv_dhel
from contrapose.pairing import by_views
from contrapose.views import ImageViews


@both_precisions
def test_a_batch_goes_downhill(precision: str) -> None:
    assert goes_downhill(losses_of_one_batch(DHEL(projection_hidden=16), precision)["loss"])


def test_the_temperature_reaches_the_objective(generator: torch.Generator) -> None:
    learner = DHEL(batch_size=4, temperature=0.3).new_learner(build("small_conv", channels=3, image_size=16))
    z = torch.randn(2, 4, 3, generator=generator)
    assert torch.equal(learner.objective(z, by_views(2, 4), None), mv_dhel(z, temperature=0.3))


def test_its_chance_is_that_of_equal_embeddings() -> None:
    learner = DHEL(batch_size=4, temperature=0.3).new_learner(build("small_conv", channels=3, image_size=16))
    equal = torch.ones(2, 4, 3)
    assert learner.chance is not None
    assert learner.chance(by_views(2, 4)) == pytest.approx(float(mv_dhel(equal, temperature=0.3)))


def test_it_is_the_default_and_differs_from_multiview_in_what_was_measured() -> None:
    assert METHODS[DEFAULT_METHOD] is DHEL
    assert (DHEL().views.total(), DHEL().temperature) == (2, 0.1)
    assert MultiView().views.total() == 4


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"views": ImageViews(count=1)}, "at least 2 of each sample"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        DHEL(**options)
