"""`contrapose report`: a run as one page that people look at. No torch until it is called."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tyro.conf import Positional

from contrapose.commands.measuring import measuring_command
from contrapose.commands.options import ReadingOptions
from contrapose.errors import ArgumentError, ContraposeError, DataError, RunError
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.commands.reading import Reading
    from contrapose.commands.report_data import Shown
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.methods import Method
    from contrapose.report.page import Absent, Page, Results
    from contrapose.training.run_folder import RunFolder

MOST = 5000
"""Samples that are embedded when no limit is given: a fifth of them, held out, is a map of a thousand points."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ReportOptions(ReadingOptions):
    """Write a run as one HTML page: what it is worth, map, neighbours, results, curves, views, details."""

    run: Positional[str]
    """The run folder, or that of a stage in it (RUN/stages/NAME)."""
    data: str | None = None
    """What to embed for the map and the neighbours. Default: what was evaluated, else the run's own."""
    test_data: str | None = None
    """Where queries and the points of the map come from. Default: a fifth of --data where it has labels, else all."""
    limit: int | None = None
    """Embed at most so many samples of each. Default: 5,000."""
    out: str | None = None
    """The file to write. Default: report.html in the run folder."""
    open: bool = False
    """Show it in the browser."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""


def report(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    out: str | Path | None = None,
    show: bool = False,
    seed: int = 0,
    device: str = "cpu",
    quiet: bool = False,
) -> Path:
    """Write a run as one HTML file that needs no network, and return its path.

    Arguments:
        run: the run folder, or that of a stage in it.
        data: what to embed: what `--data` takes, or arrays. None: what `evaluate` measured, else the run's own; where
            that is gone, the sections that need it say so.
        test_data: where queries and the points of the map come from; None: a fifth of `data` where it has labels.
        limit: embed at most so many samples of each, evenly spaced; None: 5,000.
        image_column, text_column, label_column, labels: as in `open_data` and `open_texts`; None: as the run's own data
            where they have such columns.
        out: the file to write; None: `report.html` in the run folder.
        show: open it in the browser.
        seed: of the split, the map, the views and the untrained encoder.
        device: where to embed.
        quiet: print nothing.

    Errors:
        RunError: no run there, or one without an encoder yet.
        DataError: `data` or `test_data` was given and cannot be read.
        ArgumentError: `out` is no `.html` or in no folder.
        MissingExtraError: the extra `report` is not installed.
        UnwrittenError: `out` cannot be written; the sentence says where the page lies instead.
    """
    for module in ("altair", "vl_convert"):
        optional(module, extra="report")  # said before a minute of work, not after it
    from contrapose.commands.reading import Reading
    from contrapose.commands.unwritten import write_or_rescue
    from contrapose.report import render
    from contrapose.training.run_folder import RunFolder

    folder = RunFolder.open(run)
    file = _html(folder.path / "report.html" if out is None else Path(out))
    reading = Reading.of(
        run, image_column=image_column, text_column=text_column, label_column=label_column, labels=labels
    )
    page = collect(
        folder, data=data, test_data=test_data, limit=limit, reading=reading, seed=seed, device=device, quiet=quiet
    )
    write_or_rescue(file, render(page).encode(errors="backslashreplace"))  # names of files need not be UTF-8
    if show:
        webbrowser.open(file.resolve().as_uri())
    if not quiet:
        print(f"Wrote {file} ({file.stat().st_size / 1e6:.1f} MB)" + ("" if show else "; open it in a browser"))
    return file


def collect(
    folder: RunFolder,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    reading: Reading | None = None,
    seed: int = 0,
    device: str = "cpu",
    quiet: bool = True,
) -> Page:
    """The facts of every section; what cannot be known is `Absent` and says why. Arguments as in `report`."""
    from contrapose.commands.card_facts import gain_of
    from contrapose.commands.reading import Reading
    from contrapose.commands.report_data import shown_by, with_encoder
    from contrapose.commands.train import config_of
    from contrapose.embedder import load
    from contrapose.report import facts, page

    def say(what: str) -> None:
        if not quiet:
            print(f"{what} ...", file=sys.stderr, flush=True)

    record = folder.read_record()
    config = config_of(record, where=str(folder.config_file))
    head = facts.head_of(with_encoder(folder), record, config)
    trained, reading = load(folder.path, device=device), reading or Reading.of(folder.path)
    shown = shown_by(folder, data, test_data, limit, seed)
    say("Opening the data")
    images = _open(trained, config, shown, reading, quiet, folder)
    test = None
    if shown.test_data is not None:
        test = reading.open(trained, shown.test_data, limit=shown.limit, progress=not quiet, **shown.numbers)
    say(_embedding(images, test))
    parts = _tried(
        images, lambda images: facts.parts_of(trained, images, test, seed=shown.seed, most=shown.limit or MOST)
    )
    seen = images if config.varied else page.Absent("Samples were learned from as they are; --augment varies them.")
    say("Drawing the map, and looking for neighbours")
    labelled = type(config).about.needs_labels or getattr(images, "labels", ()) is not None  # unknown: as if there were
    return page.Page(
        head=head if shown.elsewhere else replace(head, gain=gain_of(folder)),
        curves=facts.curves_of(folder.metrics()),
        results=page.Absent(shown.elsewhere) if shown.elsewhere else _results(folder, record),
        map=_tried(parts, lambda parts: facts.map_of(parts.mapped.by_fifths(), seed=seed)),
        gallery=_tried(parts, lambda parts: facts.gallery_of(parts.bank, parts.asked)),
        views=_tried(seen, lambda images: facts.views_of(images, trained.encoder, config.views, seed=seed)),
        pairing=_tried(trained.encoder, lambda encoder: facts.pairing_of(config, encoder, labelled=labelled)),
        spectra=_tried(parts, lambda parts: parts.spectra),
        setup=facts.setup_of(folder, record, config),
        relations=facts.relations_of(folder.path, record),
        sides=_tried(images if test is None else test, lambda samples: facts.sides_of(trained, samples)),
        stages=(stages := facts.stages_of(folder)),
        pictures=() if stages else facts.left_pictures_of(folder.path),
    )


def _tried(given: Any, make: Callable[[Any], T]) -> T | Absent:
    """`make(given)`; `Absent` where what it needs is, or where it cannot be made of this."""
    from contrapose.report.page import Absent

    if isinstance(given, Absent):
        return given
    try:
        return make(given)
    except ContraposeError as error:
        return Absent(str(error))


def _embedding(*parts: Samples | Absent | None) -> str:
    """`Embedding 5,000 pictures, trained and untrained`."""
    from contrapose.report.page import Absent
    from contrapose.words import counted

    found = [part for part in parts if part is not None and not isinstance(part, Absent)]
    total = min(sum(map(len, found)), MOST)
    return f"Embedding {counted(total, found[0].noun if found else 'sample')}, trained and untrained"


def _html(file: Path) -> Path:
    if file.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"The report is an HTML page; {file.name!r} is none. Take {file.stem}.html.")
    if not file.parent.is_dir():
        raise ArgumentError(f"The folder {file.parent} does not exist, so {file.name} cannot be written there.")
    return file


def _open(
    trained: Embedder,
    config: Method,
    shown: Shown,
    reading: Reading,
    quiet: bool,
    folder: RunFolder,
) -> Samples | Absent:
    """The data that was given, or else the run's own, or why that is not to be had."""
    from contrapose.commands.run_data import FROM_PYTHON, data_places
    from contrapose.report.page import Absent

    if shown.data is not None:
        return reading.open(trained, shown.data, limit=shown.limit, progress=not quiet, **shown.numbers)
    if config.data == FROM_PYTHON:
        return Absent("The run was trained on data handed over in Python; name some with --data.")
    # the embedded characters are for training without labels, yet the page is better with what they are
    usual = "none" if config.labels == "none" else "character" if config.data == "omniglot" else None
    labels = {"labels": usual} if reading.asked.get("labels") in (None, "auto") else {}
    numbers = {} if config.number_column is None else {"number_column": config.number_column}
    try:
        place = data_places(config.data, folder.read_record(), folder.root)[0]
        return reading.open(trained, place, limit=config.limit, progress=not quiet, **labels, **numbers)
    except (DataError, OSError) as error:
        return Absent(f"The run's data cannot be opened. {error} Name other data with --data.")


def _results(folder: RunFolder, record: dict[str, Any]) -> Results | Absent:
    """What `contrapose evaluate` measured, with what it does not show."""
    from contrapose.commands.card_facts import limits_of, results_of
    from contrapose.encoders import architecture_of
    from contrapose.report import facts
    from contrapose.report.page import Absent

    try:
        found = results_of(folder.path)
    except RunError as error:
        return Absent(str(error))
    if found is None:
        return Absent(f"Nothing was measured yet. Measure with: {measuring_command(folder.path)}")
    return facts.results_of(
        found.data,
        found.arms,
        notes=found.notes,
        limits=limits_of(architecture_of(folder.encoder), record, found),
        diagnosis=json.loads(folder.evaluation_file.read_bytes()).get("diagnosis"),
        task=found.task,
    )
