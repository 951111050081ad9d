"""A claim, run: trials on the validation split, then every arm with every seed, then the verdict. Resumable."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from contrapose.claims.claim import UNTRAINED, Arm, Claim, Protocol
from contrapose.claims.given import beneath
from contrapose.claims.results import Results
from contrapose.claims.unit import TUNING_SEED, Unit, work

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """One combination of a grid, and what it scored on the validation split."""

    arm: str
    options: dict[str, Any]
    score: float


@dataclass(frozen=True)
class Outcome:
    """All that was measured."""

    results: Results
    trials: tuple[Trial, ...]
    chosen: dict[str, dict[str, Any]]
    seconds: float
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Experiment:
    """A claim at a size, on data that lie somewhere.

    Arguments:
        reference: the name or file by which other processes find the claim.
        source: where the data lie.
        folder: where finished units are kept; a second call continues from them.
        quick: this is the smoke version.
        jobs: processes that work side by side, one thread each; 1 works in this process with torch's own threads.
        say: told of each unit as it is done.
    """

    claim: Claim
    reference: str
    protocol: Protocol
    source: str
    folder: Path
    quick: bool = False
    jobs: int = 1
    say: Say = print

    def run(self) -> Outcome:
        """Do what is left of all units."""
        trials = self._tune()
        chosen = self._choose(trials)
        units = [
            self._unit(arm, chosen[arm.name], seed, "test")
            for seed, arm in itertools.product(range(self.protocol.seeds), self.claim.arms)
        ]
        same = self._seeds_of_one_ground()
        floors = [
            self._unit(replace(self.claim.arms[0], name=name), {}, seed, "test")
            for seed, name in itertools.product(range(self.protocol.seeds), self.claim.floors)
            if name == UNTRAINED or same[seed] == seed  # data know no seed, only the ground that they are of
        ]
        records = self._work([*units, *floors])
        by_unit = {(record["arm"], record["seed"]): record for record in records}
        values = {
            name: tuple(
                {int(epoch): numbers for epoch, numbers in by_unit[name, source]["values"].items()}
                for source in (same if name in self.claim.floors[1:] else range(self.protocol.seeds))
            )
            for name in (*(arm.name for arm in self.claim.arms), *self.claim.floors)
        }
        results = Results(values, self.protocol.epochs_measured())
        # What it cost in all, wherever and whenever the units were done.
        everything = [*self._work(self._with_given(self._trial_units())), *records]
        for unit in self._with_given([*self._trial_units(), *units]):
            shutil.rmtree(unit.run, ignore_errors=True)  # what others stood on
        return Outcome(results, trials, chosen, sum(record["seconds"] for record in everything), tuple(records))

    def _seeds_of_one_ground(self) -> list[int]:
        """For each seed, the first seed whose probes learn from, and are asked about, the same samples."""
        marks = []
        for seed in range(self.protocol.seeds):
            ground = self.claim.make_ground(self.source, self.protocol, seed)
            parts = (ground.labelled, ground.test)
            targets = [(name, values.tobytes()) for part in parts for name, values in sorted(part.targets.items())]
            marks.append((*(part.fingerprint for part in parts), *targets))
        return [marks.index(mark) for mark in marks]

    def _trial_units(self) -> list[Unit]:
        return [
            self._unit(arm, options, TUNING_SEED + seed, "validation")
            for arm in self._tuned()
            for options in arm.trials()
            for seed in range(self.protocol.tuning_seeds)
        ]

    def _tuned(self) -> list[Arm]:
        return [arm for arm in self.claim.arms if len(arm.trials()) > 1]  # one setting is no choice

    def _tune(self) -> tuple[Trial, ...]:
        records = self._work(self._trial_units())
        trials = []
        for arm in self._tuned():
            for options in arm.trials():
                found = [r for r in records if r["arm"] == arm.name and r["options"] == options]
                scores = [list(record["values"].values())[-1][self.claim.choose_by] for record in found]
                trials.append(Trial(arm.name, options, float(np.mean(scores))))
        return tuple(trials)

    def _choose(self, trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
        """The best trial of each arm; the first of equals."""
        chosen: dict[str, dict[str, Any]] = {}
        for arm in self.claim.arms:
            own = [trial for trial in trials if trial.arm == (arm.tuned_as or arm.name)]
            chosen[arm.name] = max(own, key=lambda trial: trial.score).options if own else self._only(arm)
            if own and arm.tuned_as is None:
                listed = ", ".join(f"{_words(trial.options)}: {100 * trial.score:.1f}" for trial in own)
                self.say(f"tuned {arm.name} on the validation split ({self.claim.choose_by}): {listed}")
        return chosen

    def _only(self, arm: Arm) -> dict[str, Any]:
        """The one setting of an arm that has no other, or of that which it is tuned as."""
        return next(one for one in self.claim.arms if one.name == (arm.tuned_as or arm.name)).trials()[0]

    def _unit(self, arm: Arm, options: dict[str, Any], seed: int, part: Literal["validation", "test"]) -> Unit:
        arms = {one.name: one for one in self.claim.arms}
        return Unit(
            claim=self.reference,
            arm=arm,
            options=dict(options),
            seed=seed,
            part=part,
            protocol=self.protocol,
            source=self.source,
            folder=str(self.folder),
            quick=self.quick,
            given={name: self._unit(arms[name], {}, seed, part) for name in arm.needs},
            keep=any(arm.name in one.needs for one in self.claim.arms),
        )

    def _with_given(self, units: Sequence[Unit]) -> list[Unit]:
        """The same with all that they stand on, each once, and none before what it stands on."""
        every = {one.file: one for unit in units for one in (*beneath(unit).values(), unit)}
        return list(every.values())

    def _work(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """The records of these units, in their order; those without a file are done now."""
        wanted = self._with_given([unit for unit in units if unit.result() is None])
        missing = [unit for unit in wanted if unit.result() is None or not unit.run.is_dir()]
        for number, (unit, record, left) in enumerate(self._done(missing), 1):
            numbers = list(record["values"].values())[-1]
            score = numbers.get(self.claim.choose_by)
            said = "" if score is None else f"  {self.claim.choose_by} {100 * score:.1f}"
            self.say(
                f"[{number}/{len(missing)}] {unit.part} {unit.arm.name} {_words(unit.options)} seed {unit.seed}{said}"
                f"  {record['seconds']:.0f} s, about {left / 60:.0f} min left"
            )
        return [unit.result() or work(unit) for unit in units]

    def _done(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, dict[str, Any], float]]:
        started = time.perf_counter()
        for number, (unit, record) in enumerate(self._finished(units), 1):
            elapsed = time.perf_counter() - started
            yield unit, record, elapsed / number * (len(units) - number)

    def _finished(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, dict[str, Any]]]:
        """Each as it is done: first those that stand on nothing, then those that stand on them."""
        for height in range(len(self.claim.arms)):
            level = [unit for unit in units if unit.height == height]
            if level:
                yield from self._alike(level)

    def _alike(self, units: Sequence[Unit]) -> Iterable[tuple[Unit, dict[str, Any]]]:
        """Units that do not wait for each other."""
        if self.jobs == 1:
            for unit in units:
                yield unit, work(unit)
            return
        # Spawned, not forked: torch's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            self.jobs, mp_context=context, initializer=_leave_with, initargs=(os.getpid(),)
        ) as pool:
            futures = {pool.submit(work, unit, 1): unit for unit in units}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except KeyboardInterrupt:  # at once: leaving the block would else wait for every unit there is
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():
                    worker.terminate()
                raise


def _leave_with(parent: int) -> None:
    """In a worker: end when the parent is gone, killed or not, rather than train on for nobody; what Ctrl-C means is
    for the parent to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _words(options: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in options.items())
