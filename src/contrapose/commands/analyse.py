"""`contrapose analyse temperature`: what the temperature does to a space, as one picture and one file of numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from contrapose.commands.reading_options import PictureReadingOptions
from contrapose.errors import ArgumentError, DataError
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.claims import Ground
    from contrapose.data import Images

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class AnalyseTemperatureOptions(PictureReadingOptions):
    """Train an encoder of pictures at several temperatures and show what that does: uniformity, tolerance, accuracy,
    and who gets the repulsion."""

    data: str
    """Labelled pictures to learn from, as in train. Labels are used to measure, never to train."""
    test_data: str | None = None
    """Labelled pictures to measure on. Default: a fifth of --data, drawn class by class."""
    temperatures: tuple[float, ...] = (0.05, 0.1, 0.3, 0.7, 1.0)
    """What to try. The paper: 0.07, 0.3, 0.7 and 1."""
    method: Literal["simclr", "hard-contrastive"] = "simclr"
    """simclr: all negatives; hard-contrastive: the hardest share of them, chosen outright."""
    alpha: float = 0.1
    """Share of negatives that hard-contrastive keeps."""
    epochs: int = 10
    """Passes over the data at each temperature."""
    seeds: int = 3
    """Repetitions of each temperature; they say how far to trust a difference."""
    batch_size: int = 128
    """Samples per step; each anchor has twice as many negatives, less two."""
    encoder: str = "small_conv"
    """Backbone, as in train."""
    image_size: int | None = None
    """Working resolution in pixels, as in train."""
    limit: int | None = None
    """Use at most so many samples of each, evenly spaced."""
    device: str = "auto"
    """Where to train: auto, cpu, cuda, mps."""
    out: Path = Path("analysis/temperature")
    """Folder for temperature.svg and temperature.json. What is finished stays in points/: after a kill, the same
    command continues."""


def analyse_temperature(options: AnalyseTemperatureOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run the sweep, write the picture and the record, and return the record.

    Errors:
        ArgumentError: a temperature that is not above 0 or is named twice, fewer than two of them, and every option
            that the method refuses.
        DataError: no labels, other classes in the test data, or fewer samples than a batch.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    configurations = _configurations(options)
    for module in ("altair", "vl_convert"):  # before hours of training, not after
        optional(module, extra="report")
    from contrapose.commands.temperature_chart import picture
    from contrapose.commands.temperature_sweep import Point, record_of, table
    from contrapose.commands.unwritten import kept_if_unwritten

    ground = _ground(options)
    train = ground.pretraining["pretraining"]
    say(f"{options.method} on {train.origin}: {len(train):,} to learn from, {len(ground.test):,} to measure on")
    points = [Point(options.method, config, options.out / "points", options.device) for config in configurations]
    found = []
    (options.out / "points").mkdir(parents=True, exist_ok=True)  # refused before the training, not after it
    for number, point in enumerate(points, 1):
        values, fresh = point.measure(ground)
        found.append(values)
        state = f"{values['seconds']:.0f} s" if fresh else "finished before"
        say(
            f"[{number}/{len(points)}] temperature {values['temperature']:g} seed {values['seed']}: kNN "
            f"{values['kNN']:.1%}, probe {values['probe']:.1%}, {state}"
        )
    record = {
        "format": FORMAT,
        "analysis": "temperature",
        **record_of(asdict(options), ground, found, configurations[0]),
    }
    say(f"\n{table(record)}\n")
    with kept_if_unwritten(record, str):  # the table is on the screen already
        _write(options.out, record, picture(record))
    say(f"Written: {options.out}/temperature.svg, {options.out}/temperature.json")
    return record


def _configurations(options: AnalyseTemperatureOptions) -> list[Any]:
    """One configuration for each temperature and seed, temperature by temperature."""
    temperatures = sorted(set(options.temperatures))
    if len(temperatures) < 2 or len(temperatures) < len(options.temperatures):
        raise ArgumentError(
            f"--temperatures must be two different numbers at least, got {' '.join(map(str, options.temperatures))}; "
            "0.05 0.1 0.3 0.7 1.0 is usual."
        )
    if options.seeds < 1:
        raise ArgumentError(f"--seeds must be at least 1, got {options.seeds}; 3 is usual.")
    from contrapose.commands.train import configure

    shared = {
        name: getattr(options, name) for name in ("data", "epochs", "batch_size", "encoder", "image_size", "limit")
    }
    if options.method == "hard-contrastive":
        shared["alpha"] = options.alpha
    return [
        configure(options.method, {**shared, "temperature": temperature, "seed": seed})
        for temperature in temperatures
        for seed in range(options.seeds)
    ]


def _ground(options: AnalyseTemperatureOptions) -> Ground:
    """What to train on, and what to measure on: the training samples are also what kNN and the probe learn from."""
    from contrapose.claims import Ground
    from contrapose.data import open_data
    from contrapose.data.copies import split_samples
    from contrapose.modalities import MODALITIES, asked_kind

    kind = asked_kind(options.data, None, {"image_column": options.image_column})
    if kind.name != "image":
        raise ArgumentError(
            f"The sweep trains on {MODALITIES['image'].plural}, and {options.data} holds {kind.plural}. Train runs on "
            "them with --temperature instead, and compare those."
        )
    reading = {name: getattr(options, name) for name in ("limit", "image_column", "label_column", "labels")}
    train = _labelled(open_data(options.data, image_size=options.image_size, **reading), "--data")
    if options.test_data is None:
        parts = split_samples(train, seed=0)
        train, test = parts.bank, parts.test
    else:
        given = open_data(
            options.test_data,
            image_size=train.image_size,
            channels=train.channels,
            preparation=train.preparation,
            **reading,
        )
        test = _labelled(given, "--test-data")
        if test.class_names != train.class_names:
            raise DataError(
                f"{options.test_data} has other classes than {options.data}: {_some(test)} against {_some(train)}. "
                "Give both the same class names."
            )
    if len(train) < options.batch_size:
        raise DataError(
            f"{len(train):,} samples are fewer than a batch of {options.batch_size}; give a smaller --batch-size."
        )
    return Ground({"pretraining": train}, labelled=train, validation=test, test=test)


def _labelled(images: Images, option: str) -> Images:
    from contrapose.data import only_labelled

    images = only_labelled(images)
    if images.labels is None:
        raise DataError(
            f"{images.origin} has no labels, and tolerance and accuracy are measured with them. Give class sub-folders "
            f"or a label column with {option}."
        )
    return images


def _some(images: Images) -> str:
    names = images.class_names or ()
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "") if names else "numbers without names"


def _write(folder: Path, record: dict[str, Any], svg: str) -> None:
    from contrapose.atomic import write_atomically

    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "temperature.json", (json.dumps(record, indent=1) + "\n").encode())
    write_atomically(folder / "temperature.svg", svg.encode(errors="backslashreplace"))
