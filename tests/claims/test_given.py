"""Arms that are given what other arms have trained: in order, of one seed, kept until nobody stands on it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from claim_on_victims import CLAIM

from contrapose.claims import Experiment, Outcome
from contrapose.claims.claim import Arm
from contrapose.claims.record import record_of
from contrapose.claims.scenes import ACCURACY
from contrapose.claims.verdicts import findings_of
from contrapose.errors import ArgumentError

HERE = str(Path(__file__).with_name("claim_on_victims.py"))


def experiment(folder: Path, **options: Any) -> Experiment:
    return Experiment(CLAIM, HERE, CLAIM.protocol, "made:scenes", folder, **{"say": lambda text: None, **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("units")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Outcome:
    return experiment(folder).run()


def test_an_attack_is_measured_on_the_victim_of_its_seed(outcome: Outcome) -> None:
    of = outcome.results.of
    assert of("attacked", "unchanged").tolist() == [1.0, 1.0]
    assert of("attacked", ACCURACY).tolist() == of("victim", ACCURACY).tolist()
    assert of("longer", "unchanged").tolist() == [0.0, 0.0]
    assert [of(arm, "beneath").tolist() for arm in ("victim", "attacked", "longer")] == [[0, 0], [1, 1], [2, 2]]
    assert of("attacked", "patch")[0] != of("attacked", "patch")[1]


def test_nothing_is_left_of_what_was_stood_on(outcome: Outcome, folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []
    finished = experiment(folder).run()  # nor is it trained again
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []
    assert finished.records == outcome.records


def test_what_is_stood_on_is_trained_again_for_those_that_are_left(
    outcome: Outcome, folder: Path, tmp_path: Path
) -> None:
    copied, said = Path(shutil.copytree(folder, tmp_path / "units")), []
    for file in copied.glob("test-attacked-seed1-*"):
        file.unlink()
    again = experiment(copied, say=said.append).run()
    trained = ["victim seed 1" in said[0].replace("  ", " "), "attacked" in said[1]]
    assert len(said) == 2, said
    assert trained == [True, True], said
    assert again.results.of("attacked", "patch").tolist() == outcome.results.of("attacked", "patch").tolist()


def test_two_processes_find_the_same(outcome: Outcome, tmp_path: Path) -> None:
    found = experiment(tmp_path, jobs=2).run()
    for name in ("victim", "attacked", "longer"):
        assert found.results.of(name, ACCURACY).tolist() == outcome.results.of(name, ACCURACY).tolist()


def test_the_record_names_arms_and_no_places(outcome: Outcome, folder: Path) -> None:
    record = record_of(CLAIM, CLAIM.protocol, outcome, findings_of(CLAIM, outcome.results), size="standard")
    assert record["arms"][1]["options"]["init"] == "victim"
    assert os.fspath(folder) not in str(record)
    assert os.fspath(folder) not in str(outcome.records)


@pytest.mark.parametrize(
    ("arm", "sentence"),
    [
        (Arm("late", "advclip", on={"init": "viktim"}), "no arm before it. Did you mean 'victim'?"),
        (Arm("late", "advclip", on={"init": "late"}), "'late' is given what 'late' has trained"),
    ],
)
def test_an_arm_stands_on_earlier_ones(arm: Arm, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        replace(CLAIM, arms=(*CLAIM.arms, arm))


def test_what_is_stood_on_is_not_chosen() -> None:
    victim = replace(CLAIM.arms[0], grid={"temperature": (0.1, 0.2)})
    with pytest.raises(ArgumentError, match="options are chosen among several"):
        replace(CLAIM, arms=(victim, *CLAIM.arms[1:]))


def test_an_artifact_that_is_not_there_is_told(tmp_path: Path) -> None:
    wrong = replace(CLAIM.arms[1], on={"init": "victim/teacher"})
    claim = replace(CLAIM, arms=(CLAIM.arms[0], wrong, CLAIM.arms[2]))
    with pytest.raises(ArgumentError, match=r"'victim' left no teacher there\. There is: encoder"):
        replace(experiment(tmp_path), claim=claim).run()
