"""One unit of work: one arm with one set of options and one seed, trained and measured; a file when it is done."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from contrapose.atomic import write_atomically
from contrapose.claims.claim import UNTRAINED, Arm, Claim, Protocol
from contrapose.claims.given import as_options, given_to, keep_encoders
from contrapose.claims.ground import Ground
from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.quick import quick_version
from contrapose.claims.registry import find_claim
from contrapose.claims.staged import train_stages
from contrapose.data import Samples
from contrapose.environment import commit
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods import METHODS, Method, one_job
from contrapose.methods.assemble import assemble
from contrapose.training.config_file import from_dictionary, to_dictionary
from contrapose.training.device import autocast_dtype
from contrapose.training.in_memory import train_in_memory
from contrapose.version import __version__

TUNING_SEED = 1_000
"""First seed of the trials: far from those that are reported."""


@dataclass(frozen=True)
class Unit:
    """What is trained and measured, and where the numbers go.

    Arguments:
        claim: name of a registered claim, or the path of a file that declares one.
        arm: one of the claim's arms; a floor is the first arm under the floor's name.
        options: chosen for it, on top of the arm's and the protocol's.
        part: "validation" while tuning, "test" for the record.
        source: where the data lie.
        folder: where its file is written.
        quick: this is the smoke version.
        given: the units of the arms that this one stands on, by the names of the arms.
        keep: what it trains stays until the claim is done, for units that stand on it.
    """

    claim: str
    arm: Arm
    options: dict[str, Any]
    seed: int
    part: Literal["validation", "test"]
    protocol: Protocol
    source: str
    folder: str
    quick: bool = False
    given: Mapping[str, Unit] = field(default_factory=dict)
    keep: bool = False

    @property
    def identity(self) -> str:
        """A text that changes whenever the unit would measure something else."""
        plain = {**asdict(self), "folder": None, "contrapose": __version__}
        plain |= {"given": {name: unit.identity for name, unit in self.given.items()}}
        plain["protocol"] = {key: value for key, value in plain["protocol"].items() if "seeds" not in key}
        # What was added later, where it is not used, so that units that were finished before keep their names.
        usual = [("longer", self.arm.longer == 1), ("on", not self.arm.on), ("beside", not self.arm.beside)]
        left_out = {"grid", "tuned_as", *(name for name, unused in usual if unused)}
        plain["arm"] = {key: value for key, value in plain["arm"].items() if key not in left_out}
        plain = {key: value for key, value in plain.items() if key != "keep" and (key != "given" or value)}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def file(self) -> Path:
        """Where its numbers are, once it is done."""
        name = "".join(letter if letter.isalnum() else "-" for letter in self.arm.name)
        return Path(self.folder) / f"{self.part}-{name}-seed{self.seed}-{self.identity}.json"

    @property
    def height(self) -> int:
        """How many others have to be done before it, one after the other."""
        return max((1 + unit.height for unit in self.given.values()), default=0)

    @property
    def run(self) -> Path:
        """Where an arm of several stages is trained, until the numbers are there, and where what others stand on is
        kept."""
        return self.file.with_suffix("")

    def result(self) -> dict[str, Any] | None:
        """Its record, if it was finished before."""
        try:
            return dict(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            return None


def work(unit: Unit, threads: int | None = None) -> dict[str, Any]:
    """Do the unit, unless its file says that it was done; returns its record."""
    known = unit.result() if unit.run.is_dir() or not unit.keep else None
    record = known or _done(unit, threads)
    if not unit.keep:
        shutil.rmtree(unit.run, ignore_errors=True)  # large, and there is nothing left to go on with
    return record


def _done(unit: Unit, threads: int | None) -> dict[str, Any]:
    if threads is not None:
        torch.set_num_threads(threads)
    claim = find_claim(unit.claim)
    claim = quick_version(claim) if unit.quick else claim
    started = time.perf_counter()
    seed = unit.seed if unit.part == "test" else unit.seed - TUNING_SEED
    ground = claim.make_ground(unit.source, unit.protocol, seed)
    measured = (_floor if unit.arm.name in claim.floors else _arm)(unit, claim, ground)
    record = {
        "arm": unit.arm.name,
        "seed": unit.seed,
        "part": unit.part,
        "options": unit.options,
        "config": measured.config,
        "values": {str(epoch): numbers for epoch, numbers in measured.values.items()},
        "commit": commit(),
        "seconds": round(measured.before + time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
    }
    unit.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(unit.file, (json.dumps(record, indent=1) + "\n").encode())
    return record


Values = dict[int, dict[str, float]]


@dataclass(frozen=True)
class Measured:
    """What a unit found.

    Arguments:
        values: epoch -> name -> number.
        config: that it was trained with.
        before: seconds that earlier processes have spent on it.
    """

    values: Values
    config: dict[str, Any] = field(default_factory=dict)
    before: float = 0.0


def _arm(unit: Unit, claim: Claim, ground: Ground) -> Measured:
    """Train the arm and measure it."""
    arm = unit.arm
    epochs = round(arm.longer * int(unit.protocol.options["epochs"]))
    options = {**unit.protocol.options, "epochs": epochs, **arm.options, **unit.options, "seed": unit.seed}
    config = configuration(arm.method, {**options, **as_options(unit)}, ground.modality.name)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = autocast_dtype(config.precision, device)
    arithmetic = f"{dtype or torch.float32} on {device.type}".removeprefix("torch.")
    how = {**to_dictionary(config), **arm.on, "arithmetic": arithmetic}
    if one_job(type(config)):
        return Measured(_in_memory(unit, claim, ground, config, device, dtype), how)
    return _in_stages(unit, claim, ground, config, device, how)


def _in_memory(
    unit: Unit, claim: Claim, ground: Ground, config: Method, device: torch.device, dtype: torch.dtype | None
) -> Values:
    """Train the arm's one learner; measure it after the epochs that the protocol names."""
    samples = ground.pretraining[unit.arm.data]
    learner, views = assemble(config, samples)
    samples = samples.with_targets(config.shown_targets)  # a method never sees what it does not ask for
    measured = unit.protocol.epochs_measured() if unit.part == "test" else unit.protocol.epochs_measured()[-1:]
    scale = config.epochs / int(unit.protocol.options["epochs"])  # an arm may train for longer or shorter
    values: Values = {}
    measuring = 0.0

    def after_epoch(epoch: int) -> None:
        nonlocal measuring
        started = time.process_time()
        for wanted in measured:
            if epoch == max(1, round(wanted * scale)):
                subject = subject_of(learner, views, ground, _asked(unit, ground), unit.seed)
                values[wanted] = _measured(claim, given_to(subject, unit))
        measuring += time.process_time() - started

    started = time.process_time()  # of the processor, not of the clock: other work on the machine does not count
    losses = train_in_memory(learner, samples, views, config, device=device, dtype=dtype, after_epoch=after_epoch)
    training = time.process_time() - started - measuring
    values[measured[-1]] |= {"loss": losses[-1], "training CPU seconds": training}
    if unit.keep:
        keep_encoders(learner, unit.run)
    return values


def _in_stages(
    unit: Unit, claim: Claim, ground: Ground, config: Method, device: torch.device, how: dict[str, Any]
) -> Measured:
    """Train all stages of the arm, as a run in a folder, or what an earlier process left of them; measure the end."""
    others = {name: _set(ground, given) for name, given in config.other_data().items()}
    data = {"": ground.pretraining[unit.arm.data], **others}
    seen = {name: samples.with_targets(config.shown_targets) for name, samples in data.items()}
    trained = train_stages(config, seen.pop(""), seen, unit.run, device=device)
    numbers = _measured(claim, given_to(trained.subject(ground, _asked(unit, ground), unit.seed), unit))
    numbers |= {} if trained.loss is None else {"loss": trained.loss}
    numbers["training CPU seconds"] = trained.spent.processor
    return Measured({unit.protocol.epochs_measured()[-1]: numbers}, how, trained.before.clock)


def _set(ground: Ground, name: str) -> Samples:
    """What a method learns from besides: another of the ground's pretraining sets."""
    if name not in ground.pretraining:
        raise ArgumentError(
            f"The ground has no pretraining set {name!r}, which an arm of this claim learns from besides its own."
            f"{did_you_mean(name, ground.pretraining)} Its sets: {', '.join(ground.pretraining)}."
        )
    return ground.pretraining[name]


def _floor(unit: Unit, claim: Claim, ground: Ground) -> Measured:
    """What the data know by themselves, or the first arm's network before its first step."""
    if unit.arm.name != UNTRAINED:
        return Measured({0: _measured(claim, floor_of(ground, _asked(unit, ground), unit.seed, unit.arm.name))})
    arm = unit.arm
    options = {**unit.protocol.options, **arm.options, "seed": unit.seed}
    config = configuration(arm.method, options, ground.modality.name)
    learner, views = assemble(config, ground.pretraining[arm.data])
    learner.eval()
    return Measured({0: _measured(claim, subject_of(learner, views, ground, _asked(unit, ground), unit.seed))})


def configuration(method: str, options: dict[str, Any], modality: str) -> Method:
    """The method's configuration on a kind of data; an unknown option names the nearest one."""
    where = f"the options of {method} in this claim"
    return from_dictionary(METHODS[method].on(modality), options, where=where)


def _asked(unit: Unit, ground: Ground) -> Samples:
    return ground.validation if unit.part == "validation" else ground.test


def _measured(claim: Claim, subject: Any) -> dict[str, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(subject.seed)
        found: dict[str, float] = {}
        for measure in claim.measures:
            found |= {name: float(value) for name, value in measure(subject).items()}
    return found
