"""`contrapose data check`: what training would see in some data, and what is wrong with it. No torch until called."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from contrapose.atomic import write_atomically
from contrapose.commands.options import ReadingOptions
from contrapose.errors import ArgumentError

if TYPE_CHECKING:
    from contrapose.commands.data_problems import Problem
    from contrapose.data import Images

LARGEST = 10  # classes that are printed
SAMPLES = 3
UNEQUAL = 1.5  # times its equal share, from which a largest class is told of


@dataclass(frozen=True, kw_only=True)
class DataCheckOptions(ReadingOptions):
    """Open data as training would, say what is in it and what is wrong with it, and draw some views of it."""

    data: Positional[str]
    """A folder, file or name, as in train."""
    out: str = "data-check.png"
    """Where to draw three pictures and four views of each; empty draws nothing."""
    image_size: int | None = None
    """Working resolution in pixels. Default: as in train, as stored up to 96, else 64."""
    fit: Literal["crop", "pad"] = "crop"
    """Pictures that are not square: crop keeps their central square, pad the whole picture with its edge continued."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: by the range of them all."""
    limit: int | None = None
    """Look at no more than so many pictures, evenly spaced."""
    recipe: Literal["auto", "natural", "strokes", "none"] = "auto"
    """How views are made: --views.recipe of train."""
    seed: int = 0
    """Of the views."""


@dataclass(frozen=True)
class Sample:
    """One picture: what it is called, how large its file's picture is (where it is a file), and its class."""

    identifier: str
    stored: tuple[int, int] | None
    label: str | None


@dataclass(frozen=True)
class DataReport:
    """What `data_check` found.

    Arguments:
        summary: one line.
        samples: three of the pictures, evenly spaced.
        classes: every class and its number of pictures, largest first; `None` without labels.
        notes: what was decided on opening.
        problems: what a person should look at before training.
        sheet: the picture that was written, if any.
    """

    summary: str
    samples: Sequence[Sample]
    classes: Sequence[tuple[str, int]] | None
    notes: Sequence[str]
    problems: Sequence[Problem]
    sheet: Path | None = None

    def text(self) -> str:
        """Everything, as it is printed."""
        return "\n".join([self.summary, *self._sample_lines(), *self._class_lines(), *self._remarks()])

    def _sample_lines(self) -> list[str]:
        width = max(len(sample.identifier) for sample in self.samples)
        lines = []
        for sample in self.samples:
            size = "" if sample.stored is None else f"{sample.stored[0]} x {sample.stored[1]}"
            lines.append(f"  {sample.identifier:<{width}}  {size:<11}  {sample.label or '(no label)'}".rstrip())
        return lines

    def _class_lines(self) -> list[str]:
        if self.classes is None:
            return ["no labels: enough to train on; evaluate needs class sub-folders or a label column"]
        rest = self.classes[LARGEST:]
        shown = ", ".join(f"{name} ({count:,})" for name, count in self.classes[:LARGEST])
        more = f", and {len(rest):,} more with {sum(count for _, count in rest):,}" if rest else ""
        return [f"{len(self.classes):,} classes: {shown}{more}"]

    def _remarks(self) -> list[str]:
        lines = [f"note: {note}" for note in self.notes]
        lines += [f"problem: {problem.text}" for problem in self.problems]
        if not self.problems:
            lines.append("no problems found")
        return [*lines, *([f"views drawn in {self.sheet}"] if self.sheet else [])]


def data_check(
    data: Any,
    *,
    out: str | Path | None = None,
    image_size: int | None = None,
    fit: Literal["crop", "pad"] = "crop",
    white: float | None = None,
    limit: int | None = None,
    recipe: Literal["auto", "natural", "strokes", "none"] = "auto",
    seed: int = 0,
    image_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    quiet: bool = False,
) -> DataReport:
    """Open data as training would, say what is in it, look for what is wrong, and draw views of some of it.

    Arguments:
        data: what `--data` takes, or arrays.
        out: the picture to write (`.png`), with three samples and four views of each; `None` or empty: none.
        image_size: working resolution in pixels; `None` as in training.
        fit, white: as in `contrapose.data.open_data`.
        limit: look at no more than so many pictures, evenly spaced.
        recipe: how views are made.
        seed: of the views.
        image_column, label_column, labels: as in `open_data`.

    Errors:
        DataError: the data cannot be opened at all; the text says what to do.
        ArgumentError: `out` is no `.png`, or its folder is not there.
        UnwrittenError: `out` cannot be written; the report is in its `result`.
    """
    from contrapose.commands.data_problems import find_problems
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.commands.view_sheet import view_sheet
    from contrapose.data import kind_of, open_data
    from contrapose.data.samples import evenly_spaced
    from contrapose.modalities import MODALITIES
    from contrapose.views import ImageViews

    kind = MODALITIES["image" if image_column else kind_of(data)]
    if kind.name != "image":
        raise ArgumentError(
            f"data check looks at pictures, and these are {kind.plural}: what is read of them, and what is skipped, "
            "stands at the head of their training. Where there are pictures too, name their column with --image-column."
        )
    path = _png(out) if out else None
    reading = {"image_column": image_column, "label_column": label_column, "labels": labels}
    images = open_data(data, image_size=image_size, fit=fit, white=white, limit=limit, progress=not quiet, **reading)
    rows = evenly_spaced(len(images), SAMPLES).tolist()
    found = find_problems(images)
    report = DataReport(
        summary=_summary(images),
        samples=[_sample(images, row, data) for row in rows],
        classes=_class_counts(images),
        notes=[*images.notes, *_foreseen(images), *(problem.text for problem in found if problem.harmless)],
        problems=[problem for problem in found if not problem.harmless],
    )
    if path is None:
        return report
    sheet = view_sheet(images, rows, options=ImageViews(recipe=recipe, count=4), seed=seed)
    with kept_if_unwritten(report, report.text):
        sheet.save(buffer := io.BytesIO(), format="PNG")
        write_atomically(path, buffer.getvalue())
    return replace(report, sheet=path)


def _png(out: str | Path) -> Path:
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise ArgumentError(f"The views are drawn as a .png; {path.name!r} is none. Take {path.stem}.png.")
    if not path.parent.is_dir():
        raise ArgumentError(f"The folder {path.parent} does not exist, so {path.name} cannot be written there.")
    return path


def _summary(images: Images) -> str:
    shape = f"{images.channels} x {images.image_size} x {images.image_size}"
    skipped = f", {len(images.skipped):,} skipped" if images.skipped else ""
    return f"{images.origin}: {len(images):,} pictures, used as {shape}{skipped}"


def _sample(images: Images, row: int, data: Any) -> Sample:
    from contrapose.commands.data_problems import class_name
    from contrapose.data.labels import UNLABELLED

    name = images.identifiers[row]
    labelled = images.labels is not None and images.labels[row] != UNLABELLED
    label = class_name(images, int(images.labels[row])) if images.labels is not None and labelled else None
    return Sample(name, _stored_size(name, data), label)


def _stored_size(name: str, data: Any) -> tuple[int, int] | None:
    """Width and height in the file, where the sample is one: identifiers are relative to the folder or the table."""
    from contrapose.data.files.names import as_on_disk, expanded
    from contrapose.data.images.pixels.decoding import PictureError, stored_size

    if not isinstance(data, str | os.PathLike):
        return None
    place = expanded(data)
    folder = place if place.is_dir() else place.parent
    file = folder / name if (folder / name).is_file() else folder / as_on_disk(name)
    try:
        return stored_size(file) if file.is_file() else None
    except PictureError:
        return None


def _foreseen(images: Images) -> list[str]:
    """What so many pictures, and classes of such sizes, let one expect of training and of its evaluation."""
    from contrapose.commands.gain import expected_gain

    expected = expected_gain(len(images)) if images.channels == 3 else None
    counts = [count for _, count in _class_counts(images) or ()]
    found = [expected] if expected else []
    if len(counts) > 1 and counts[0] * len(counts) >= UNEQUAL * sum(counts):
        found.append(
            f"The classes are unequal: always answering the largest is right in {100 * counts[0] / sum(counts):.1f} %; "
            "evaluate shows the balanced accuracy beside."
        )
    return found


def _class_counts(images: Images) -> list[tuple[str, int]] | None:
    import numpy as np

    from contrapose.commands.data_problems import class_name
    from contrapose.data import only_labelled

    labels = only_labelled(images).labels
    if labels is None:
        return None
    numbers, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(class_name(images, int(numbers[place])), int(counts[place])) for place in order]
