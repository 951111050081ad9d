"""`contrapose report`: a run as one page that people look at. No torch until it is called."""

from __future__ import annotations

import json
import webbrowser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.commands.measuring import measuring_command
from contrapose.commands.reading_options import ReadingOptions
from contrapose.errors import ArgumentError, RunError
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.commands.reading import Reading
    from contrapose.report.attacked import AttackPage
    from contrapose.report.page import Absent, Page, Results
    from contrapose.training.run_folder import RunFolder


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
    from contrapose.commands.report_attack import collect_attack
    from contrapose.commands.report_data import is_attack
    from contrapose.commands.unwritten import write_or_rescue
    from contrapose.report import render
    from contrapose.training.run_folder import RunFolder

    folder = RunFolder.open(run)
    file = _html(folder.path / "report.html" if out is None else Path(out))
    reading = Reading.of(
        run, image_column=image_column, text_column=text_column, label_column=label_column, labels=labels
    )
    how = {"data": data, "limit": limit, "reading": reading, "seed": seed, "device": device, "quiet": quiet}
    if is_attack(folder):
        page: Page | AttackPage = collect_attack(folder, **how)
    else:
        page = collect(folder, test_data=test_data, **how)
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
    from contrapose.commands.report_parts import MOST, embedding_in_words, open_shown, said, tried
    from contrapose.commands.train import config_of
    from contrapose.embedder import load
    from contrapose.report import facts, page

    record = folder.read_record()
    config = config_of(record, where=str(folder.config_file))
    head = facts.head_of(with_encoder(folder), record, config)
    trained, reading = load(folder.path, device=device), reading or Reading.of(folder.path)
    shown = shown_by(folder, data, test_data, limit, seed)
    said("Opening the data", quiet)
    images = open_shown(trained, config, shown, reading, quiet, folder)
    test = None
    if shown.test_data is not None:
        test = reading.open(trained, shown.test_data, limit=shown.limit, progress=not quiet, **shown.numbers)
    said(embedding_in_words(images, test), quiet)
    parts = tried(
        images, lambda images: facts.parts_of(trained, images, test, seed=shown.seed, most=shown.limit or MOST)
    )
    seen = images if config.varied else page.Absent("Samples were learned from as they are; --augment varies them.")
    said("Drawing the map, and looking for neighbours", quiet)
    labelled = type(config).about.needs_labels or getattr(images, "labels", ()) is not None  # unknown: as if there were
    stages, repair = facts.stages_of(folder), facts.repair_of(folder.path)
    repaired = repair is not None and not isinstance(repair, page.Absent)  # which shows the pictures of its stages
    return page.Page(
        head=head if shown.elsewhere else replace(head, gain=gain_of(folder)),
        curves=facts.curves_of(folder.metrics()),
        results=page.Absent(shown.elsewhere) if shown.elsewhere else _results(folder, record),
        map=tried(parts, lambda parts: facts.map_of(parts.mapped.by_fifths(), seed=seed)),
        gallery=tried(parts, lambda parts: facts.gallery_of(parts.bank, parts.asked)),
        views=tried(seen, lambda images: facts.views_of(images, trained.encoder, config.views, seed=seed)),
        pairing=tried(trained.encoder, lambda encoder: facts.pairing_of(config, encoder, labelled=labelled)),
        spectra=tried(parts, lambda parts: parts.spectra),
        setup=facts.setup_of(folder, record, config),
        relations=facts.relations_of(folder.path, record),
        sides=tried(images if test is None else test, lambda samples: facts.sides_of(trained, samples)),
        stages=[replace(stage, pictures=()) for stage in stages] if repaired else stages,
        pictures=() if stages else facts.left_pictures_of(folder.path),
        repair=repair,
    )


def _html(file: Path) -> Path:
    if file.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"The report is an HTML page; {file.name!r} is none. Take {file.stem}.html.")
    if not file.parent.is_dir():
        raise ArgumentError(f"The folder {file.parent} does not exist, so {file.name} cannot be written there.")
    return file


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
