"""The flagship's claim at the full protocol, for as many epochs as the time gives: mmcl against simclr."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.claims import find_claim
from contrapose.claims.claim import Arm, Claim, Protocol
from contrapose.claims.unit import Unit, configuration, work
from contrapose.methods.assemble import assemble
from contrapose.training.device import autocast_dtype
from contrapose.training.in_memory import train_in_memory
from gpu_parts.part import Work, stopped, wait

CLAIM_FILE = str(Path(__file__).with_name("flagship_claim.py"))
STEPS = 40  # by which the time of an epoch is judged, after as many that warm up
SPARE = 0.85  # of the time is planned for
PER_RUN = 15.0  # seconds of a run beside its steps: opening, measuring twice


def flagship(given: Work) -> dict[str, Any]:
    """One row for each run, and the differences of the arms, seed by seed.

    Runs that are finished lie in files; their number of epochs is decided once, so that a second call goes on.
    """
    claim = find_claim(CLAIM_FILE)
    protocol = _protocol(claim, given)
    plan = given.folder / "epochs"
    if plan.is_file():
        epochs = int(plan.read_text())
    else:
        epochs = 1 if given.quick else _epochs(claim, protocol, given)
        if epochs < 1:
            return stopped({}, f"{given.left():.0f} s are less than an epoch of each arm")
        plan.parent.mkdir(parents=True, exist_ok=True)
        plan.write_text(str(epochs))
    protocol = replace(protocol, options={**protocol.options, "epochs": epochs})
    found: dict[str, Any] = {"claim": claim.title, "protocol": "full", "epochs": epochs, "runs": []}
    longest = 0.0
    for seed in range(given.seeds):
        for arm in claim.arms:
            unit = Unit(CLAIM_FILE, arm, {}, seed, "test", protocol, given.data, str(given.folder))
            if unit.result() is None and given.left() < longest:
                return stopped({**found, **_differences(found["runs"])}, "not all seeds: no time was left")
            began = time.monotonic()
            record = work(unit)
            longest = max(longest, time.monotonic() - began)
            row = {name: record[name] for name in ("arm", "seed", "values", "seconds")}
            found["runs"].append({**row, "options": dict(arm.options), "arithmetic": record["config"]["arithmetic"]})
            print(found["runs"][-1], flush=True)
            given.keep(found)
    return {**found, **_differences(found["runs"])}


def _protocol(claim: Claim, given: Work) -> Protocol:
    """The full one; small numbers and a small network in the small version."""
    if not given.quick:
        return claim.full
    options = {**claim.full.options, "encoder": "tiny_conv", "batch_size": 32}
    return replace(claim.full, options=options, images=45, labelled=45, validation=15, test=20)


def _epochs(claim: Claim, protocol: Protocol, given: Work) -> int:
    """How many epochs every run can have, from the time that some steps of each arm take."""
    ground = claim.make_ground(given.data, protocol, 0)
    samples = ground.pretraining["pretraining"]
    each = [_seconds_a_step(arm, protocol, samples, given.device) for arm in claim.arms]
    steps = protocol.images // int(protocol.options["batch_size"])
    runs = given.seeds * len(claim.arms)
    epochs = int((SPARE * given.left() - runs * PER_RUN) / (given.seeds * steps * sum(each)))
    print(f"flagship: {[round(1e3 * one, 1) for one in each]} ms a step, so {epochs} epochs", flush=True)
    return min(epochs, int(protocol.options["epochs"]))


def _seconds_a_step(arm: Arm, protocol: Protocol, samples: Any, device: torch.device) -> float:
    options = {**protocol.options, **arm.options, "epochs": 2, "seed": 0}
    config = configuration(arm.method, options, "image")
    some = samples.subset(np.arange(STEPS * config.batch_size) % len(samples))
    learner, views = assemble(config, some)
    ends: list[float] = []

    def after_epoch(epoch: int) -> None:
        wait(device)
        ends.append(time.perf_counter())

    dtype = autocast_dtype(config.precision, device)
    train_in_memory(learner, some, views, config, device=device, dtype=dtype, after_epoch=after_epoch)
    return (ends[1] - ends[0]) / STEPS


def _differences(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """kNN of the first arm less that of the second, in each seed that both have, after each epoch measured."""
    of = {(run["arm"], run["seed"]): run["values"] for run in runs}
    first, second = "mmcl, pgd", "nt_xent"
    return {
        "kNN of mmcl, pgd less nt_xent": {
            str(seed): {
                epoch: values["kNN"] - of[second, seed][epoch]["kNN"] for epoch, values in of[first, seed].items()
            }
            for arm, seed in of
            if arm == first and (second, seed) in of
        }
    }
