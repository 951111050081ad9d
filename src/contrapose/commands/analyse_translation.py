"""`contrapose analyse translation`: does a run's translator change what goes with the class, and keep the class?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.errors import ArgumentError, ContraposeError, DataError

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Images
    from contrapose.generator import Generator

FORMAT = 1
LEAST = 20
"""Pictures to be translated; of fewer the rates say little."""
TRUSTED = 0.9
"""Accuracy of a judge from which on it is believed without a word. [design]"""


@dataclass(frozen=True, kw_only=True)
class AnalyseTranslationOptions:
    """Measure the translator of a cdvg run before its classifier is believed: how often a translation has the nuisance
    of the class that was asked for, and how often it still shows the class of its picture. Two networks judge, trained
    on half of the unbiased pictures."""

    run: Positional[str]
    """The run folder, its stages/translate, or a generator's folder."""
    data: str
    """Unbiased pictures, with their classes and the nuisance: in them the one says nothing of the other."""
    bias_column: str
    """Column or array with the nuisance (a colour, a background). It is used to measure, never to train what is
    measured."""
    label_column: str | None = None
    """Column or array with the classes. Default: one with a usual name."""
    image_column: str | None = None
    """Column of a table, or array of an .npz, with the pictures or their paths. Default: likewise."""
    limit: int | None = None
    """Use at most so many pictures, evenly spaced."""
    seed: int = 0
    """Of the halves and of the judges."""
    device: str = "auto"
    """Where to translate: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for translation.json. Default: the run folder."""


def analyse_translation(options: AnalyseTranslationOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the record, and return it.

    Errors:
        RunError: no generator there.
        DataError: unlabelled pictures, no column of that name, or classes that the translator does not know.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
    """
    from contrapose.atomic import write_atomically
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.environment import environment
    from contrapose.generator import load_generator
    from contrapose.methods.oracle import Judges

    generator = load_generator(options.run, device=options.device)
    images, bias, names = _opened(generator, options)
    tied, how = _tied(generator, options, names)
    known, real, asked = _parts(images, bias, tied, options.seed)
    say(
        f"translator of {options.run}: {len(generator.classes)} classes; judges learn from {len(known):,} pictures of "
        f"{images.origin}, and {len(asked):,} others are translated to every class. {how}"
    )
    judged = Judges.trained(images.subset(known), bias[known], seed=options.seed)(
        generator.translator,
        images.subset(asked),
        bias[asked],
        tied,
        real=images.subset(real),
        real_bias=bias[real],
    )
    measured = (judged.rates.flip, judged.rates.keep, judged.class_oracle, judged.bias_oracle)
    for metric in measured:
        say(f"{metric.name}: {metric} ({metric.protocol})")
    notes = [f"{one.name} is right in {100 * one.value:.1f} % only: do not trust what it says" for one in measured[2:]]
    notes = [note for note, one in zip(notes, measured[2:], strict=True) if one.value < TRUSTED]
    notes += [f"when its training ended, this stood against it: {generator.verdict}"] if generator.verdict else []
    for note in notes:
        say(f"note: {note}")
    say(judged.rates.sentence)
    record = {
        "format": FORMAT,
        "analysis": "translation",
        "data": images.origin,
        "bias_column": options.bias_column,
        "translated": len(asked),
        "seed": options.seed,
        "metrics": {metric.name: metric.to_dict() for metric in measured},
        "enough": judged.rates.enough,
        "sentence": judged.rates.sentence,
        "notes": notes,
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):  # the numbers are on the screen already
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "translation.json", (json.dumps(record, indent=1) + "\n").encode())
    say(f"Written: {out}/translation.json")
    return record


def _opened(generator: Generator, options: AnalyseTranslationOptions) -> tuple[Images, np.ndarray, tuple[str, ...]]:
    """The pictures with the class numbers of the translator, the nuisance of each `(N,)`, and its names."""
    import numpy as np

    from contrapose.data import class_texts

    how = {"limit": options.limit, "image_column": options.image_column}
    images = generator.open(options.data, label_column=options.label_column, **how)
    try:
        beside = generator.open(options.data, label_column=options.bias_column, **how)
    except ArgumentError as error:
        raise DataError(f"{options.data} has no nuisance {options.bias_column!r} ({error})") from error
    classes, values = class_texts(images), class_texts(beside)
    if classes is None or values is None or len(images) != len(beside) or None in (*classes, *values):
        raise DataError(
            f"{options.data} must have a class and a {options.bias_column} of every picture; name them with "
            "--label-column and --bias-column."
        )
    strange = sorted({str(name) for name in classes} - set(generator.classes))
    if strange:
        raise DataError(
            f"The translator does not know the class {strange[0]}; it knows {', '.join(generator.classes[:10])}. Give "
            "pictures of its own classes."
        )
    numbers = np.array([generator.classes.index(str(name)) for name in classes])  # (N,)
    names = tuple(sorted({str(value) for value in values}))
    bias = np.array([names.index(str(value)) for value in values])  # (N,)
    return images.with_labels(numbers, generator.classes), bias, names


def _tied(generator: Generator, options: AnalyseTranslationOptions, names: tuple[str, ...]) -> tuple[np.ndarray, str]:
    """The nuisance that goes with each class, `(K,)`, and where that is known from."""
    import numpy as np

    from contrapose.data import class_texts

    own = _own_data(options.run)
    if own is not None:
        try:
            classes = class_texts(generator.open(own, label_column=options.label_column))
            values = class_texts(generator.open(own, label_column=options.bias_column))
        except ContraposeError:  # it has no such column, or lies elsewhere now
            classes = values = None
        if classes is not None and values is not None and len(classes) == len(values):
            pairs = Counter(zip(map(str, classes), map(str, values), strict=True))
            seen = [name for name in generator.classes if any(pairs[name, value] for value in names)]
            if len(seen) == len(generator.classes):  # else the data call the nuisance otherwise, and nothing is known
                most = [max(names, key=lambda value: pairs[name, value]) for name in seen]
                told = f"What goes with a class is what most of its pictures have in the run's own data, {own}."
                return np.array([names.index(value) for value in most]), told
    if not set(generator.classes) <= set(names):
        raise ArgumentError(
            f"Which {options.bias_column} goes with which class is not known: the run's own data do not say, and the "
            f"names differ ({', '.join(names[:5])} and {', '.join(generator.classes[:5])}). Call both alike."
        )
    told = f"What goes with a class is the {options.bias_column} of the same name."
    return np.array([names.index(name) for name in generator.classes]), told


def _own_data(run: str) -> str | None:
    """What the run learned from, where it is to be had by name."""
    from contrapose.commands.evaluated_run import data_of_run

    try:
        return data_of_run(run)
    except ContraposeError:  # a generator by itself, or data that were given in Python
        return None


def _parts(images: Images, bias: np.ndarray, tied: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that the judges learn from, rows that they are tested on, and those of these that are translated: whose
    nuisance is that of their class, as in the data that the translator learned from; where these are few, all."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(images))
    known, real = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    labels = images.labels
    assert labels is not None
    aligned = real[bias[real] == tied[labels[real]]]
    if len(real) < LEAST:
        raise DataError(f"{len(images)} pictures are too few to judge by; give {2 * LEAST} at least, better hundreds.")
    return known, real, aligned if len(aligned) >= LEAST else real
