"""Both stages of dual training: what a step computes, what it leaves alone, and what stops it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from dual_cases import ATTACK, CLASSES, batch, first_stage, normed, second_stage, smooth
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from contrapose.data import Batch
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Curriculum, Density, DualAdversarial
from contrapose.objectives import energy_difference, log_density, real_or_made, slope_penalty
from contrapose.robustness import Steps, climb
from contrapose.robustness.directions import evaluating


def norms(learner: Any) -> list[_BatchNorm]:
    return [layer for layer in learner.encoder.modules() if isinstance(layer, _BatchNorm)]


def taken(learner: Any, given: Batch, *, rate: float = 0.05) -> Any:
    """A step of gradient descent."""
    step = learner(given)
    learner.zero_grad()
    step.loss.backward()
    with torch.no_grad():
        for weight in learner.parameters():
            if weight.grad is not None:
                weight -= rate * weight.grad
    learner.after_step([step])
    return step


def attacked(learner: Any, x: Tensor, labels: Tensor) -> Tensor:
    """By hand, a step at a time."""
    learner.encoder.eval()
    place = x
    for _ in range(ATTACK.count):
        place = place.detach().requires_grad_()
        functional.cross_entropy(learner.logits(place), labels, reduction="sum").backward()
        slope = place.grad
        place = place + ATTACK.length * slope / slope.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        change = place - x
        far = change.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        place = (x + change * (ATTACK.radius / far.clamp(min=ATTACK.radius))).clamp(0, 1)
    learner.zero_grad()
    learner.train()
    return place.detach()


def test_the_first_stage_is_cross_entropy_after_the_attack() -> None:
    learner, given = first_stage(smooth()), batch(dtype=torch.float64)
    x = attacked(learner, given.views[0], given.targets["label"])
    step = learner(given)
    torch.testing.assert_close(step.loss, functional.cross_entropy(learner.logits(x), given.targets["label"]))
    assert float((x - given.views[0]).abs().max()) > 0.01
    plain = first_stage(smooth(), attack=None)(given)
    expected = functional.cross_entropy(learner.logits(given.views[0]), given.targets["label"])
    torch.testing.assert_close(plain.loss, expected)
    assert float(plain.loss.detach()) < float(step.loss.detach())


def test_running_statistics_see_each_batch_of_the_first_stage_once() -> None:
    attacked, plain = first_stage(), first_stage(attack=None)
    taken(attacked, batch())
    taken(plain, batch())
    assert [int(layer.num_batches_tracked) for layer in norms(attacked)] == [1] * len(norms(plain))
    assert all(layer.training for layer in norms(attacked))


def test_the_second_stage_is_the_sum_of_both_losses() -> None:
    learner, given = second_stage(smooth()), batch(dtype=torch.float64)
    real, classified, seeds = given.views[0], given.others["classified"], given.others["seeds"].views[0]
    labels = given.targets["label"]
    with evaluating(learner.encoder):
        made = climb(lambda x: learner.logits(x).gather(1, labels[:, None])[:, 0], seeds, Steps(2, 0.1))
    told = 0.5 * functional.softplus(-learner.logits(real).logsumexp(1)).mean()
    told = told + 0.5 * functional.softplus(learner.logits(made).logsumexp(1)).mean()
    x = attacked(learner, classified.views[0], classified.targets["label"])
    expected = told + functional.cross_entropy(learner.logits(x), classified.targets["label"])
    step = learner(given)
    torch.testing.assert_close(step.loss, expected)
    step.loss.backward()
    gradients = [weight.grad.clone() for weight in learner.encoder.parameters()]
    learner.zero_grad()
    expected.backward()  # nothing else: neither through the ascents nor through the attack
    for found, weight in zip(gradients, learner.encoder.parameters(), strict=True):
        torch.testing.assert_close(found, weight.grad)
    torch.testing.assert_close(step.log["density_loss"], told.detach())
    own, other = (learner.logits(x).gather(1, labels[:, None]) for x in (real, made))  # (B, 1) each
    higher = (own > other.T).double().mean()  # how often a real one has the higher logit of its class
    torch.testing.assert_close(step.log["real_auc"], higher)
    learner.after_step([step])
    assert float(learner.curriculum.aucs[-1]) == pytest.approx(float(higher))


def test_each_seed_is_moved_towards_the_class_beside_it_and_is_detached() -> None:
    learner, given = second_stage(length=3), batch()
    seeds, labels = given.others["seeds"].views[0], given.targets["label"]
    made = learner.made(seeds, labels)
    with evaluating(learner.encoder), torch.no_grad():
        gain = learner.logits(made) - learner.logits(seeds)  # (B, P)
        rolled = learner.logits(learner.made(seeds, (labels + 1) % CLASSES)) - learner.logits(seeds)
    rows = torch.arange(len(labels))
    assert bool((gain[rows, labels] > 0).all())
    assert bool((gain[rows, labels] > rolled[rows, labels]).all())
    assert not made.requires_grad
    assert all(weight.grad is None for weight in learner.parameters())
    assert learner.made(seeds, labels).equal(made)
    none = second_stage(length=0)
    assert none.made(seeds, labels).equal(seeds)


def test_what_is_climbed_is_the_class_unless_the_density_is_asked_for() -> None:
    given = batch()
    seeds, labels = given.others["seeds"].views[0], given.targets["label"]
    density = Density(value=log_density, objective=real_or_made, climbs="density")
    by_class, by_density = second_stage(), second_stage(density=density)
    assert by_density.made(seeds, labels).equal(by_density.made(seeds, (labels + 1) % CLASSES))
    assert not by_class.made(seeds, labels).equal(by_class.made(seeds, (labels + 1) % CLASSES))


def test_batch_normalisation_keeps_its_statistics_and_learns_its_scales() -> None:
    learner = second_stage()
    before = [(layer.running_mean.clone(), layer.running_var.clone(), layer.weight.clone()) for layer in norms(learner)]
    learner.train()
    taken(learner, batch())
    for (mean, variance, weight), layer in zip(before, norms(learner), strict=True):
        assert layer.running_mean.equal(mean)
        assert layer.running_var.equal(variance)
        assert not layer.weight.equal(weight)
        assert not layer.training
    moving = second_stage(frozen_norms=False)
    taken(moving, batch())
    assert not norms(moving)[0].running_mean.equal(before[0][0])


def test_the_penalty_is_on_the_slope_at_real_pictures() -> None:
    given, objective = batch(dtype=torch.float64), real_or_made
    losses = []
    for weight in (0.0, 0.7):
        density = Density(value=log_density, objective=objective, slope=slope_penalty, slope_weight=weight)
        learner = second_stage(smooth(), density=density)
        losses.append(learner(given).loss)
    x = given.views[0].clone().requires_grad_()
    (slope,) = torch.autograd.grad(learner.logits(x).logsumexp(1).sum(), x)
    expected = 0.7 * 0.5 * slope.flatten(1).square().sum(1).mean()
    torch.testing.assert_close((losses[1] - losses[0]).detach(), expected, rtol=1e-5, atol=1e-7)


def test_ascents_grow_in_a_run_and_the_state_holds_where_they_stand() -> None:
    learner = second_stage(length=0, curriculum=Curriculum(2, threshold=0.5, longest=3))
    lengths = [float(taken(learner, batch(seed=seed), rate=0.5).log["ascent_steps"]) for seed in range(12)]
    assert lengths[0] == 0
    assert lengths == sorted(lengths)
    assert 0 < lengths[-1] <= 3
    other = second_stage(length=0, curriculum=Curriculum(2, threshold=0.5, longest=3))
    other.load_state_dict(learner.state_dict())
    one, two = (taken(one, batch(seed=99)) for one in (learner, other))
    assert one.loss.equal(two.loss)
    for found, expected in zip(other.state_dict().values(), learner.state_dict().values(), strict=True):
        assert found.equal(expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_stages_learn_in_either_precision(precision: str) -> None:
    for learner in (first_stage(), second_stage(length=1)):
        given, losses = batch(count=12), []
        optimizer = torch.optim.Adam([w for w in learner.parameters() if w.requires_grad], lr=5e-3)
        for _ in range(25):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                step = learner(given)
            optimizer.zero_grad()
            step.loss.backward()
            optimizer.step()
            learner.after_step([step])
            losses.append(float(step.loss.detach()))
        assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
        assert step.loss.dtype == torch.float32
        assert learner.chance is not None
        own = math.log(2) if isinstance(learner, DualAdversarial) else 0.0
        assert learner.chance(step.pairing) == pytest.approx(math.log(CLASSES) + own)


def test_a_runaway_stops_with_what_to_do_and_can_be_held() -> None:
    density = Density(value=log_density, objective=energy_difference)
    with torch.no_grad():
        learners = [second_stage(density=density, hold=hold) for hold in (False, True)]
        for learner in learners:
            taken_once = learner.average.model.state_dict()["heads.biases.0"].clone()
            learner.heads.biases[0] += 2e3
    with pytest.raises(RunError, match=r"^diverging: .* 2e\+03, .*--learning-rate.*--density-loss real-or-made"):
        learners[0](batch())
    held = learners[1]
    before = held.encoder.state_dict()
    kept = {name: value.clone() for name, value in before.items()}
    taken(held, batch())
    assert bool(held.diverged)
    assert float(held.tables()["ascents"]["diverged"]) == 1
    again = taken(held, batch(seed=1))
    assert float(again.loss.detach()) == 0
    assert all(value.equal(kept[name]) for name, value in held.encoder.state_dict().items())
    assert held.average.model.state_dict()["heads.biases.0"].equal(taken_once)  # never heard of it
    broken = second_stage(hold=True)
    with torch.no_grad():
        broken.heads.biases[0].fill_(math.nan)
    taken(broken, batch())
    assert bool(broken.diverged)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: replace_other(given, "seeds", lambda one: 255 * one), "must lie in"),
        (lambda given: replace_other(given, "seeds", lambda one: one[:4]), "as many seeds as pictures"),
        (lambda given: Batch(given.views, given.indices, given.targets["label"]), "classified and seeds"),
        (lambda given: relabelled(given, CLASSES), "3 classes: it was trained on other classes"),
        (lambda given: relabelled(given, -1), "has none"),
        (lambda given: Batch(given.views, given.indices, others=given.others), "needs labels"),
        (
            lambda given: Batch(2 * given.views, given.indices, given.targets["label"], others=given.others),
            "one view of each picture, got 2",
        ),
    ],
)
def test_batches_that_no_step_can_be_made_of(change: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        second_stage()(change(batch()))


def replace_other(given: Batch, name: str, change: Any) -> Batch:
    view = change(given.others[name].views[0])
    other = Batch((view,), torch.arange(len(view)))
    return replace_others(given, {**given.others, name: other})


def replace_others(given: Batch, others: dict[str, Batch]) -> Batch:
    return Batch(given.views, given.indices, given.targets["label"], others=others)


def relabelled(given: Batch, label: int) -> Batch:
    labels = given.targets["label"].clone()
    labels[0] = label
    return Batch(given.views, given.indices, labels, others=given.others)


def test_batch_normalisation_in_training_mode_is_refused() -> None:
    learner = second_stage()
    for layer in norms(learner):
        layer.train()
    with pytest.raises(ValueError, match="Batch normalisation is in training mode"):
        learner(batch())


def test_flat_logits_move_nothing_and_a_head_is_made_for_the_classes_of_the_data() -> None:
    learner = first_stage(heads=None)
    learner.see_targets({"label": torch.tensor([0, 1, 4])})
    assert learner.heads.sizes == (5,)
    given = batch()
    assert learner.attacked(given.views[0], given.targets["label"]).equal(given.views[0])  # they begin at zero
    assert learner(given).loss.isfinite()
    assert set(learner.average.model.state_dict()) == set(learner.network().state_dict())


def test_steps_of_several_batches_count_as_one_in_the_curriculum() -> None:
    learner = second_stage(length=0, curriculum=Curriculum(1, threshold=0.5, longest=9))
    steps = [learner(batch(seed=seed)) for seed in range(2)]
    learner.after_step(steps)
    assert int(learner.curriculum.filled) + int(learner.curriculum.length) == 1
    assert int(learner.average.updates) == 1
    assert replace(steps[0]).memory.shape == (8, 4)
    assert normed().dimension == 5
