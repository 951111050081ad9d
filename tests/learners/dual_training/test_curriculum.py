"""When ascents grow, and what the moving average remembers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from contrapose.errors import ArgumentError
from contrapose.learners.dual_training import Curriculum, MovingAverage


def test_a_constant_auc_raises_once_a_full_window_or_never() -> None:
    high, low = Curriculum(4, threshold=0.8), Curriculum(4, threshold=0.8)
    raised = [high.note(0.9) for _ in range(12)]
    assert raised == 3 * [False, False, False, True]
    assert int(high.length) == 3
    assert not any(low.note(0.79) for _ in range(40))
    assert int(low.length) == 0


def test_the_mean_of_the_window_decides_and_not_one_batch() -> None:
    curriculum = Curriculum(3, threshold=0.8)
    assert [curriculum.note(auc) for auc in (1.0, 0.5, 0.5)] == [False, False, False]
    assert [curriculum.note(auc) for auc in (0.99, 0.99)] == [False, True]  # the oldest has left: 0.5, 0.99, 0.99
    assert int(curriculum.filled) == 0
    assert [curriculum.note(0.9) for _ in range(3)] == [False, False, True]  # it is filled anew


def test_it_stops_at_the_longest_and_goes_on_from_its_state() -> None:
    curriculum, other = Curriculum(1, longest=2), Curriculum(1, longest=2)
    for _ in range(5):
        curriculum.note(1.0)
    assert int(curriculum.length) == 2
    half = Curriculum(4)
    for _ in range(3):
        half.note(0.9)
    again = Curriculum(4)
    again.load_state_dict(half.state_dict())
    assert again.note(0.9)
    assert int(other.length) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 0}, "window must be 1"),
        ({"window": 3, "threshold": 0.3}, "an AUC in"),
        ({"window": 3, "length": -1}, "length must be from 0"),
        ({"window": 3, "length": 9, "longest": 4}, "longest, which is 4"),
    ],
)
def test_curricula_that_cannot_be(options: dict, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Curriculum(**options)


def test_the_first_update_copies_and_the_second_keeps_two_elevenths() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = MovingAverage(network)
    weights = []
    for number in range(3):
        with torch.no_grad():
            for tensor in network.state_dict().values():
                tensor.fill_(10.0 * (number + 1))
        average.update(network)
        state = average.model.state_dict()
        weights.append([float(state[name].flatten()[0]) for name in ("0.weight", "1.running_mean")])
        assert int(state["1.num_batches_tracked"]) == 10 * (number + 1)
    assert weights[0] == [10, 10]
    second = 10 * 2 / 11 + 20 * 9 / 11
    assert weights[1] == pytest.approx([second, second])
    assert weights[2] == pytest.approx(2 * [second * 3 / 12 + 30 * 9 / 12])
    assert not average.train().model.training
    assert not any(weight.requires_grad for weight in average.parameters())


def test_in_the_long_run_its_inertia_is_the_decay() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = MovingAverage(network, decay=0.9)
    nn.init.zeros_(network.weight)
    average.updates.fill_(1000)
    before = float(average.model.weight.detach())
    average.update(network)
    assert float(average.model.weight.detach()) == pytest.approx(0.9 * before)
    with pytest.raises(ArgumentError, match="decay must be in"):
        MovingAverage(network, decay=1.0)
