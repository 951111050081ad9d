"""What a run says of itself: its header on the screen, and the record in its `config.json`."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from contrapose.commands.run_data import places_of
from contrapose.data import Samples
from contrapose.learners import Learner
from contrapose.methods import Method, WithBase, name_of
from contrapose.methods.fit_to_data import class_names
from contrapose.modalities import modality_of
from contrapose.training.config_file import to_dictionary
from contrapose.training.loop import Trainer
from contrapose.training.monitor import Monitor
from contrapose.training.run_folder import RunFolder
from contrapose.version import __version__
from contrapose.words import counted


def announce(
    config: Method, samples: Samples, learner: Learner, trainer: Trainer, run: RunFolder, monitor: Monitor
) -> None:
    """The run's header: data, method, what differs from the defaults, device."""
    monitor.say(f"{name_of(config)} on {samples.origin}: {len(samples):,} {samples.noun}s, {samples.in_words()}")
    for note in samples.notes:
        monitor.say(f"note: {note}")
    from_scratch = getattr(config, "init", None) is None and not config.about.needs_labels
    expected = modality_of(samples).expected(samples) if from_scratch and not trainer.step else None
    if expected is not None:
        monitor.say(f"note: {expected}")
    for skipped in samples.skipped[:5]:
        monitor.say(f"skipped: {skipped.path} ({skipped.reason})")
    if len(samples.skipped) > 5:
        monitor.say(f"skipped: {len(samples.skipped)} in all; config.json lists them")
    changed = ", ".join(
        f"{name}={value}" for name, value in config.differences().items() if name not in ("data", "out")
    )
    monitor.say(f"options: {changed or 'defaults'}")
    parameters = sum(parameter.numel() for parameter in learner.encoder.parameters())
    arithmetic = "float32" if trainer.dtype is None else str(trainer.dtype).removeprefix("torch.")
    processes = trainer.accelerator.num_processes
    monitor.say(
        f"encoder: {config.encoder}, {parameters / 1e6:.1f} M parameters, on {trainer.device.type} in {arithmetic}"
        + (f", {processes} processes, embeddings gathered" if processes > 1 else "")
    )
    if config.init is not None:
        monitor.say(f"weights: begun with those of {config.init}, and with their normalisation; heads are new")
    if isinstance(config, WithBase):
        monitor.say(f"frozen: {config.base} is asked, and stays as it is")
    if config.sam_radius > 0:
        monitor.say(f"sam_radius={config.sam_radius:g}: sharpness-aware steps take two passes each, so twice the time.")
    if config.accumulate > 1:
        monitor.say(
            f"accumulate={config.accumulate} saves memory and adds no negatives: each anchor still sees one batch."
        )
    at = f" from step {trainer.step}" if trainer.step else ""
    rate = trainer.learning_rate(trainer.step)
    monitor.say(f"writing {run.path}{at}, {counted(trainer.total_steps, 'step')}, learning rate {rate:.2g} at the next")


def record_of(
    config: Method,
    samples: Samples,
    run: Path,
    *,
    init: dict[str, Any] | None = None,
    base: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What `config.json` says of a run in the folder `run`.

    Arguments:
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
            "origin": samples.origin,
            "places": places_of(config.data, run),
            "fingerprint": samples.fingerprint,
            "samples": len(samples),
            "classes": class_names(samples) if config.about.needs_labels else None,
            **samples.facts(),
            "notes": list(samples.notes),
            "skipped": [{"path": item.path, "reason": item.reason} for item in samples.skipped],
        },
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "platform": platform.platform(),
            "threads": torch.get_num_threads(),
        },
    }
