"""`contrapose data check`: what training would see in some data, and what is wrong with it. No torch until called."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tyro.conf import Positional

from contrapose.atomic import write_atomically
from contrapose.commands.data_report import DataReport, NearPair, Sample
from contrapose.commands.reading_options import HistoryReadingOptions, ReadingOptions
from contrapose.errors import ArgumentError
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Images, Samples
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.methods import Method
    from contrapose.modalities import Modality

SAMPLES = 3
VIEWS = 4  # of each sample
UNEQUAL = 1.5  # times its equal share, from which a largest class is told of
_VIEWS = 3  # names the random stream, as of drawn views


@dataclass(frozen=True, kw_only=True)
class DataCheckOptions(ReadingOptions, HistoryReadingOptions):
    """Open data as training would, say what is in it and what is wrong with it, and show some views of it."""

    data: Positional[str]
    """A folder, file or name, as in train."""
    modality: Literal["image", "text", "rows", "frames", "items", "graph", "pairs"] | None = None
    """The kind of data. Default: what they look like."""
    out: str = "data-check.png"
    """Where to draw three pictures and four views of each; empty draws nothing. Other views are printed."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of a table of rows that are not learned from."""
    frames_column: str | None = None
    """Column of a table, or array of an .npz, with sequences of frames."""
    skeleton: str | None = None
    """Which joint of a sequence hangs on which: kinect, msr-action3d, ntu or none. Default: what they look like."""
    number_column: str | None = None
    """Column of a table, or array of an .npz, with the number of each sample that is to be predicted."""
    titles: str | None = None
    """A table with the columns item and title."""
    core: int | None = None
    """Of histories: leave out users and items with fewer actions than so many, until there are none."""
    hold_out: int | None = None
    """Of histories: how many of the last items of each user are held out, as --hold-out of train. Default: none."""
    max_length: int | None = None
    """Tokens of a text, or items of a history, that are read: --max-length of train."""
    image_size: int | None = None
    """Working resolution in pixels. Default: as in train, as stored up to 96, else 64."""
    fit: Literal["crop", "pad"] | None = None
    """Pictures that are not square: crop (the default) keeps their central square, pad the whole picture with its edge
    continued."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: by the range of them all."""
    limit: int | None = None
    """Look at no more than so many samples, evenly spaced."""
    recipe: Literal["auto", "natural", "strokes", "none"] | None = None
    """How views of pictures are made: --views.recipe of train."""
    near_duplicates: float | None = None
    """How much alike two texts must be to be listed as near-duplicates: the share of their words and pairs of words
    that they have in common, above 0 and up to 1. Default: 0.8; 0 does not look."""
    seed: int = 0
    """Of the views."""
    json: bool = False
    """Print JSON, with all pairs of near-duplicates (10,000 at most)."""


def data_check(
    data: Any,
    *,
    modality: str | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    recipe: Literal["auto", "natural", "strokes", "none"] | None = None,
    max_length: int | None = None,
    near_duplicates: float | None = None,
    seed: int = 0,
    labels: Any = None,
    label_column: str | None = None,
    number_column: str | None = None,
    quiet: bool = False,
    **reading: Any,
) -> DataReport:
    """Open data as training would, say what is in it, look for what is wrong, and show views of some of it.

    Arguments:
        data: what `--data` takes, or arrays.
        modality: "image", "text", "rows", "frames", "items", "graph" or "pairs"; `None`: what the data look like, or
            whose column is named.
        out: the picture to write (`.png`), with three samples and four views of each; of samples that are read rather
            than looked at the views are in the report instead. `None` or empty: no views.
        limit: look at no more than so many samples, evenly spaced.
        recipe: how views of pictures are made.
        max_length: tokens of a text that are read.
        near_duplicates: how similar two texts must be to be listed (`near_copies`); `None`: 0.8, 0: do not look.
        seed: of the views.
        labels, label_column, number_column: as in training.
        reading: further options by which this kind of data is read: image_column, image_size, fit, white; text_column;
            ignore_columns; frames_column, skeleton; user_column, item_column, time_column, titles, core, hold_out.

    Errors:
        DataError: the data cannot be opened at all; the text says what to do.
        ArgumentError: an option of another kind of data; a similarity that is none; `out` is no `.png`, or its folder
            is not there.
        UnwrittenError: `out` cannot be written; the report is in its `result`.
    """
    from contrapose.commands.data_problems import find_problems
    from contrapose.data.samples import evenly_spaced
    from contrapose.data.texts.problems import near_problem
    from contrapose.modalities import asked_kind

    given = {name: value for name, value in reading.items() if value is not None and value != ()}
    kind = asked_kind(data, modality, given)
    path = _png(out) if out else None
    config = _configured(kind, recipe=recipe, max_length=max_length)
    samples = kind.open(
        data,
        limit=limit,
        labels=labels,
        label_column=label_column,
        number_column=number_column,
        progress=not quiet,
        **given,
    )
    encoder = None if kind.drawn else kind.encoder(config, samples)
    rows = evenly_spaced(len(samples), SAMPLES).tolist()
    near = kind.near_copies(samples, near_duplicates)
    found = [*find_problems(samples), *([] if near is None else near_problem(cast("Texts", samples), near))]
    skipped = f", {len(samples.skipped):,} skipped" if samples.skipped else ""
    report = DataReport(
        summary=f"{samples.origin}: {counted(len(samples), samples.noun)}, {kind.used_as(samples)}{skipped}",
        samples=[_sample(kind, samples, row, data) for row in rows],
        facts=kind.described(samples, encoder),
        classes=_class_counts(samples),
        notes=[
            *samples.notes,
            *_foreseen(kind, samples),
            *(problem.text for problem in found if problem.harmless),
        ],
        problems=[problem for problem in found if not problem.harmless],
        near=[] if near is None else NearPair.listed(samples, near),
        asks_itself=kind.asks_itself or bool(kind.sides),  # pairs ask each other
    )
    if path is None:
        return report
    if encoder is not None:
        return replace(report, views=_views(kind, samples, rows, config.views, encoder, seed))
    return _with_sheet(report, path, samples, rows, config.views, seed)


def _png(out: str | Path) -> Path:
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise ArgumentError(f"The views are drawn as a .png; {path.name!r} is none. Take {path.stem}.png.")
    if not path.parent.is_dir():
        raise ArgumentError(f"The folder {path.parent} does not exist, so {path.name} cannot be written there.")
    return path


def _configured(kind: Modality, *, recipe: str | None, max_length: int | None) -> Method:
    """The default method on this kind of data, with the options that are its own.

    Errors:
        ArgumentError: an option of another kind.
    """
    from contrapose.methods import METHODS
    from contrapose.methods.default import default_method

    method = METHODS[default_method(kind.name).method].on(kind.name)
    views = {"count": VIEWS} | ({} if recipe is None else {"recipe": recipe})
    chosen: dict[str, Any] = {} if max_length is None else {"max_length": max_length}
    for name in (set(views) - _fields(method().views)) | (set(chosen) - _fields(method())):
        raise ArgumentError(f"{name} (--{name.replace('_', '-')}) is not an option of {kind.plural}.")
    return method(views=replace(method().views, **views), **chosen)


def _fields(options: Any) -> set[str]:
    return {field.name for field in fields(options)}


def _views(
    kind: Modality, samples: Samples, rows: list[int], views: Any, encoder: Encoder, seed: int
) -> list[list[str]]:
    """The views of each of these samples, as people read them."""
    from contrapose.data import derived_generator

    make = kind.views(views, samples, encoder)
    made = make(samples.batch(rows), generator=derived_generator(seed, _VIEWS))  # V of B
    return [list(shown) for shown in zip(*(kind.shown_views(view, encoder) for view in made), strict=True)]


def _with_sheet(report: DataReport, path: Path, samples: Samples, rows: list[int], views: Any, seed: int) -> DataReport:
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.commands.view_sheet import view_sheet

    sheet = view_sheet(cast("Images", samples), rows, options=views, seed=seed)
    with kept_if_unwritten(report, report.text):
        sheet.save(buffer := io.BytesIO(), format="PNG")
        write_atomically(path, buffer.getvalue())
    return replace(report, sheet=path)


def _foreseen(kind: Modality, samples: Samples) -> list[str]:
    """What so many samples, and classes of such sizes, let one expect of training and of its evaluation."""
    expected = kind.expected(samples)
    counts = [count for _, count in _class_counts(samples) or ()]
    found = [expected] if expected else []
    if len(counts) > 1 and counts[0] * len(counts) >= UNEQUAL * sum(counts):
        found.append(
            f"The classes are unequal: always answering the largest is right in {100 * counts[0] / sum(counts):.1f} %; "
            "evaluate shows the balanced accuracy beside."
        )
    return found


def _sample(kind: Modality, samples: Samples, row: int, data: Any) -> Sample:
    from contrapose.data import class_texts

    labels = class_texts(samples.subset([row]))
    return Sample(samples.identifiers[row], kind.one_of(samples, row, data), labels[0] if labels else None)


def _class_counts(samples: Samples) -> list[tuple[str, int]] | None:
    import numpy as np

    from contrapose.data import only_labelled
    from contrapose.data.problems import class_name

    labels = only_labelled(samples).labels
    if labels is None:
        return None
    numbers, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(class_name(samples, int(numbers[place])), int(counts[place])) for place in order]
