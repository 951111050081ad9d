"""Experiments are paired, tune on the validation split alone, and continue after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import claim_cases
import pytest
import torch
from claim_cases import TINY, claim_of

from contrapose.claims import Experiment, Ground, Outcome, Prediction, Protocol, level
from contrapose.claims import unit as unit_module
from contrapose.claims.claim import Arm, Claim
from contrapose.claims.experiment import Trial
from contrapose.claims.unit import TUNING_SEED, Unit

HERE = str(Path(claim_cases.__file__))
ALONE = Prediction("simclr", ("simclr",), level("simclr", "kNN"))


def experiment(folder: Path, source: str, *, claim: Claim | None = None, **options: Any) -> Experiment:
    return Experiment(claim or claim_of(), HERE, TINY, source, folder, **{"say": lambda text: None, **options})


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, picture_parts: str) -> Outcome:
    return experiment(tmp_path_factory.mktemp("units"), picture_parts).run()


def test_tuning_sees_the_validation_split_and_the_record_the_test_split(outcome: Outcome) -> None:
    assert all(outcome.results.of(arm, "asked validation").tolist() == [0.0, 0.0] for arm in outcome.results.values)
    assert len(outcome.trials) == 4
    assert {record["part"] for record in outcome.records} == {"test"}


def test_the_best_trial_is_chosen_and_the_first_of_equals(tmp_path: Path, picture_parts: str) -> None:
    arms = (
        Arm("a", "simclr", grid={"temperature": (0.1, 0.2, 0.5)}),
        Arm("b", "simclr", tuned_as="a"),
        Arm("c", "mmcl"),
    )
    claim = claim_of(arms=arms, predictions=(replace(claim_of().predictions[0], arms=("a", "b")),))
    trials = [Trial("a", {"temperature": t}, score) for t, score in ((0.1, 0.3), (0.2, 0.6), (0.5, 0.6))]
    chosen = experiment(tmp_path, picture_parts, claim=claim)._choose(trials)
    assert chosen == {"a": {"temperature": 0.2}, "b": {"temperature": 0.2}, "c": {}}


def test_what_has_one_setting_is_not_tried_before_it_is_measured(tmp_path: Path, picture_parts: str) -> None:
    arms = (
        Arm("a", "simclr", grid={"temperature": (0.2,), "learning_rate": (0.1,)}),
        Arm("b", "simclr", tuned_as="a"),
        Arm("c", "mmcl"),
    )
    claim = claim_of(arms=arms, predictions=(replace(claim_of().predictions[0], arms=("a", "b")),))
    one = experiment(tmp_path, picture_parts, claim=claim)
    assert one._trial_units() == []
    only = {"temperature": 0.2, "learning_rate": 0.1}
    assert one._choose(()) == {"a": only, "b": only, "c": {}}


def test_floors_stand_beside_the_arms(outcome: Outcome) -> None:
    assert set(outcome.results.values) == {"simclr", "mmcl", "untrained", "raw pixels"}
    raw = outcome.results.of("raw pixels", "kNN")
    assert raw[0] == raw[1] > 0.5  # it has no seed, and these classes are easy


def test_both_arms_start_alike_and_see_the_same_views(picture_parts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[Any]] = {}

    def spy(learner: Any, images: Any, views: Any, config: Any, **rest: Any) -> list[float]:
        weights = torch.cat([parameter.flatten() for parameter in learner.encoder.parameters()]).clone()
        first = views(images.batch(torch.arange(4)), generator=torch.Generator().manual_seed(config.seed))
        seen[type(config).__name__] = [weights, torch.stack(first), config.seed]
        rest["after_epoch"](config.epochs)
        return [0.0]

    monkeypatch.setattr(unit_module, "train_in_memory", spy)
    claim = claim_of()
    for arm in claim.arms:
        ground = claim.ground(picture_parts, TINY, 0)
        unit_module._arm(Unit(HERE, arm, {}, 1, "test", TINY, picture_parts, ""), claim, ground)
    (a, b) = seen.values()
    assert torch.equal(a[0], b[0])
    assert torch.equal(a[1], b[1])
    assert a[2] == b[2] == 1


def test_a_killed_experiment_continues_and_ends_the_same(
    tmp_path: Path, picture_parts: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def stop_after_three(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(tmp_path, picture_parts, say=stop_after_three).run()
    done = set(tmp_path.iterdir())
    assert len(done) == 3
    stamps = {path: path.stat().st_mtime_ns for path in done}
    again = experiment(tmp_path, picture_parts).run()
    assert all(path.stat().st_mtime_ns == stamps[path] for path in done)
    for arm in outcome.results.values:
        assert again.results.of(arm, "kNN").tolist() == outcome.results.of(arm, "kNN").tolist()


def test_two_processes_measure_what_one_does(tmp_path: Path, picture_parts: str, outcome: Outcome) -> None:
    chosen = outcome.chosen["simclr"]
    claim = claim_of(arms=(Arm("simclr", "simclr", options=chosen),), predictions=(ALONE,))
    torch.set_num_threads(1)
    alone = experiment(tmp_path / "one", picture_parts, claim=claim).run()
    side_by_side = experiment(tmp_path / "two", picture_parts, claim=claim, jobs=2).run()
    for arm in alone.results.values:
        assert side_by_side.results.of(arm, "kNN").tolist() == alone.results.of(arm, "kNN").tolist()


def test_a_changed_option_is_another_unit() -> None:
    arm = claim_of().arms[0]
    unit = Unit(HERE, arm, {"temperature": 0.1}, 0, "test", TINY, "data", "work")
    assert unit.identity == replace(unit, folder="elsewhere").identity
    assert unit.identity == replace(unit, protocol=replace(TINY, seeds=9)).identity  # more seeds reuse the first ones
    for changes in (
        {"options": {"temperature": 0.2}},
        {"seed": 1},
        {"part": "validation"},
        {"protocol": replace(TINY, images=59)},
        {"arm": replace(arm, options={"projection_layers": 0})},
        {"source": "other"},
    ):
        assert replace(unit, **changes).identity != unit.identity


def test_measured_at_a_third_and_at_the_end(tmp_path: Path, picture_parts: str) -> None:
    protocol = replace(TINY, options={"epochs": 3, "batch_size": 20}, measure_at=(1 / 3, 1.0))
    arm = claim_of().arms[0]
    record = unit_module.work(Unit(HERE, arm, {}, TUNING_SEED, "validation", protocol, picture_parts, str(tmp_path)))
    assert list(record["values"]) == ["3"]  # trials are judged at the end alone
    record = unit_module.work(Unit(HERE, arm, {}, 0, "test", protocol, picture_parts, str(tmp_path)))
    assert list(record["values"]) == ["1", "3"]
    assert record["values"]["3"]["training CPU seconds"] > 0


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import multiprocessing, os, sys, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from contrapose.claims.experiment import _leave_with\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    pool = ProcessPoolExecutor(1, mp_context=context, initializer=_leave_with, initargs=(os.getpid(),))\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    pool.submit(time.sleep, 60)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "parent.py").write_text(script)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split(")")[1][:3]:
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker went on without its parent")


def test_raw_pixels_are_measured_once_for_a_ground(outcome: Outcome, tmp_path: Path, picture_parts: str) -> None:
    assert [record["seed"] for record in outcome.records if record["arm"] == "raw pixels"] == [0]

    def by_seed(source: str, protocol: Protocol, seed: int) -> Ground:
        ground = claim_cases.ground_of(source, protocol, seed)
        return replace(ground, test=ground.test.subset(torch.arange(30 + seed)))

    claim = claim_of(arms=(Arm("simclr", "simclr"),), predictions=(ALONE,), ground=by_seed)
    assert experiment(tmp_path, picture_parts, claim=claim)._seeds_of_one_ground() == [0, 1]
