"""`contrapose train`: from a method's name and data to a run folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list

from contrapose.commands.header import announce, record_of
from contrapose.commands.run_base import base_again, base_for, base_record
from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.run_processes import dealt_anew
from contrapose.commands.run_start import (
    check_enough,
    check_goes_on,
    check_same_data,
    check_same_start,
    context_of,
    keep_start,
    new_folder,
    open_others,
    open_same,
    open_samples,
    started_from,
    starting_from,
)
from contrapose.data import Samples
from contrapose.embedder import Embedder, load
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods import METHODS, Method, check_verb, name_of
from contrapose.methods.assemble import begun_with
from contrapose.methods.default import default_method
from contrapose.methods.fit_to_data import class_names, fit_to_data
from contrapose.methods.verbs import verb_of
from contrapose.modalities import asked_kind, modality_of
from contrapose.openmp import crowd
from contrapose.shell import shell_command
from contrapose.training.config_file import from_dictionary, to_dictionary
from contrapose.training.device import make_accelerator
from contrapose.training.interface import Outcome
from contrapose.training.monitor import Monitor
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Plan
from contrapose.words import counted


@dataclass(frozen=True)
class Run:
    """What `train` returns: where the run lies and how it ended."""

    path: Path
    outcome: Outcome

    def load(self) -> Embedder:
        """The trained encoder."""
        return load(self.path)


def train(
    method: str | Method | None = None,
    *,
    data: Any = None,
    init: Any = None,
    base: Any = None,
    views: Any = None,
    modality: str | None = None,
    quiet: bool = False,
    verb: str = "train",
    **options: Any,
) -> Run:
    """Train an encoder on `data` by `method`, without labels unless the method asks for them.

    >>> run = contrapose.train("mmcl", data="photos/", epochs=50)      # doctest: +SKIP
    >>> run.load().embed("photos/").shape                              # doctest: +SKIP
    (1200, 256)
    >>> run = contrapose.train("simclr", data="reviews.csv")           # doctest: +SKIP

    Arguments:
        method: a name from `contrapose.methods.METHODS`, or a configuration such as `MMCL(sigma=2.0)`. None: the
            default method, and the header says which that is.
        data: what `--data` takes, or an array, tensor, list of paths, PIL images or texts, frame, torch data set, or
            `Samples`.
        init: trained weights to start from, of any method: what `--init` takes (a run or encoder folder, `timm:NAME`,
            `hf:NAME`), or an encoder: what `contrapose.load` returns, or an `ImageEncoder`. They bring their encoder,
            channels, picture size and normalisation along; projection heads begin anew.
        base: for methods that ask a frozen encoder: what `--base` takes (a run or encoder folder, `timm:NAME`,
            `hf:NAME`), an encoder, what `contrapose.load` returns, or a module. It is copied, and stays as it is.
        views: options of the batched views (`ImageViews(rotation_degrees=20)`), or a callable of your own (torchvision,
            albumentations, kornia) in their place.
        modality: the kind of data ("image", "text", "rows", "frames", or your own: `contrapose.modalities.register`),
            where it is not plain what they are.
        quiet: no progress bar.
        verb: what is done; a method says which is its own (`contrapose.attack`, `contrapose.repair`).
        options: the method's configuration (`epochs=`, `batch_size=`, `sigma=`, ...); see `contrapose train METHOD
            --help`.

    Errors:
        ArgumentError: an unknown method or option, or a value out of range.
        DataError: data that cannot be read, or fewer samples than one batch.
        RunError: the run folder exists, the disk is full, or the loss became not finite.
    """
    if isinstance(views, Mapping) or is_dataclass(views):
        options["views"], views = views, None
    if isinstance(data, str | os.PathLike):
        options["data"] = os.fspath(data)
    elif data is not None:
        options["data"] = FROM_PYTHON
    init, base = (given.path if isinstance(given, Run) else given for given in (init, base))
    for name, given in (("init", init), ("base", base)):
        if given is not None:
            options[name] = os.fspath(given) if isinstance(given, str | os.PathLike) else FROM_PYTHON
    if not isinstance(method, Method):
        looked_at = data if options.get("data") == FROM_PYTHON else options.get("data")
        kinds = () if method is None else METHODS[method].kinds
        modality = asked_kind(looked_at, modality, options, kinds=kinds).name
    default = default_method(modality)
    config = configure(default.method if method is None else method, options, modality=modality)
    check_verb(config, verb)
    if not config.data:
        raise ArgumentError(
            "Say what to learn from: data='photos/' (or an array, a list of paths, a torch data set, ...), or "
            "data='omniglot' for the handwritten characters that come with the package."
        )
    source = data if config.data == FROM_PYTHON else config.data
    accelerator = make_accelerator(config.device, tracker=config.tracker)
    monitor = Monitor(quiet=quiet or not accelerator.is_main_process)
    with accelerator.main_process_first():  # photos are decoded by one process, and read by all
        asked = base_for(config, base)
        start = starting_from(config, base if init is None else init)
        config = begun_with(config, start)
        samples = open_samples(config, source, start, quiet=monitor.quiet)
        others = open_others(config, start, quiet=monitor.quiet)
    check_enough(config, samples)  # before there is a run folder
    config, notes = fit_to_data(
        config, samples=len(samples), processes=accelerator.num_processes, classes=class_names(samples)
    )
    if method is None:
        monitor.say(f"No method was named, so this is {default.method}, {default.reason}.")
    for note in notes:
        monitor.say(f"note: {note}")
    initial = None if start is None else modality_of(config).started(start, samples)
    context = context_of(config, samples, others, views, initial, asked, monitor, accelerator)
    runner = Runner(Plan(config.stages(context)), context)  # before there is a folder to leave behind
    run = new_folder(config, samples, others, start, initial, asked) if accelerator.is_main_process else None
    run = RunFolder(broadcast_object_list([run and run.path])[0])  # the main process's choice
    return _fit(config, samples, runner, run)


def resume(
    run: str | Path,
    *,
    epochs: int | None = None,
    data: Any = None,
    base: Any = None,
    views: Callable[..., Any] | None = None,
    quiet: bool = False,
) -> Run:
    """Continue a run after a crash, a kill, or for more epochs, as if it had never stopped.

    On another number of processes than before each step takes the same samples, dealt anew.

    Arguments:
        run: the run folder.
        epochs: a new total; the schedule is stretched to it from where the run stands.
        data: where the same data lie now; None = where they were, or where they are as seen from the run folder. When
            the run was started from Python with an object, that object.
        base: where the same frozen encoder lies now, or the object, likewise.
        views: the same object as at the start, when the run was started from Python with one.

    Errors:
        ArgumentError: the folder of a stage, nothing left to do, or a step's samples cannot be dealt to so many
            processes.
        RunError: no run there, no readable checkpoint, changed data or frozen encoder.
    """
    folder = RunFolder.open(run)
    if folder.stage is not None:
        whole = shell_command(verb_of(folder.read_record()), "--resume", folder.root)
        raise ArgumentError(f"{run} is a stage, and a run goes on as a whole. Continue it with: {whole}")
    record = folder.read_record()
    config = config_of(record, where=str(folder.config_file))
    accelerator = make_accelerator(config.device, tracker=config.tracker)
    monitor = Monitor(quiet=quiet or not accelerator.is_main_process)
    config, dealt = dealt_anew(config, record, accelerator.num_processes)
    change = ""
    if epochs is not None and epochs != config.epochs:
        config = configure(config, {"epochs": epochs})
        change = f"The {config.schedule} schedule now ends at epoch {epochs} instead of {record['config']['epochs']}."
    if data is None and config.data == FROM_PYTHON:
        raise ArgumentError(f"{run} was started from Python; resume it there: contrapose.resume(run, data=...).")
    given = os.fspath(data) if isinstance(data, os.PathLike) else data
    sources = data_places(config.data, record, folder.path) if given is None else [given]
    with accelerator.main_process_first():
        asked, moved = base_again(config, record, folder.path, base)
        start = started_from(config, folder)
        samples, source = open_same(config, sources, start, record, quiet=monitor.quiet)
        others = open_others(config, start, record, folder, quiet=monitor.quiet)
    check_same_data(samples, others, record)
    if isinstance(source, str):
        moved["data"] = source
    config = configure(config, moved)
    initial = None if start is None else modality_of(config).started(start, samples)
    check_same_start(initial, record, folder)
    context = context_of(config, samples, others, views, initial, asked, monitor, accelerator)
    runner = Runner(Plan(config.stages(context)), context, run=folder)
    if runner.steps >= runner.total_steps:
        runner.complete()
        check_goes_on(config, context, runner.plan, folder)
        done = runner.steps / (runner.total_steps / config.epochs)
        state = f"is at epoch {done:.3g} already, which {config.epochs} does not go beyond"
        state = state if change else f"is finished ({counted(config.epochs, 'epoch')})"
        raise ArgumentError(f"{folder.path} {state}. Give a larger --epochs to train it further.")
    if change:
        kept_stages = " Stages that are done stay as they are." if runner.number else ""
        monitor.say(change + kept_stages)
    if dealt:
        monitor.say(dealt)
    if accelerator.is_main_process:
        kept = {"init": record.get("init"), "base": base_record(config, asked, folder.path)}
        folder.write_record(record_of(config, samples, folder.path, others=others, **kept))
        keep_start(folder, initial, kept["init"])
    return _fit(config, samples, runner, folder)


def configure(method: str | Method, options: dict[str, Any], *, modality: str | None = None) -> Method:
    """The configuration of `method` with `options` set.

    Arguments:
        modality: the kind of data; None: the method's first.

    Errors:
        ArgumentError: unknown method or option (the nearest one is named), or a value that is not possible.
    """
    if isinstance(method, Method):
        return from_dictionary(
            type(method), {**to_dictionary(method), **options}, where=f"the options of {name_of(method)}"
        )
    kind = METHODS[method] if modality is None else METHODS[method].on(modality)
    known = {field.name for field in fields(kind)}
    for name in options:
        if name not in known:
            raise ArgumentError(f"Unknown option {name!r} of {method}.{did_you_mean(name, known)}")
    plain = {name: to_dictionary(value) if is_dataclass(value) else value for name, value in options.items()}
    return from_dictionary(kind, plain, where=f"the options of {method}")


def config_of(record: dict[str, Any], *, where: str) -> Method:
    """The configuration in a run's `config.json`."""
    kind = METHODS[record["method"]].on(record.get("modality", "image"))  # early runs were of pictures, and say no kind
    return from_dictionary(kind, record["config"], where=where)


def _fit(config: Method, samples: Samples, runner: Runner, run: RunFolder) -> Run:
    crowd()
    announce(config, samples, runner, run)
    return Run(run.path, runner.fit(run))
