"""Contrast over a number: which scale it is on, which samples count, and what is drawn."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import Regression, Regressor
from contrapose.learners.number_scale import NumberScale
from contrapose.objectives import supremix
from contrapose.pairing import TargetPairing

AGES = torch.tensor([20.0, 30.0, 70.0, 45.0, 44.0], dtype=torch.float64)


def batch_of(numbers: Tensor | None = AGES, *, views: int = 2, part: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(0)
    size = 5 if numbers is None else len(numbers)
    targets = {} if numbers is None else {"number": numbers}
    return Batch(
        tuple(torch.randn(views, size, 4, generator=generator)), torch.arange(size), targets=targets, part=part
    )


def objective(z: Tensor, pairing: TargetPairing, rows: Tensor | None, draws: torch.Generator) -> Tensor:
    return supremix(z, pairing.targets, rows=rows, generator=draws)


def learner_of(**changes: Any) -> Regression:
    torch.manual_seed(0)
    options = {"objective": objective, "generator": torch.Generator().manual_seed(1), **changes}
    return Regression(nn.Linear(4, 6), nn.Linear(6, 3), options.pop("objective"), **options)


def test_numbers_are_on_the_scale_of_the_training_data() -> None:
    seen: list[Tensor] = []

    def watched(z: Tensor, pairing: TargetPairing, rows: Tensor | None, draws: torch.Generator) -> Tensor:
        seen.append(pairing.targets)
        assert rows is None
        return z.sum()

    learner = learner_of(objective=watched)
    learner.see_targets({"number": [10.0, math.nan, 110.0, 30.0], "label": [0, 1, 1, 2]})
    step = learner(batch_of())
    assert seen[0].tolist() == [10, 20, 60, 35, 34]
    assert isinstance(step.pairing, TargetPairing)
    assert step.pairing.anchors == 10
    assert step.embeddings.shape == (10, 3)
    again = learner_of(objective=watched)
    again.load_state_dict(learner.state_dict())
    again(batch_of())
    assert torch.equal(seen[0], seen[1])  # a checkpoint holds the scale


def test_without_a_look_at_the_data_the_first_batch_gives_the_scale() -> None:
    scale = NumberScale()
    assert not scale.known
    assert scale(AGES).tolist() == [0, 20, 100, 50, 48]
    assert scale(AGES + 50).tolist() == [100, 120, 200, 150, 148]


@pytest.mark.parametrize(
    ("numbers", "word"), [([3.0, 3.0, math.nan], "all 3"), ([math.nan], "all missing"), ([], "all")]
)
def test_one_number_has_no_scale(numbers: list[float], word: str) -> None:
    with pytest.raises(DataError, match=word):
        NumberScale().find(numbers)


def test_samples_without_a_number_have_no_part_in_the_loss() -> None:
    known = torch.tensor([0, 2, 3])
    numbers = AGES.clone()
    numbers[[1, 4]] = math.nan
    learner = learner_of()
    learner.see_targets({"number": AGES})
    batch = batch_of(numbers)
    fewer = Batch(tuple(view[known] for view in batch.views), known, targets={"number": AGES[known]})
    found, expected = learner(batch), learner(fewer)
    torch.testing.assert_close(found.loss, expected.loss)
    assert found.pairing.anchors == 6
    for count in (1, 0):
        nobody = torch.full((5,), math.nan, dtype=torch.float64)
        nobody[:count] = 30.0
        alone = learner(batch_of(nobody))
        alone.loss.backward()
        assert float(alone.loss.detach()) == 0.0


@pytest.mark.parametrize("unknown", [(), (1,), (0, 1, 4), (3, 4, 5)])
def test_two_processes_are_one(unknown: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = torch.tensor([20.0, 30.0, 70.0, 45.0, 44.0, 90.0], dtype=torch.float64)
    numbers[list(unknown)] = math.nan
    learner, batch = learner_of(), batch_of(numbers)
    learner.see_targets({"number": AGES})
    whole = learner(batch).loss
    parts = []
    for rank in range(2):  # each sees the gathered batch, and answers for its half
        rows = torch.arange(3 * rank, 3 * rank + 3)
        monkeypatch.setattr("contrapose.learners.regression.own_rows", lambda size, device, rows=rows: rows)
        parts.append(learner(batch).loss)
    torch.testing.assert_close((parts[0] + parts[1]) / 2, whole)


def test_what_is_drawn_follows_from_the_step_and_the_batch_within_it() -> None:
    learner = learner_of()
    learner.see_targets({"number": AGES})
    first = learner(batch_of())
    assert torch.equal(learner(batch_of()).loss, first.loss)
    assert not torch.equal(learner(batch_of(part=1)).loss, first.loss)
    learner.after_step([first])
    assert not torch.equal(learner(batch_of()).loss, first.loss)
    assert int(learner.state_dict()["steps"]) == 1
    assert not torch.equal(learner.seed, learner_of(generator=torch.Generator().manual_seed(2)).seed)


def test_its_chance_is_the_loss_of_equal_embeddings() -> None:
    head = nn.Linear(6, 3)
    learner = learner_of()
    learner.head = head
    nn.init.zeros_(head.weight)
    step = learner(batch_of())
    assert learner.chance is not None
    assert learner.chance(step.pairing) == pytest.approx(float(step.loss.detach()))


def test_end_to_end_regression_is_the_absolute_error_on_the_scale() -> None:
    torch.manual_seed(0)
    learner = Regressor(nn.Linear(4, 6), dimension=6)
    learner.see_targets({"number": [20.0, 70.0]})
    numbers = AGES.clone()
    numbers[1] = math.nan
    batch = batch_of(numbers)
    answers = 100 * torch.stack([learner.head(learner.encoder(view)).squeeze(1) for view in batch.views])
    expected = (answers - 2 * (AGES - 20)).abs()[:, [0, 2, 3, 4]].mean()
    step = learner(batch)
    torch.testing.assert_close(step.loss, expected.float())
    assert float(step.log["training_error"]) == pytest.approx(float(expected.detach()))
    step.loss.backward()
    assert learner.encoder.weight.grad.abs().max() > 0
    nobody = learner(batch_of(torch.full((5,), math.nan)))
    assert float(nobody.loss.detach()) == 0.0


@pytest.mark.parametrize("learner", [learner_of(), Regressor(nn.Linear(4, 6), dimension=6)], ids=["contrast", "plain"])
def test_data_without_a_number_are_refused(learner: Any) -> None:
    for ask in (lambda: learner.see_targets({"label": [1, 2]}), lambda: learner(batch_of(None))):
        with pytest.raises(ArgumentError, match=r"a number of each sample, and the data has none.*--number-column"):
            ask()


def test_one_view_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least 2 views of each sample, got 1"):
        learner_of()(batch_of(views=1))
