"""AUC-CL with the scalars that it learns: where they go, what they are worth, and which options belong together."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from auc_literal import scores, some

from contrapose.errors import ArgumentError
from contrapose.objectives import AUCContrastive, auc_cl, auc_saddle
from contrapose.pairing import by_views


def moved(objective: AUCContrastive, steps: int = 300) -> dict[str, float]:
    z = some()
    optimizer = torch.optim.Adam(objective.extra_parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        objective(z).backward()
        optimizer.step()
    values = {name: float(value.detach()) for name, value in objective.named_parameters()}
    return values | {name: float(value) for name, value in objective.learned().items()}


@pytest.mark.parametrize("ascent", [1.0, 3.0])
def test_learned_scalars_find_the_saddle_point(ascent: float) -> None:
    found = moved(AUCContrastive("saddle", ascent=ascent))
    s, partners = scores(some())
    a = float(torch.stack([s[i, j] for i in range(10) for j in partners[i]]).mean())
    negatives = [s[i, j] for i in range(10) for j in range(10) if j != i and j not in partners[i]]
    b = float(torch.stack(negatives).mean())
    assert found["a"] == pytest.approx(a, abs=1e-2)
    assert found["b"] == pytest.approx(b, abs=1e-2)
    assert found["alpha"] == pytest.approx(1 + b - a, abs=1e-2)


def test_b_learns_the_mean_of_the_negatives() -> None:
    s, partners = scores(some())
    negatives = [s[i, j] for i in range(10) for j in range(10) if j != i and j not in partners[i]]
    assert moved(AUCContrastive())["b"] == pytest.approx(float(torch.stack(negatives).mean()), abs=1e-3)


def test_alpha_takes_steps_of_its_own_size() -> None:
    one, three = (moved(AUCContrastive("saddle", ascent=ascent), steps=1)["alpha"] for ascent in (1.0, 3.0))
    assert one == pytest.approx(0.02, rel=1e-4)
    assert three == pytest.approx(0.06, rel=1e-4)


@pytest.mark.parametrize("form", ["unbiased", "authors", "saddle"])
def test_the_module_is_the_function(form: str) -> None:
    z = some()
    objective = AUCContrastive(form, scalars="batch")  # type: ignore[arg-type]
    assert objective.extra_parameters() == []
    expected = auc_saddle(z) if form == "saddle" else auc_cl(z, form=form, b=None)  # type: ignore[arg-type]
    assert torch.equal(objective(z), expected)
    if form != "saddle":
        assert torch.equal(AUCContrastive(form, scalars="zero")(z), auc_cl(z, form=form))  # type: ignore[arg-type]
        changed = AUCContrastive(form, scalars="zero", target=5.0, alpha=0.3)  # type: ignore[arg-type]
        assert changed.alpha == 0.3
        assert torch.equal(changed(z), auc_cl(z, form=form, target=5.0, alpha=0.3))  # type: ignore[arg-type]
        assert not torch.equal(changed(z), auc_cl(z, form=form, target=5.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "scalars"),
    [(form, how) for form in ("unbiased", "authors") for how in ("batch", "learned")] + [("saddle", "batch")],
)
def test_chance_follows_the_scalars(form: str, scalars: str) -> None:
    objective = AUCContrastive(form, scalars=scalars, margin=0.4)  # type: ignore[arg-type]
    if objective.b is not None:
        objective.b.data.fill_(0.3)
    ones = torch.ones(2, 6, 3, dtype=torch.float64)
    assert objective.chance(by_views(2, 6)) == pytest.approx(float(objective(ones).detach()), rel=1e-6)
    if form != "saddle":
        other = AUCContrastive(form, scalars=scalars, target=3.0, alpha=-0.4)  # type: ignore[arg-type]
        assert other.chance(by_views(2, 6)) == pytest.approx(float(other(ones).detach()), rel=1e-6)


def test_an_optimiser_that_forgets_b_is_warned_of() -> None:
    objective, network = AUCContrastive(), torch.nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="does not move b"):
        objective.check_optimizer(torch.optim.SGD(network.parameters(), lr=0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objective.check_optimizer(torch.optim.SGD([*network.parameters(), *objective.extra_parameters()], lr=0.1))


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: AUCContrastive("saddle", scalars="zero"), "saddle"),
        (lambda: AUCContrastive("saddle", negative_weight=2.0), "saddle"),
        (lambda: AUCContrastive("saddle", target=5.0), "saddle form has no target"),
        (lambda: AUCContrastive("saddle", alpha=0.5), "saddle form has no constant alpha"),
        (lambda: AUCContrastive("unbiased", ascent=5.0), "ascent is the step"),
        (lambda: AUCContrastive("authors", ascent=5.0), "ascent is the step"),
        (lambda: AUCContrastive("saddle", scalars="batch", ascent=5.0), "ascent is the step"),
        (lambda: AUCContrastive(target=math.nan), "target must be a finite"),
        (lambda: AUCContrastive(alpha=math.inf), "alpha must be a finite"),
        (lambda: AUCContrastive(margin=2.0), "margin"),
        (lambda: AUCContrastive("saddle", ascent=0.0), "ascent"),
        (lambda: AUCContrastive(scalars="learn"), "Did you mean 'learned'"),  # type: ignore[arg-type]
    ],
)
def test_options_that_do_not_go_together_are_named(call, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=word):
        call()
