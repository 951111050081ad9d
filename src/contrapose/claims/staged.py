"""An arm with jobs of its own: trained as a run is, in a folder, from which it goes on after a kill."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.spent import Spent, Timed, timed
from contrapose.data import Samples
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, load_encoder
from contrapose.environment import commit
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Learner
from contrapose.methods import Method, name_of
from contrapose.methods.assemble import assemble
from contrapose.training.config_file import to_dictionary
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan, folder_of
from contrapose.version import __version__


@dataclass(frozen=True)
class Trained:
    """What an arm of stages has come to.

    Arguments:
        run: the folder of its run, with what every stage left.
        learner: what the last stage has trained, in evaluation mode; None where its job is another.
        loss: of its last step; None where it has none.
        spent: in all jobs of all stages.
        before: the part of that which earlier processes have spent.
    """

    config: Method
    samples: Samples
    device: torch.device
    run: Path
    learner: Learner | None
    loss: float | None
    spent: Spent
    before: Spent

    def encoders(self) -> dict[str, Encoder]:
        """All that the run exported: `encoder`, `teacher`, ..., and of earlier stages `STAGE/encoder`, ..."""
        return {
            file.parent.relative_to(root).as_posix(): load_encoder(file.parent).to(self.device)
            for root, pattern in ((self.run, "*"), (self.run / "stages", "*/*"))
            for file in sorted(root.glob(f"{pattern}/encoder.json"))
        }

    def subject(self, ground: Ground, asked: Samples, seed: int) -> Subject:
        """What measures see of it.

        Errors:
            ArgumentError: its last stage left no encoder.
        """
        if self.config.verb == "attack":
            return self._attacked(ground, asked, seed)
        exported = self.encoders()
        encoder = exported.get("encoder") if self.learner is None else self.learner.encoder
        if not isinstance(encoder, Encoder):
            raise ArgumentError(
                f"The last stage of {name_of(self.config)} exports no encoder, and a claim measures one. Let its job "
                "write one into the folder encoder/, or end with the stage that trains it."
            )
        views = ground.modality.views(self.config.views, self.samples, encoder)
        return Subject(Embedder(encoder).embed, ground, asked, seed, self.learner, views, self.run, exported)

    def _attacked(self, ground: Ground, asked: Samples, seed: int) -> Subject:
        """An attack trains no encoder: what is measured is the one that it was given."""
        modality, given = ground.modality, getattr(self.config, "init", None)
        encoder: Any = modality.started(modality.start(given, self.config), self.samples).to(self.device).eval()
        exported = {**self.encoders(), "encoder": encoder}
        return Subject(Embedder(encoder).embed, ground, asked, seed, run=self.run, exported=exported)


def train_stages(
    config: Method, samples: Samples, others: Mapping[str, Samples], path: Path, *, device: torch.device
) -> Trained:
    """Train the stages of a method's run, or what is left of them.

    Arguments:
        samples: what it learns from.
        others: what it learns from besides, by the names of `config.other_data()`.
        path: the folder of the run; a second call goes on from it, if data and code are still the same.

    Errors:
        RunError: as a run.
    """
    folder = _folder(path, config, {"": samples, **others})
    describe = {"method": name_of(config), "contrapose": __version__}
    accelerator = make_accelerator(device.type)
    context = Context(config, accelerator, samples=samples, others=others, assemble=assemble, describe=describe)
    runner = _runner(context, folder)
    before = _spent_on_stages(runner, folder) + _timed_job(runner).before
    if runner.steps == runner.total_steps:
        runner.save()  # a kill after the last checkpoint may have left out what belongs beside it
    while runner.steps < runner.total_steps:
        outcome = runner.fit()
        if outcome.signal is not None:
            # The checkpoint is written, and those who took signals before decide what this one means: a worker leaves
            # Ctrl-C to its parent, and goes on.
            signal.raise_signal(outcome.signal)
            runner = _runner(context, folder)
    last = _timed_job(runner)
    losses = [row["loss"] for row in folder.metrics() if row.get("loss") is not None]
    return Trained(
        config=config,
        samples=samples,
        device=device,
        run=folder.path,
        learner=last.job.learner.eval() if isinstance(last.job, Trainer) else None,
        loss=losses[-1] if losses else None,
        spent=_spent_on_stages(runner, folder) + last.spent,
        before=before,
    )


def _runner(context: Context, folder: RunFolder) -> Runner:
    """At the first step, or where the run in the folder stands."""
    return Runner(Plan([timed(stage) for stage in context.config.stages(context)]), context, run=folder)


def _timed_job(runner: Runner) -> Timed:
    assert isinstance(runner.job, Timed)
    return runner.job


def _spent_on_stages(runner: Runner, folder: RunFolder) -> Spent:
    """On those that are done."""
    done = runner.plan.stages[: runner.number]
    return sum((Spent.beside(folder_of(folder.path, stage.name)) for stage in done), start=Spent())


def _folder(path: Path, config: Method, data: Mapping[str, Samples]) -> RunFolder:
    """The folder of the run, to go on in: a new one where there is none, or one of other data or of other code."""
    record = {
        "contrapose": __version__,
        "commit": commit(),
        "method": name_of(config),
        "modality": config.modality,
        "config": to_dictionary(config),
        "data": {name: samples.fingerprint for name, samples in data.items()},
    }
    folder, plain = RunFolder(path), json.loads(json.dumps(record))
    if folder.config_file.is_file():
        try:
            if folder.read_record().items() >= plain.items():
                return folder
        except RunError:  # damaged
            pass
    shutil.rmtree(path, ignore_errors=True)
    return RunFolder.create(path, record)
