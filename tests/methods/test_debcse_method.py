"""DebCSE as a method: SimCSE with pools and weights turned off, drawn pairs with them, and slips in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import contrapose
from contrapose.data import Batch, PlainSource, derived_generator
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import DebCSE, Method, SimCSE
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder
from contrapose.views.texts.drawn_pairs import DrawnPairs

TEXTS = [f"{('red', 'blue', 'green')[n % 3]} thing number {n} {('here', 'there')[n % 2]}" for n in range(48)]
PLAIN: dict[str, Any] = {"positives": 1, "hard_negatives": 0, "false_negative": 1.0}
QUICK: dict[str, Any] = {"batch_size": 16, "encoder": "bag_of_words", "seed": 3}


def losses_of(config: Method, steps: int = 3) -> list[Tensor]:
    """The losses of the first batches, dropout included, without training."""
    samples = MODALITIES["text"].open(TEXTS)
    learner, views = assemble(config, samples)
    source = PlainSource.shuffled(samples, views, batch_size=config.batch_size, seed=config.seed)
    found = []
    for step in range(steps):
        batch = source.batch(step, 0, generator=derived_generator(config.seed, step))
        torch.manual_seed(step)
        found.append(learner.train()(batch).loss.detach())
    return found


def test_with_pools_and_weights_turned_off_its_loss_is_that_of_simcse() -> None:
    expected = losses_of(SimCSE(**QUICK))
    assert all(one.equal(other) for one, other in zip(losses_of(DebCSE(**QUICK, **PLAIN)), expected, strict=True))
    drawn = DebCSE(**QUICK, **PLAIN | {"false_negative": 0.9999})  # from pools of one, in which nobody is ignored
    assert all(one.equal(other) for one, other in zip(losses_of(drawn), expected, strict=True))
    for option in ({"positives": 3}, {"hard_negatives": 1}, {"false_negative": 0.5}):
        changed = losses_of(DebCSE(**QUICK, **PLAIN | option))
        assert not all(one.equal(other) for one, other in zip(changed, expected, strict=True))


def test_its_views_are_drawn_and_its_options_reach_the_pools() -> None:
    options = {"positives": 5, "surface_negatives": 4, "random_negatives": 3, "hard_negatives": 2, "other_meaning": 0.6}
    _, views = assemble(DebCSE(**QUICK, **options), MODALITIES["text"].open(TEXTS))
    assert isinstance(views, DrawnPairs)
    (pool,) = views.pools.of(TEXTS[:1])
    assert len(pool.positives) <= 5
    assert len(pool.negatives) == 7
    assert (views.pools.options.other_meaning, views.pools.seed) == (0.6, 3)
    assert len(views(TEXTS[:4], generator=torch.Generator().manual_seed(0))) == 2 + 2 + 2


def test_with_weights_every_candidate_of_the_pools_is_seen() -> None:
    options: dict[str, Any] = {"positives": 5, "surface_negatives": 4, "random_negatives": 3, "mode": "weight"}
    samples = MODALITIES["text"].open(TEXTS)
    learner, views = assemble(DebCSE(**QUICK, **options, hard_negatives=2), samples)
    made = views(TEXTS[:6], generator=torch.Generator().manual_seed(0))
    weights = made[-1]
    assert (len(made), weights.shape) == (1 + 5 + 7 + 3, (6, 12))
    assert torch.allclose(weights[:, :5].sum(1), torch.ones(6))
    assert torch.allclose(weights[:, 5:].sum(1), 2 * torch.ones(6))
    step = learner.train()(Batch(views=made, indices=torch.arange(6)))
    assert step.loss.isfinite()
    assert learner.chance is None
    _, none = assemble(DebCSE(**QUICK, **options, hard_negatives=0), samples)
    assert len(none(TEXTS[:6])) == 1 + 5 + 3


def test_metrics_say_what_was_drawn_from(tmp_path: Path) -> None:
    run = contrapose.train("debcse", data=TEXTS, out=str(tmp_path / "run"), epochs=1, log_steps=1, quiet=True, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    assert all(1 <= row["positives_drawn_from"] <= 8 for row in rows)
    assert all(1 <= row["negatives_drawn_from"] <= 32 for row in rows)
    assert all(0 <= row["false_negatives"] < 1 for row in rows)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"positives": 0}, "positives must be at least 1: the text itself"),
        ({"hard_negatives": 33}, "hard_negatives must be at most 32, the negatives of a pool"),
        ({"mode": "both"}, "mode must be one of draw, weight"),
        ({"weighting": "even"}, "weighting must be one of inverse, uniform"),
        ({"surface_temperature": 0.0}, "surface_temperature must be above 0"),
        ({"least_propensity": 0.0}, "least_propensity must be above 0"),
        ({"false_negative": 1.5}, r"false_negative must be in \[0, 1\]"),
        ({"other_meaning": 0.9}, "other_meaning must be below 0.9, from which on texts mean the same"),
        ({"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        DebCSE(**options)


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (TEXTS[:1], "holds one text: contrast needs at least two"),
        (9 * ["the same text"], "texts are all the same: there is nothing to tell them from"),
        (9 * [" "], "empty"),
    ],
)
def test_texts_that_cannot_be_told_apart_are_too_few(texts: list[str], word: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=word):
        contrapose.train("debcse", data=texts, out=str(tmp_path / "run"), quiet=True)
    assert not (tmp_path / "run").exists()


def test_three_different_texts_are_enough(tmp_path: Path) -> None:
    texts = [*6 * ["a red thing"], *2 * ["a blue thing"], "something else"]
    run = contrapose.train(
        "debcse", data=texts, out=str(tmp_path / "run"), encoder="bag_of_words", epochs=1, quiet=True
    )
    assert run.outcome.finished
