"""What the pages of runs, of attacks and of repairs have in common: data that are opened, parts that may fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from contrapose.errors import ContraposeError, DataError

if TYPE_CHECKING:
    from contrapose.commands.reading import Reading
    from contrapose.commands.report_data import Shown
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.methods import Method
    from contrapose.report.page import Absent
    from contrapose.training.run_folder import RunFolder

MOST = 5000
"""Samples that are embedded when no limit is given: a fifth of them, held out, is a map of a thousand points."""

T = TypeVar("T")


def said(what: str, quiet: bool) -> None:
    """Say what is being done."""
    if not quiet:
        print(f"{what} ...", file=sys.stderr, flush=True)


def tried(given: Any, make: Callable[[Any], T]) -> T | Absent:
    """`make(given)`; `Absent` where what it needs is, or where it cannot be made of this."""
    from contrapose.report.page import Absent

    if isinstance(given, Absent):
        return given
    try:
        return make(given)
    except ContraposeError as error:
        return Absent(str(error))


def embedding_in_words(*parts: Samples | Absent | None) -> str:
    """What is being embedded: `Embedding 5,000 pictures, trained and untrained`."""
    from contrapose.report.page import Absent
    from contrapose.words import counted

    found = [part for part in parts if part is not None and not isinstance(part, Absent)]
    total = min(sum(map(len, found)), MOST)
    return f"Embedding {counted(total, found[0].noun if found else 'sample')}, trained and untrained"


def open_shown(
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
