"""What a run says of itself: its header on the screen, and the record in its `config.json`."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from contrapose.commands.run_data import places_of
from contrapose.data import Samples
from contrapose.distributed import world_size
from contrapose.encoders import Encoder
from contrapose.encoders.initial import is_published
from contrapose.encoders.running_statistics import training_norms
from contrapose.learners import Learner
from contrapose.methods import Method, WithBase, name_of
from contrapose.methods.fit_to_data import class_names
from contrapose.modalities import modality_of
from contrapose.training.config_file import to_dictionary
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.version import __version__
from contrapose.words import counted


def announce(config: Method, samples: Samples, runner: Runner, run: RunFolder) -> None:
    """The run's header: data, method, what differs from the defaults, device."""
    monitor = runner.monitor
    monitor.say(f"{name_of(config)} on {samples.origin}: {len(samples):,} {samples.noun}s, {samples.in_words()}")
    for note in samples.notes:
        monitor.say(f"note: {note}")
    from_scratch = getattr(config, "init", None) is None and not config.about.needs_labels
    expected = modality_of(samples).expected(samples) if from_scratch and not runner.steps else None
    if expected is not None:
        monitor.say(f"note: {expected}")
    if isinstance(runner.job, Trainer):
        kind, encoder = modality_of(samples), runner.job.learner.encoder
        unused = [] if getattr(config, "init", None) is None else kind.unused(config, encoder)
        for remark in (*unused, *kind.read_by(encoder, samples)):
            monitor.say(f"note: {remark}")
        contrasts = runner.job.learner.contrasts and config.verb == "train"
        wrong = kind.false_negatives(samples, config.batch_size) if contrasts else None
        if wrong is not None:
            monitor.say(f"note: {wrong}")
    for skipped in samples.skipped[:5]:
        monitor.say(f"skipped: {skipped.path} ({skipped.reason})")
    if len(samples.skipped) > 5:
        monitor.say(f"skipped: {len(samples.skipped)} in all; config.json lists them")
    changed = ", ".join(
        f"{name}={value}" for name, value in config.differences().items() if name not in ("data", "out")
    )
    monitor.say(f"options: {changed or 'defaults'}")
    if isinstance(runner.job, Trainer):
        monitor.say(_encoder(config, runner.job))
    if config.init is not None and config.verb == "attack":
        monitor.say(f"victim: {config.init} is attacked, and stays as it is")
    elif config.init is not None and config.verb == "repair":
        monitor.say(f"suspect: {config.init} is looked into, and stays as it is; what is repaired is a copy")
    elif config.init is not None:
        monitor.say(f"weights: begun with those of {config.init}, and with their normalisation; heads are new")
    elif is_published(config.encoder) and not getattr(config, "encoder_arguments", {}).get("pretrained"):
        monitor.say(f"weights: new ones; {config.start_option} {config.encoder} begins with those published")
    for remark in config.remarks():
        monitor.say(remark)
    if isinstance(config, WithBase) and config.asks_base:
        monitor.say(f"frozen: {config.base} is asked, and stays as it is")
    if config.sam_radius > 0:
        monitor.say(f"sam_radius={config.sam_radius:g}: sharpness-aware steps take two passes each, so twice the time.")
    if config.shard_encoder:
        monitor.say(
            f"sharded: each of {world_size()} processes keeps a share of the encoder; what is written is whole"
            if world_size() > 1
            else "shard_encoder: there is one process, which keeps the whole encoder; torchrun starts several"
        )
    if config.accumulate > 1:
        monitor.say(
            f"accumulate={config.accumulate} saves memory and adds no negatives: each anchor still sees one batch."
        )
    if config.micro_batch is not None and isinstance(runner.job, Trainer):
        for line in _in_parts(config.micro_batch, runner.job.learner):
            monitor.say(line)
    if runner.plan.several:
        listed = zip(runner.plan.stages, runner.lengths, strict=True)
        monitor.say("stages: " + ", ".join(f"{stage.name} ({counted(steps, 'step')})" for stage, steps in listed))
    at = f" from step {runner.steps}" if runner.steps else ""
    rate = ""
    if isinstance(runner.job, Trainer):
        rate = f", learning rate {runner.job.learning_rate(runner.step):.2g} at the next"
    monitor.say(f"writing {run.path}{at}, {counted(runner.total_steps, 'step')}{rate}")


def _encoder(config: Method, trainer: Trainer) -> str:
    parameters = sum(parameter.numel() for parameter in trainer.learner.encoder.parameters())
    arithmetic = "float32" if trainer.dtype is None else str(trainer.dtype).removeprefix("torch.")
    processes = trainer.accelerator.num_processes
    joined = f", {processes} processes, embeddings gathered" if processes > 1 else ""
    where = f"on {trainer.device.type} in {arithmetic}"
    if not isinstance(trainer.learner.encoder, Encoder):  # the first stage makes something else
        made = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(trainer.learner.encoder).__name__).lower()
        return f"{made}: {parameters / 1e6:.2f} M parameters, {where}"
    return f"encoder: {config.encoder}, {parameters / 1e6:.1f} M parameters, {where}{joined}"


def _in_parts(rows: int, learner: Learner) -> list[str]:
    """What micro-batches cost, and where they are not the whole batch."""
    said = [
        f"micro_batch={rows} saves memory: so many views go through an encoder at a time, the loss sees all, and "
        "each view goes through twice, which takes a third to three quarters longer."
    ]
    encoders = [module for module in learner.modules() if isinstance(module, Encoder)]
    if any(training_norms(encoder) for encoder in encoders):
        said.append(
            f"note: batch normalisation in the encoder takes the statistics of {rows} views, not of the whole batch; "
            "all else is that of the whole batch"
        )
    return said


def record_of(
    config: Method,
    samples: Samples,
    run: Path,
    *,
    others: Mapping[str, Samples] | None = None,
    init: dict[str, Any] | None = None,
    base: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What `config.json` says of a run in the folder `run`.

    Arguments:
        others: the data beside its own, by name.
        init: what the weights were that it started from; None = new ones.
        base: what the frozen encoder is that it asks; None = it asks none.
    """
    return {
        "contrapose": __version__,
        "method": name_of(config),
        "modality": config.modality,
        "config": to_dictionary(config),
        **({} if init is None else {"init": init}),
        **({} if base is None else {"base": base}),
        "data": {
            **_identity(samples, config.data, run),
            "classes": class_names(samples) if config.about.needs_labels else None,
            **_reading(samples),
        },
        **({"others": _others(config, others, run)} if others else {}),
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "platform": platform.platform(),
            "threads": torch.get_num_threads(),
            "processes": world_size(),
        },
    }


def _others(config: Method, others: Mapping[str, Samples], run: Path) -> dict[str, Any]:
    given = config.other_data()
    return {name: {**_identity(data, given[name], run), **_reading(data)} for name, data in others.items()}


def _identity(samples: Samples, given: str, run: Path) -> dict[str, Any]:
    return {
        "origin": samples.origin,
        "places": places_of(given, run),
        "fingerprint": samples.fingerprint,
        "samples": len(samples),
    }


def _reading(samples: Samples) -> dict[str, Any]:
    return {
        **samples.facts(),
        "notes": list(samples.notes),
        "skipped": [{"path": item.path, "reason": item.reason} for item in samples.skipped],
    }
