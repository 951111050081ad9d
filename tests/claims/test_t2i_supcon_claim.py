"""The claim on labels while pictures are drawn: its ground, what its measures read, and what decides it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrapose.claims import Protocol
from contrapose.claims import captioned_digits as measured
from contrapose.claims.captioned_digits import adjectives, captioned_digits, drawn
from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject, subject_of
from contrapose.claims.published.t2i_supcon import CLAIM, less
from contrapose.claims.quick import quick_version
from contrapose.claims.results import Results
from contrapose.claims.unit import Unit, work
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble


@pytest.fixture(scope="module")
def ground() -> Ground:
    return captioned_digits(
        "nowhere", Protocol(options={"epochs": 1}, images=120, labelled=120, validation=20, test=60), 0
    )


@pytest.fixture(autouse=True)
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "SAMPLES", 120)
    monkeypatch.setattr(measured, "JUDGE_EPOCHS", 60)  # of few pictures


def test_captions_say_the_class_and_what_is_measured_on_the_picture(ground: Ground) -> None:
    pairs = ground.labelled
    for row in range(40):
        for text in pairs.captions[row]:
            assert measured.WORDS[int(pairs.labels[row])] in text.split(", ")[0]
    parts = [set(part.identifiers) for part in (ground.labelled, ground.validation, ground.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 200
    with pytest.raises(ArgumentError, match="ask for fewer"):
        captioned_digits("nowhere", Protocol(options={"epochs": 1}, images=1_700, test=400), 0)


def test_adjectives_are_those_of_the_strokes() -> None:
    bars = np.zeros((4, 1, 16, 16), np.uint8)
    for down in range(16):
        bars[0, 0, down, 7] = 255  # upright, thin
        bars[1, 0, down, 12 - down // 2 : 13 - down // 2] = 255  # leans right: its top is further right
        bars[2, 0, down, 3 + down // 2 : 4 + down // 2] = 255  # leans left
        bars[3, 0, down, 2:14] = 255  # thick and wide
    said = adjectives(bars, known=4)
    assert [both[1].split()[1] for both in said] == ["upright", "right-leaning", "left-leaning", "upright"]
    assert [both[0].split()[0] for both in said] == ["thin", "thin", "thin", "thick"]
    assert (said[0][0], said[3][0]) == ("thin narrow", "thick wide")


def test_real_pictures_are_nearer_than_an_untrained_painters(ground: Ground) -> None:
    real = drawn(Subject(lambda samples: np.zeros((len(samples), 1)), ground, ground.test, 0))
    config = METHODS["t2i-supcon"](text_encoder="bag_of_words", projection_dimension=8)
    learner, views = assemble(config, ground.labelled)
    bare = drawn(subject_of(learner, views, ground, ground.test, 0))
    assert bare["distance"] > 2 * real["distance"]
    assert bare["consistency"] < 0.5 < real["consistency"]


def test_all_arms_do_the_same_work_and_the_distance_decides() -> None:
    assert {arm.method for arm in CLAIM.arms} == {"t2i-supcon"}
    assert all(set(arm.options) <= {"contrast", "guidance"} for arm in CLAIM.arms)
    near = {"distance": 6.0, "diversity": 0.7, "consistency": 0.9}
    far = {"distance": 8.0, "diversity": 0.75, "consistency": 0.8}
    results = Results({"in both": ({1: near},), "baseline": ({1: far},)}, (1,))
    assert less("in both", "baseline")(results).tolist() == [0.25]
    found = {one.statement: one for one in CLAIM.predictions if set(one.arms) <= {"in both", "baseline"}}
    values = [float(one.value(results)[0]) for one in found.values()]
    assert values == pytest.approx([0.25, -0.05, 0.2, 0.1])
    assert [one.role for one in found.values()] == ["claim", "claim", "mechanism", "secondary"]


def test_an_arm_is_trained_and_measured(tmp_path: Path) -> None:
    small = quick_version(CLAIM)
    unit = Unit("t2i-supcon", small.arms[-1], {}, 0, "test", small.protocol, "", str(tmp_path), quick=True)
    (values,) = work(unit)["values"].values()
    assert {"distance", "consistency", "diversity"} <= values.keys()
    assert values["distance"] > 0
