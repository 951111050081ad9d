"""Arms of several stages: trained as runs are, killed and continued, counted in full, measured with all they leave."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from staged_methods import Clusters, Relabelled, registered

from contrapose.claims import Arm, Experiment, find_claim, spent, staged
from contrapose.claims.claim import Claim
from contrapose.claims.record import record_of
from contrapose.claims.unit import Unit, work
from contrapose.claims.verdicts import findings_of
from contrapose.errors import ArgumentError
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Stage
from killed import KilledError, end, fatal

HERE = str(Path(__file__).with_name("claim_in_stages.py"))
STEPS = 3 + 3 + 3  # of the three stages


@pytest.fixture(scope="module", autouse=True)
def claim() -> Iterator[Claim]:
    """The claim, while its methods are known."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with registered():
        yield find_claim(HERE)
    torch.set_num_threads(threads)


@pytest.fixture
def by_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is timed takes a second."""
    clock, processor = itertools.count(), itertools.count()
    told = SimpleNamespace(perf_counter=lambda: next(clock), process_time=lambda: next(processor))
    monkeypatch.setattr(spent, "time", told)


def unit_of(claim: Claim, arm: int, source: str, folder: Path) -> Unit:
    return Unit(HERE, claim.arms[arm], {}, 1, "test", claim.protocol, source, str(folder))


def values_of(record: dict[str, Any]) -> dict[str, float]:
    """All but what it cost."""
    (values,) = record["values"].values()
    return {name: value for name, value in values.items() if name != "training CPU seconds"}


@pytest.fixture(scope="module")
def undisturbed(claim: Claim, picture_parts: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return values_of(work(unit_of(claim, 0, picture_parts, tmp_path_factory.mktemp("undisturbed"))))


def test_arms_of_stages_stand_beside_others_in_an_experiment(claim: Claim, tmp_path: Path, picture_parts: str) -> None:
    outcome = Experiment(claim, HERE, claim.protocol, picture_parts, tmp_path, say=lambda text: None).run()
    assert len(outcome.trials) == 2
    for name in ("in stages", "both", "plain"):
        assert (outcome.results.of(name, "training CPU seconds") > 0).all()
        assert (outcome.results.of(name, "loss") > 0).all()
    for name in ("in stages", "both"):
        assert outcome.results.of(name, "exported").tolist() == [1, 1]
    first, last = (outcome.results.of("in stages", name) for name in ("first", "last"))
    assert (first != last).all()
    assert first[0] != first[1]  # each seed is a run of its own
    assert outcome.results.of("in stages", "clusters").tolist() == 2 * [outcome.chosen["in stages"]["clusters"]]
    record = record_of(claim, claim.protocol, outcome, findings_of(claim, outcome.results), size="standard")
    assert record["arithmetic"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]  # runs are gone when their numbers are there


@contextmanager
def before_the_last_encoder() -> Iterator[None]:
    """Killed when the last checkpoint is written, and what belongs beside it is not."""
    export = spent.Timed.export

    def killed(self: spent.Timed, folder: Path, *, step: int) -> None:
        if step == self.total_steps and folder.parent.name != "stages":
            raise KilledError
        export(self, folder, step=step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spent.Timed, "export", killed)
        yield


@pytest.mark.parametrize(
    ("killed", "before"),
    [
        (lambda: fatal(2, end), 0),  # no checkpoint yet
        (lambda: fatal(6, end), 4 + 3),
        (lambda: fatal(STEPS, end), 4 + 4 + 3),
        (before_the_last_encoder, 4 + 4 + 4),
    ],
)
def test_killed_in_any_stage_it_continues_and_ends_the_same(
    killed: Callable[[], AbstractContextManager[None]],
    before: int,
    claim: Claim,
    tmp_path: Path,
    picture_parts: str,
    undisturbed: dict[str, float],
    by_the_step: None,
) -> None:
    unit = unit_of(claim, 0, picture_parts, tmp_path)
    with killed(), pytest.raises(KilledError):
        work(unit)
    assert unit.run.is_dir()
    record = work(unit)
    assert values_of(record) == undisturbed
    (values,) = record["values"].values()
    assert values["training CPU seconds"] == STEPS + 3  # and each job was made
    assert record["seconds"] >= before
    assert not unit.run.exists()
    assert work(unit) == json.loads(json.dumps(record))


def test_a_run_of_other_code_is_not_continued(
    claim: Claim, tmp_path: Path, picture_parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    make = staged._runner

    def watched(context: Context, folder: RunFolder) -> Runner:
        runner = make(context, folder)
        begun.append(runner.steps)
        return runner

    monkeypatch.setattr(staged, "_runner", watched)
    unit = unit_of(claim, 0, picture_parts, tmp_path)
    for other in ("same", "same", "another"):
        monkeypatch.setattr(staged, "commit", lambda other=other: other)
        with fatal(STEPS, end), pytest.raises(KilledError):
            work(unit)
    assert begun == [0, STEPS - 1, 0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind do not exist on Windows")
@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_stops_it_with_a_checkpoint_unless_that_is_for_the_parent_to_say(
    ignored: bool,
    claim: Claim,
    tmp_path: Path,
    picture_parts: str,
    undisturbed: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = Trainer._train_step
    monkeypatch.setattr(Trainer, "_train_step", lambda self: (os.kill(os.getpid(), signal.SIGINT), step(self))[1])
    unit = unit_of(claim, 0, picture_parts, tmp_path)
    taken = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    try:
        if not ignored:
            with pytest.raises(KeyboardInterrupt):
                work(unit)
            assert list(unit.run.glob("checkpoints/*"))
            monkeypatch.setattr(Trainer, "_train_step", step)
        assert values_of(work(unit)) == undisturbed
    finally:
        signal.signal(signal.SIGINT, taken)


def test_what_an_arm_of_stages_lacks_is_said(
    claim: Claim, tmp_path: Path, picture_parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = unit_of(claim, 1, picture_parts, tmp_path)
    with pytest.raises(ArgumentError, match=r"no pretraining set 'other', .* Did you mean 'others'\? Its sets: pretr"):
        work(replace(unit, options={"target_data": "other"}))
    shares = replace(claim.protocol, measure_at=(0.5, 1.0))
    with pytest.raises(ArgumentError, match=r"after shares \[0.5, 1.0\] of the epochs, and the arm 'in stages'"):
        replace(claim, protocol=shares)
    assert replace(claim, arms=(Arm("plain", "simclr"), Arm("in stages", "simclr")), protocol=shares)

    def stages(self: Relabelled, context: Context) -> list[Stage]:
        rows = torch.zeros(4, 2).numpy()
        return [Stage("clusters", 2, lambda context: Clusters(rows, 2, 2, context.generator()))]

    monkeypatch.setattr(Relabelled, "stages", stages)
    with pytest.raises(ArgumentError, match="The last stage of relabelled exports no encoder"):
        work(unit_of(claim, 0, picture_parts, tmp_path))


def test_files_of_a_stage_are_found_by_its_name(tmp_path: Path, claim: Claim, picture_parts: str) -> None:
    ground = claim.make_ground(picture_parts, claim.protocol, 0)
    subject = staged.Subject(lambda samples: torch.zeros(1, 1).numpy(), ground, ground.test, 0, run=tmp_path)
    with pytest.raises(ArgumentError, match=r"No earlier stage is called 'first'\. There is: none"):
        subject.left("first")
    (tmp_path / "stages" / "first").mkdir(parents=True)
    assert subject.left("first") == tmp_path / "stages" / "first"
    with pytest.raises(ArgumentError, match=r"Did you mean 'first'\? There is: first"):
        subject.left("frist")
