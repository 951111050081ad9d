"""Verdicts over made-up histories: when each is said, that it is said once, and that it survives a restart."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from contrapose.evaluation import Health, PrototypeUse
from contrapose.training.verdicts import Change, Verdicts

CHANCE = math.log(511)


def health(**changes: Any) -> Health:
    good = {"spread": 0.9, "effective_rank": 60.0, "dimension": 128, "loss": 3.0, "chance": CHANCE, "norm": 1.0}
    return Health(**{"negatives_per_anchor": 510, **good, **changes})


def history(*values: Health, grace: int = 0, every: int = 50) -> list[Change | None]:
    verdicts = Verdicts(grace_steps=grace)
    return [verdicts.judge(1 + every * number, value) for number, value in enumerate(values)]


def said(changes: list[Change | None]) -> list[str]:
    return [change.line for change in changes if change is not None]


def test_a_healthy_history_says_nothing() -> None:
    assert history(*[health(loss=6.0 - 0.1 * step, norm=1.0 + step) for step in range(20)]) == [None] * 20


def test_a_loss_at_chance_is_said_after_a_hundred_steps_with_their_number() -> None:
    changes = history(*[health(loss=6.23)] * 6)
    assert changes[:2] == [None, None]
    assert changes[2] is not None
    assert changes[2].verdict is not None
    assert changes[2].verdict.startswith(
        "loss at chance: for 100 steps it has equalled its chance value ln 511 = 6.24 or exceeded it (now 6.23). Check"
    )
    assert changes[3:] == [None] * 3


def test_the_count_at_chance_starts_anew_after_it_was_left() -> None:
    stuck, learning = health(loss=6.24), health(loss=5.0)
    assert said(history(stuck, stuck, learning, stuck, stuck)) == []
    assert len(said(history(stuck, stuck, learning, stuck, stuck, stuck))) == 1


def test_the_standing_verdict_is_kept_up_to_date() -> None:
    verdicts = Verdicts(grace_steps=0)
    for step in (1, 101, 201):
        verdicts.judge(step, health(loss=6.24))
    assert "for 200 steps" in (verdicts.standing or "")


def test_said_once_until_it_changes_and_again_when_it_comes_back() -> None:
    collapsed, flat, good = health(spread=0.01), health(effective_rank=3.0), health()
    lines = said(history(collapsed, collapsed, flat, flat, good, good, flat, good, collapsed))
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in lines] == [
        "warning: complete collapse",
        "warning: dimensional collapse",
        "recovered: dimensional collapse",
        "warning: dimensional collapse",
        "recovered: dimensional collapse",
        "warning: complete collapse",
    ]
    assert history(flat, good)[1] == Change(None, "recovered: dimensional collapse")


def test_within_the_grace_only_explosions_are_said() -> None:
    assert said(history(*[health(spread=0.01, loss=6.24)] * 3, grace=101)) == []
    assert len(said(history(*[health(spread=0.01, loss=6.24)] * 4, grace=101))) == 1
    assert said(history(health(), health(norm=100.0), grace=500))[0].startswith(
        "warning: exploding norm: the embeddings are 1e+02 long, 100 times their length at the start. Lower"
    )


@pytest.mark.parametrize("start", [0.0, math.nan])
def test_a_start_without_a_length_has_no_growth(start: float) -> None:
    assert said(history(health(norm=start), health(norm=50.0), health(norm=60.0))) == []


def test_a_norm_that_stays_large_or_grows_slowly_is_no_explosion() -> None:
    assert said(history(*[health(norm=1e6)] * 3)) == []
    assert said(history(health(norm=1.0), health(norm=99.0))) == []


def after_gradients(*norms: float) -> str:
    verdicts = Verdicts(grace_steps=500)
    for norm in norms:
        verdicts.gradient(norm)
    change = verdicts.judge(len(norms), health())
    return "" if change is None else change.line


def test_gradients_explode_by_their_median_not_by_one_bad_batch() -> None:
    assert after_gradients(*[0.5] * 20, *[50.0] * 10).startswith(
        "warning: exploding gradient: its norm is 50, 100 times that of the first steps."
    )
    assert after_gradients(*[0.5] * 20, *[50.0] * 4) == ""
    assert after_gradients(*[0.5] * 10, *[49.0] * 10) == ""
    assert after_gradients(*[1e-3] * 3, *[1.0] * 6) == ""  # too few to know what is normal
    assert after_gradients(*[0.0] * 10, *[50.0] * 10) == ""
    assert after_gradients(*[1e-8] * 10, *[9.0] * 10) == ""  # out of a collapse, not into an explosion


def test_causes_are_said_before_consequences() -> None:
    use = PrototypeUse(8, math.log(8), 0.2)
    everything = health(spread=0.01, effective_rank=3.0, norm=1e4, loss=6.24, prototypes=use)
    less = [
        ({}, "exploding norm"),
        ({"norm": 1.0}, "complete collapse"),
        ({"norm": 1.0, "spread": 0.9}, "dimensional collapse"),
        ({"norm": 1.0, "spread": 0.9, "effective_rank": 60.0}, "uniform prototypes"),
        ({"norm": 1.0, "spread": 0.9, "effective_rank": 60.0, "prototypes": None}, "loss at chance"),
    ]
    for changes, kind in less:
        verdicts = Verdicts(grace_steps=0)
        verdicts.judge(1, health(loss=6.24))
        verdicts.judge(101, Health(**{**vars(everything), **changes}))
        assert (verdicts.standing or "").startswith(kind)


def test_history_survives_a_restart_through_the_metrics() -> None:
    rows = [
        {"step": 1, "loss": 6.24, "chance": CHANCE, "embedding_norm": 1.0, "gradient_norm": 0.5},
        *({"step": 10 * number, "loss": 6.24, "gradient_norm": 0.5} for number in range(1, 12)),
        {
            "step": 121,
            "loss": 6.24,
            "chance": CHANCE,
            "embedding_norm": None,
            "gradient_norm": None,
            "verdict": "loss at chance: x",
        },
    ]
    verdicts = Verdicts(grace_steps=0)
    verdicts.remember(json.loads(json.dumps(rows)))
    assert verdicts.judge(151, health(loss=6.24)) is None  # it has been said before
    assert "for 150 steps" in (verdicts.standing or "")
    change = verdicts.judge(201, health(norm=200.0))
    assert change is not None
    assert "200 times" in change.line
    for _ in range(10):
        verdicts.gradient(100.0)
    change = verdicts.judge(251, health())
    assert change is not None
    assert "exploding gradient" in change.line


def test_metrics_of_an_older_version_are_a_start_without_history() -> None:
    verdicts = Verdicts(grace_steps=0)
    verdicts.remember([{"step": 10, "loss": 1.0, "spread": 0.9, "gradient_norm": 1.0}, {"step": 20}])
    assert verdicts.standing is None
    assert verdicts.judge(51, health(norm=5.0)) is None


def test_a_classifier_is_not_advised_on_its_projection_head() -> None:
    for contrasts, words in ((True, "projection head"), (False, "or raise the weight decay.")):
        (line,) = said(history(*[health(norm=1.0 if n == 0 else 500.0, contrasts=contrasts) for n in range(2)]))
        assert ("projection head" in line) == contrasts
        assert words in line
    (line,) = said(history(*[health(loss=6.24, contrasts=False)] * 4))
    assert "labels" in line
    assert "views" not in line
