"""The runner: does the steps of a run's jobs, and all that has nothing to do with what a step is.

Interrupts, checkpoints, metrics, progress, and that several processes decide the same, are the same for every job.
"""

from __future__ import annotations

import json
import math
import time
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor

from contrapose.errors import ArgumentError, RunError
from contrapose.training.allocator import freed_memory_kept
from contrapose.training.checkpoint import list_checkpoints, load_newest, save_checkpoint
from contrapose.training.config_file import to_dictionary
from contrapose.training.interface import Outcome
from contrapose.training.interrupts import Interrupt, catch_interrupts
from contrapose.training.job import Job, Report
from contrapose.training.processes.lost import lost_processes_told
from contrapose.training.run_folder import RunFolder
from contrapose.training.stages import Context, Plan, stage_folder

LEAST_CHECKPOINT_SECONDS = 10.0  # epochs may be shorter than it takes to write a checkpoint


class Runner:
    """Does the stages of a plan, from the first step or, given a run's folder, from where it stands.

    Steps are counted over all stages, in `metrics.jsonl` and in the names of checkpoints; a job counts its own.

    Arguments:
        plan: the stages.
        context: what their jobs are made of; it knows the configuration, the processes, and who watches.
        run: the folder of a run that continues; None: a new run, whose first job is made before there is a folder, so
            that a bad option leaves nothing behind.

    Errors:
        ArgumentError: an option that several stages do not have.
    """

    def __init__(self, plan: Plan, context: Context, *, run: RunFolder | None = None) -> None:
        self.plan, self.context = plan, context
        self.config, self.accelerator, self.monitor = context.config, context.accelerator, context.monitor
        self.lengths = [stage.steps for stage in plan.stages]
        if plan.several and getattr(self.config, "shard_encoder", False):
            raise ArgumentError("--shard-encoder is for methods of one stage, and this one has several: leave it out.")
        self.number = self.step = 0  # the stage, and its steps that are done
        self.run = run
        self.job = self._made() if run is None else self._restored(run)
        self._saved_at = time.monotonic()
        self._loss: float | Tensor = math.nan

    @property
    def steps(self) -> int:
        """Steps done, of all stages."""
        return sum(self.lengths[: self.number]) + self.step

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(self.lengths)

    def fit(self, run: RunFolder | None = None) -> Outcome:
        """Do all steps that are left.

        Arguments:
            run: the folder of a new run.

        Errors:
            RunError: a disk that is full, another process that has ended, or what stops a job.
        """
        self.run = run or self.run
        self._open_trackers()
        started, rate = time.monotonic(), 0.0
        processes = self.accelerator.num_processes
        # The user's own random stream is left as it was found.
        with (
            torch.random.fork_rng(),
            freed_memory_kept(),
            catch_interrupts(quiet=self.monitor.quiet, echoes=processes > 1) as interrupt,
            lost_processes_told(self.accelerator, self._folder),
            self.monitor.live(self.total_steps, self.steps),
        ):
            self._announce_stage()
            while True:
                rate = self._do(interrupt)
                if self.step < self.job.total_steps or self.number + 1 == len(self.plan.stages):
                    self._close()
                    break
                self._finish_stage()
                if self._anyone(interrupt.requested):
                    break
                self._announce_stage()
                self.job = self._made()
        self.accelerator.end_training()
        loss, seconds = float(self._loss), time.monotonic() - started
        return Outcome(self.steps, self.total_steps, loss, seconds, rate, self.job.unit, signal=interrupt.signal)

    def save(self) -> None:
        """Write a checkpoint, and what the last stage has made so far (from the main process)."""
        self.job.collect()
        if self.accelerator.is_main_process:
            stage = {"stage": self.plan.stages[self.number].name} if self.plan.several else {}
            save_checkpoint(self._folder.checkpoints, self.steps, {**self.job.state(), **stage})
            if self.number + 1 == len(self.plan.stages):
                self.job.export(self._folder.path, step=self.step)
        self.accelerator.wait_for_everyone()
        self._saved_at = time.monotonic()

    def complete(self) -> None:
        """Of a run whose steps are all done, export what a kill right after the last checkpoint has left out."""
        try:
            exported = json.loads((self._folder.encoder / "encoder.json").read_bytes())["extra"]["step"]
        except (OSError, ValueError, KeyError, TypeError):  # none, or a job that writes something else
            exported = None
        if exported != self.step:
            self.save()

    @property
    def _folder(self) -> RunFolder:
        assert self.run is not None
        return self.run

    def _made(self) -> Job:
        """The job of the stage whose turn it is."""
        stage, started = self.plan.stages[self.number], time.monotonic()
        self.monitor.doing("getting ready")
        job = stage.job(self.plan.context(self.number, self.run.path if self.run else None, self.context))
        if job.total_steps != stage.steps:
            raise ArgumentError(f"The stage {stage.name} announces {stage.steps} steps, its job has {job.total_steps}.")
        self._making = time.monotonic() - started
        return job

    def _restored(self, run: RunFolder) -> Job:
        """The job at which the run stands, in the state of the newest checkpoint that can be read. Without one it
        starts again: a run is a function of (configuration, seed, data), so that is continuing.

        Errors:
            RunError: no readable checkpoint, or a stage that is gone.
        """
        done: list[int] = broadcast_object_list([self.plan.done(run.path)])[0]  # as the main process sees it
        self.number, self.lengths[: len(done)] = len(done), done
        state: dict[str, Any] | None = None
        if list_checkpoints(run.checkpoints):
            state, problems = load_newest(run.checkpoints)
            for problem in problems:
                self.monitor.say(f"{problem} Continuing from the one before.")
        of = 0 if state is None or "stage" not in state else self.plan.number(state["stage"])
        if of > self.number:
            missing = self.plan.stages[self.number].name
            raise RunError(f"{run.path}/stages/{missing} is gone, and later stages stand on it. Start a new run.")
        job = self._made()
        if state is not None and of == self.number:
            job.restore(state)
            self.step = state["step"] - sum(self.lengths[: self.number])
        if self.accelerator.is_main_process:
            run.forget_after(self.steps)
            run.clear_leftovers()
        return job

    def _do(self, interrupt: Interrupt) -> float:
        """Steps of the job until it is done or somebody interrupts it; how much of its unit a second."""
        offset, first = self.steps - self.step, self.step
        rows = ({**row, "step": row.get("step", 0) - offset} for row in self._folder.metrics())
        history = [row for row in rows if 0 < row["step"] <= first]
        started, amount = time.monotonic(), 0.0
        self._began = started - self._making - (history[-1].get("seconds", 0.0) if history else 0.0)
        self.job.begin(self._folder, history)
        while self.step < self.job.total_steps and not self._anyone(interrupt.requested):
            report = self.job.step(self.step)
            self.step += 1
            amount += report.amount
            rate = amount / max(1e-9, time.monotonic() - started)
            self._loss = report.numbers.get("loss", self._loss)  # the last that any job told
            self._tell(report, rate)
            if self._checkpoint_due():
                self.save()
        if self.step > first:
            self.save()
        return amount / max(1e-9, time.monotonic() - started)

    def _finish_stage(self) -> None:
        """Put what the stage has made into its folder, and turn to the next."""
        self._close()
        names = [stage.name for stage in self.plan.stages]
        self.job.collect()
        if self.accelerator.is_main_process:
            facts = {"steps": self.step, "stages": names}
            with stage_folder(self._folder.path, names[self.number], facts) as folder:
                self.job.export(folder, step=self.step)
        self.accelerator.wait_for_everyone()
        self.accelerator.free_memory()
        self.number, self.step = self.number + 1, 0

    def _announce_stage(self) -> None:
        """Say which of several stages begins, or goes on."""
        if self.plan.several:
            name, of = self.plan.stages[self.number].name, len(self.plan.stages)
            end = sum(self.lengths[: self.number + 1])
            self.monitor.stage(name, number=self.number + 1, of=of, end=end)

    def _close(self) -> None:
        if line := self.job.closing():
            self.monitor.say(line)
        profile = self.job.profile()
        if profile is not None and profile.steps:
            for line in profile.lines():
                self.monitor.say(line)
            if self.accelerator.is_main_process:
                self._folder.write_profile(self.plan.stages[self.number].name, profile.to_json())

    def _tell(self, report: Report, rate: float) -> None:
        """Move the bar, and write a line of metrics.jsonl where there is one to write."""
        unit, stage = self.job.unit, self.plan.stages[self.number].name
        self.monitor.advance(self.steps, said=report.said, rate=rate, unit=unit)
        last = self.step == self.job.total_steps
        if not (report.due or last or self.step % self.config.log_steps == 0):
            return
        named = {"stage": stage} if self.plan.several else {}
        spent = {f"{unit}_per_second": round(rate, 1), "seconds": round(time.monotonic() - self._began, 2)}
        numbers = {**named, **report.numbers, **spent, **report.details}
        row = {key: float(value) if isinstance(value, Tensor) else value for key, value in numbers.items()}
        if self.accelerator.is_main_process:
            self._folder.log({"step": self.steps, **row})
        if self.config.tracker != "none":
            tracked = {key: value for key, value in row.items() if isinstance(value, int | float)}
            self.accelerator.log(tracked, step=self.steps)

    def _open_trackers(self) -> None:
        self.accelerator.project_configuration.logging_dir = str(self._folder.path)  # where a local tracker writes
        if self.config.tracker != "none":
            options = to_dictionary(self.config).items()
            flat = {key: value for key, value in options if isinstance(value, int | float | str)}
            self.accelerator.init_trackers(self._folder.path.name, config=flat)

    def _checkpoint_due(self) -> bool:
        if self.step >= self.job.total_steps:
            return False  # it is saved at the end
        if self.config.checkpoint_steps and self.step % self.config.checkpoint_steps == 0:
            return True
        seconds = time.monotonic() - self._saved_at
        end_of_epoch = bool(self.job.epoch_steps) and self.step % self.job.epoch_steps == 0
        due = seconds > 60 * self.config.checkpoint_minutes or (end_of_epoch and seconds > LEAST_CHECKPOINT_SECONDS)
        return self._anyone(due)  # clocks differ

    def _anyone(self, flag: bool) -> bool:
        """Whether any process says so: what waits for everyone has to be decided together."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flags) > 0)
