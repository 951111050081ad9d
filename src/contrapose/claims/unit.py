"""One unit of work: one arm with one set of options and one seed, trained and measured; a file when it is done."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from contrapose.atomic import write_atomically
from contrapose.claims.claim import UNTRAINED, Arm, Claim, Protocol
from contrapose.claims.ground import Ground
from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.quick import quick_version
from contrapose.claims.registry import find_claim
from contrapose.data import Samples
from contrapose.environment import commit
from contrapose.methods import METHODS, Method, check_one_job
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

    @property
    def identity(self) -> str:
        """A text that changes whenever the unit would measure something else."""
        plain = {**asdict(self), "folder": None, "contrapose": __version__}
        plain["protocol"] = {key: value for key, value in plain["protocol"].items() if "seeds" not in key}
        usual = ("grid", "tuned_as", "longer") if self.arm.longer == 1 else ("grid", "tuned_as")
        plain["arm"] = {key: value for key, value in plain["arm"].items() if key not in usual}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def file(self) -> Path:
        """Where its numbers are, once it is done."""
        name = "".join(letter if letter.isalnum() else "-" for letter in self.arm.name)
        return Path(self.folder) / f"{self.part}-{name}-seed{self.seed}-{self.identity}.json"

    def result(self) -> dict[str, Any] | None:
        """Its record, if it was finished before."""
        try:
            return dict(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            return None


def work(unit: Unit, threads: int | None = None) -> dict[str, Any]:
    """Do the unit, unless its file says that it was done; returns its record."""
    known = unit.result()
    if known is not None:
        return known
    if threads is not None:
        torch.set_num_threads(threads)
    claim = find_claim(unit.claim)
    claim = quick_version(claim) if unit.quick else claim
    started = time.perf_counter()
    seed = unit.seed if unit.part == "test" else unit.seed - TUNING_SEED
    ground = claim.make_ground(unit.source, unit.protocol, seed)
    values, config = (_floor if unit.arm.name in claim.floors else _arm)(unit, claim, ground)
    record = {
        "arm": unit.arm.name,
        "seed": unit.seed,
        "part": unit.part,
        "options": unit.options,
        "config": config,
        "values": {str(epoch): numbers for epoch, numbers in values.items()},
        "commit": commit(),
        "seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
    }
    unit.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(unit.file, (json.dumps(record, indent=1) + "\n").encode())
    return record


Values = dict[int, dict[str, float]]


def _arm(unit: Unit, claim: Claim, ground: Ground) -> tuple[Values, dict[str, Any]]:
    """Train the arm; measure it after the epochs that the protocol names."""
    arm = unit.arm
    epochs = round(arm.longer * int(unit.protocol.options["epochs"]))
    options = {**unit.protocol.options, "epochs": epochs, **arm.options, **unit.options, "seed": unit.seed}
    config = configuration(arm.method, options, ground.modality.name)
    samples = ground.pretraining[arm.data]
    learner, views = assemble(config, samples)
    samples = samples.with_targets(config.about.needs_targets)  # a method never sees what it does not ask for
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
                values[wanted] = _measured(claim, subject)
        measuring += time.process_time() - started

    started = time.process_time()  # of the processor, not of the clock: other work on the machine does not count
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = autocast_dtype(config.precision, device)
    losses = train_in_memory(learner, samples, views, config, device=device, dtype=dtype, after_epoch=after_epoch)
    training = time.process_time() - started - measuring
    values[measured[-1]] |= {"loss": losses[-1], "training CPU seconds": training}
    arithmetic = f"{dtype or torch.float32} on {device.type}".removeprefix("torch.")
    return values, {**to_dictionary(config), "arithmetic": arithmetic}


def _floor(unit: Unit, claim: Claim, ground: Ground) -> tuple[Values, dict[str, Any]]:
    """What the data know by themselves, or the first arm's network before its first step."""
    if unit.arm.name != UNTRAINED:
        return {0: _measured(claim, floor_of(ground, _asked(unit, ground), unit.seed))}, {}
    arm = unit.arm
    options = {**unit.protocol.options, **arm.options, "seed": unit.seed}
    config = configuration(arm.method, options, ground.modality.name)
    learner, views = assemble(config, ground.pretraining[arm.data])
    learner.eval()
    return {0: _measured(claim, subject_of(learner, views, ground, _asked(unit, ground), unit.seed))}, {}


def configuration(method: str, options: dict[str, Any], modality: str) -> Method:
    """The method's configuration on a kind of data; an unknown option names the nearest one."""
    where = f"the options of {method} in this claim"
    return check_one_job(from_dictionary(METHODS[method].on(modality), options, where=where))


def _asked(unit: Unit, ground: Ground) -> Samples:
    return ground.validation if unit.part == "validation" else ground.test


def _measured(claim: Claim, subject: Any) -> dict[str, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(subject.seed)
        found: dict[str, float] = {}
        for measure in claim.measures:
            found |= {name: float(value) for name, value in measure(subject).items()}
    return found
