"""What a run begins with: its data, the weights that it starts from, what its jobs are made of, its folder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator

from contrapose.commands.header import record_of
from contrapose.commands.run_base import base_record
from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.data import Samples
from contrapose.encoders import Encoder, Frozen, Start, fingerprint_of, save_encoder
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.methods import Method, name_of
from contrapose.methods.assemble import assemble
from contrapose.modalities import modality_of
from contrapose.shell import shell_command
from contrapose.training.monitor import Monitor
from contrapose.training.run_folder import RunFolder
from contrapose.training.stages import Context, Plan
from contrapose.training.state import CHANGED
from contrapose.version import __version__
from contrapose.words import counted


def open_samples(config: Method, source: Any, start: Start | None = None, *, quiet: bool) -> Samples:
    """The run's data, as its configuration asks, or the weights that it starts from."""
    modality = modality_of(config)
    reading = {name: getattr(config, name) for name in modality.reading}
    reading |= {} if start is None else modality.start_options(config, start)
    reading |= {name: getattr(config, name) for name in ("limit", "labels", "label_column", "number_column")}

    def opened(**changes: Any) -> Samples:
        return modality.open(source, **{**reading, "progress": not quiet, **changes})

    return config.read(opened)


def check_enough(config: Method, samples: Samples) -> None:
    """Pass data that a method can learn from: more than one sample, and the targets that it needs.

    Errors:
        DataError: they are not.
    """
    if len(samples) < 2:
        raise DataError(
            f"{samples.origin} holds one {samples.noun}: contrast needs at least two. Give more {samples.noun}s."
        )
    missing = [name for name in config.about.needs_targets if name not in samples.targets]
    if missing == ["label"]:
        raise DataError(
            f"{name_of(config)} learns from labels and the data has none. Give labelled data: two class sub-folders "
            "or more, or a table with a column of them (--label-column NAME)."
        )
    known = np.unique(samples.labels[samples.labels >= 0]) if samples.labels is not None else np.zeros(0)
    if not missing and config.about.needs_labels and len(known) < 2:
        raise DataError(
            f"{name_of(config)} tells classes apart, and the labels of {samples.origin} name {len(known)} of them. "
            "Give labels of two at least (another column: --label-column), or take a method without labels."
        )
    if missing:
        raise DataError(
            f"{name_of(config)} learns from a {missing[0]} of each sample, and the data has none. Name the column that "
            "holds it with --number-column (number_column=)."
        )


def starting_from(config: Method, init: Any) -> Start | None:
    """The weights that a new run starts from; `init` is what was given in Python."""
    given = config.init if init is None or config.init != FROM_PYTHON else init
    return None if given is None else modality_of(config).start(given, config)


def started_from(config: Method, folder: RunFolder) -> Start | None:
    """The weights that a run began with, from its own folder: their source may be gone, or trained further.

    Errors:
        RunError: neither is there any more.
    """
    if config.init is None:
        return None
    if (folder.initial / "encoder.json").is_file():
        return modality_of(config).start(folder.initial, config)
    if config.init == FROM_PYTHON:  # stopped in the instant before it kept them
        raise RunError(f"{folder.initial} is missing: the weights that the run began with. Start a new run.")
    return modality_of(config).start(config.init, config)


def check_same_start(initial: Encoder | None, record: dict[str, Any], folder: RunFolder) -> None:
    """Pass the weights that the run began with.

    Errors:
        RunError: they are others.
    """
    if initial is not None and fingerprint_of(initial) != record.get("init", {}).get("fingerprint"):
        raise RunError(
            f"The weights that {folder.path} began with have changed since, so its steps cannot be repeated. "
            "Restore them, or start a new run with another --out."
        )


def open_others(
    config: Method,
    start: Start | None = None,
    record: dict[str, Any] | None = None,
    run: RunFolder | None = None,
    *,
    quiet: bool,
) -> dict[str, Samples]:
    """The data that the method learns from beside its own, by name; those of a run that continues, where they were."""
    opened = {}
    for name, given in config.other_data().items():
        before = {"data": (record or {}).get("others", {}).get(name, {})}
        places = data_places(given, before, run.path) if run else [given]
        opened[name] = _opened_like(config, places, start, before, quiet=quiet)
    return opened


def _opened_like(
    config: Method, places: list[Any], start: Start | None, before: dict[str, Any], *, quiet: bool
) -> Samples:
    """Other data, by the columns of the run's own where they have such, else by those with usual names.

    Errors:
        ArgumentError, DataError: they cannot be opened.
    """
    targets = [name for name in ("label_column", "number_column") if getattr(config, name) is not None]
    reading = [name for name in modality_of(config).reading if name.endswith("_column")]
    columns = [*targets, *(name for name in reading if getattr(config, name) is not None)]
    for left_out in (*([targets] if targets else []), columns):
        with suppress(ArgumentError):  # it has no such column
            return open_same(config, places, start, before, quiet=quiet)[0]
        nothing: dict[str, Any] = dict.fromkeys(left_out)
        config = replace(config, **nothing)
    return open_same(config, places, start, before, quiet=quiet)[0]


def check_same_data(samples: Samples, others: dict[str, Samples], record: dict[str, Any]) -> None:
    """Pass the data that the run began with: not every job would notice others, and what does not fit these (fewer
    samples than a batch) says nothing of why.

    Errors:
        RunError: they are others.
    """
    recorded = {"": record["data"], **record.get("others", {})}
    for name, data in {"": samples, **others}.items():
        before = recorded[name]
        if not data.recorded_as(before["fingerprint"]):
            began = f"{before['origin']} ({counted(before['samples'], data.noun)})"
            here = f"{data.origin} ({counted(len(data), data.noun)})"
            other = "" if here == began else f"The run began with {began}, and this is {here}. "
            raise RunError(f"{other}{CHANGED}")


def open_same(
    config: Method, sources: list[Any], start: Start | None, record: dict[str, Any], *, quiet: bool
) -> tuple[Samples, Any]:
    """The source that holds the very samples of before; the first where none does, for the loop to refuse."""
    before = record.get("data", {}).get("fingerprint")
    opened: list[tuple[Samples, Any]] = []
    refused: list[DataError] = []
    for source in sources:
        try:
            opened.append((open_samples(config, source, start, quiet=quiet), source))
        except DataError as error:  # something else of that name
            refused.append(error)
        else:
            if opened[-1][0].fingerprint == before:
                return opened[-1]
    if not opened:
        raise refused[0]
    return opened[0]


def check_goes_on(config: Method, context: Context, plan: Plan, run: RunFolder) -> None:
    """Pass a finished run that more epochs would continue: of several stages only the last one can be, and what it does
    need not depend on them.

    Errors:
        ArgumentError: they would not.
    """
    longer = replace(config, epochs=2 * config.epochs)
    again = longer.stages(replace(context, config=longer))
    if len(plan.stages) > 1 and again[-1].steps <= plan.stages[-1].steps:
        raise ArgumentError(
            f"{run.path} has gone through all of its {len(plan.stages)} stages, and more epochs would be those of "
            "earlier ones, which are not trained again. Begin a new run with them: "
            f"{shell_command('train', name_of(config), '--epochs', str(longer.epochs))} ..."
        )


def new_folder(
    config: Method,
    samples: Samples,
    others: dict[str, Samples],
    start: Start | None,
    initial: Encoder | None,
    base: Frozen | None = None,
) -> RunFolder:
    """The folder of a new run, with its record, and the weights that it starts from."""
    init = None
    if start is not None and initial is not None:
        init = {"source": start.source, "encoder": start.name, "fingerprint": fingerprint_of(initial)}

    def record(path: Path) -> dict[str, Any]:
        return record_of(config, samples, path, others=others, init=init, base=base_record(config, base, path))

    if config.out:
        folder = RunFolder.create(config.out, record(Path(config.out)))
    else:
        folder = RunFolder.create_new(name_of(config), config.data, record)
    keep_start(folder, initial, init)
    return folder


def keep_start(folder: RunFolder, initial: Encoder | None, init: dict[str, Any] | None) -> None:
    """Write the weights that a run starts from into its folder, where they are not there yet: it may have been killed
    in the instant before."""
    if initial is not None and not (folder.initial / "encoder.json").is_file():
        save_encoder(initial, folder.initial, extra=init)


def context_of(
    config: Method,
    samples: Samples,
    others: dict[str, Samples],
    views: Callable[..., Any] | None,
    start: Encoder | None,
    base: Frozen | None,
    monitor: Monitor,
    accelerator: Accelerator,
) -> Context:
    """What the jobs of a run are made of."""
    if start is not None:
        modality_of(config).settle(start, samples)  # it is kept in the run's folder

    def made(config: Method, samples: Samples, *, initial: Encoder | None = None) -> Any:
        given = copy.deepcopy(start) if initial is None else initial  # no job gets what another has trained
        return assemble(config, samples, views, initial=given, base=base)

    return Context(
        config,
        accelerator,
        monitor,
        samples=samples,
        others=others,
        own_views=views is not None,
        assemble=made,
        describe={"method": name_of(config), "contrapose": __version__},
    )
