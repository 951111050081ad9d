"""Whether training gained anything: one word and one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from contrapose.evaluation import Gain, Metric, gain_over


def arm(**right: int | float) -> dict[str, Metric]:
    """Metrics with so many right answers of 400; the first are the easy ones, for every arm."""
    return {
        name.replace("_", " "): Metric.from_items(name.replace("_", " "), np.arange(400) < count, protocol="")
        for name, count in right.items()
    }


def judged(trained: dict[str, Metric], untrained: dict[str, Metric], raw: dict[str, Metric]) -> Gain:
    found = gain_over(trained, {"untrained": untrained, "raw pixels": raw})
    assert found is not None
    return found


def test_above_every_floor_is_a_gain() -> None:
    found = judged(arm(kNN=300, linear_probe=310), arm(kNN=200, linear_probe=220), arm(kNN=240, linear_probe=306))
    assert found.kind == "gained"
    assert found.sentence.startswith("Training gained: kNN 75.0 %, +25.0 points [+20.")
    assert "over untrained, +15.0 [+11." in found.sentence
    assert found.sentence.endswith("over raw pixels.")


@pytest.mark.parametrize(
    ("trained", "untrained", "raw", "kind"),
    [
        (127, 127, 127, "nothing"),
        (127, 127, 80, "nothing"),
        (200, 260, 80, "worse"),
        (200, 80, 260, "worse"),
        (200, 120, 199, "unclear"),
    ],
)
def test_other_verdicts(trained: int, untrained: int, raw: int, kind: str) -> None:
    assert judged(arm(kNN=trained), arm(kNN=untrained), arm(kNN=raw)).kind == kind


def test_a_gain_in_one_metric_and_a_loss_in_another_is_unclear_and_shows_both() -> None:
    found = judged(arm(kNN=300, linear_probe=200), arm(kNN=200, linear_probe=300), arm(kNN=200, linear_probe=100))
    assert found.kind == "unclear"
    assert "kNN 75.0 %" in found.sentence
    assert "linear probe 50.0 %" in found.sentence


def test_few_items_cannot_show_that_nothing_was_gained() -> None:
    few = {"kNN": Metric.from_items("kNN", np.arange(12) < 6, protocol="")}
    assert judged(few, few, few).kind == "unclear"
    assert "12 tests" in judged(few, few, few).sentence


def test_a_task_that_the_untrained_encoder_solves_shows_nothing() -> None:
    found = judged(arm(kNN=400), arm(kNN=400), arm(kNN=390))
    assert found.kind == "unclear"
    assert found.text == "Nothing can be gained here: untrained is right in all 400 tests. Test on something harder."


def test_balanced_metrics_stand_for_the_plain_ones() -> None:
    trained, floor = arm(kNN=380), arm(kNN=200)
    trained["kNN, balanced"] = floor["kNN, balanced"] = arm(kNN=200)["kNN"]
    assert judged(trained, floor, floor).kind == "nothing"


@pytest.mark.parametrize("name", ["MRR", "found again, mean of 1 to 8", "paraphrase nearer"])
def test_search_by_words_and_other_names_are_judged_too(name: str) -> None:
    better, worse = ({name: Metric.from_items(name, np.arange(400) < count, protocol="")} for count in (300, 200))
    assert judged(better, worse, worse).kind == "gained"
    assert judged(worse, better, worse).kind == "worse"


def test_without_floors_or_items_nothing_is_judged() -> None:
    assert gain_over(arm(kNN=300), {}) is None
    assert gain_over({"kNN": Metric("kNN", 0.5, 0.4, 0.6, "", 10)}, {"untrained": arm(kNN=3)}) is None


def test_it_survives_json() -> None:
    found = judged(arm(kNN=300), arm(kNN=200), arm(kNN=200))
    assert Gain(**json.loads(json.dumps(found.to_dict()))) == found


def errors(mean: float, scale: float = 1.0) -> dict[str, Metric]:
    items = mean + scale * np.random.default_rng(0).random(400)
    return {"MAE": Metric.from_items("MAE", items, protocol="", percent=False, better="lower")}


def test_of_an_error_less_is_a_gain() -> None:
    found = judged(errors(1.0), errors(2.0), errors(3.0))
    assert found.kind == "gained"
    assert "MAE 1.531, -1 [-1, -1] against untrained, -2 [-2, -2] against raw pixels (less is better)" in found.sentence
    assert judged(errors(2.0), errors(1.0), errors(3.0)).kind == "worse"
    assert judged(errors(1.0), errors(1.0), errors(1.0)).kind == "nothing"
    assert judged(errors(0.5), errors(0.5), errors(0.5)).kind == "nothing", "an error of 1 is not perfect"
    assert judged(errors(0, 0), errors(0, 0), errors(0, 0)).kind == "unclear"


def test_a_loss_against_what_needs_no_encoder_alone_is_not_told_as_one_against_the_untrained() -> None:
    found = judged(arm(kNN=200), arm(kNN=100), arm(kNN=260))
    assert found.kind == "worse"
    assert found.sentence.startswith("Training gained over the untrained encoder, and yet raw pixels, without an")
    assert judged(arm(kNN=200), arm(kNN=199), arm(kNN=260)).sentence.startswith("Training made it worse than learning")
