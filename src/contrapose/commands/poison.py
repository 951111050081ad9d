"""`contrapose poison`: a data set of which some samples carry a trigger, to make a victim of and to see it repaired."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from contrapose.commands.reading_options import ReadingOptions
from contrapose.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from contrapose.data import Poisoned, PoisonedPairs
    from contrapose.data.pairs import Pairs

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PoisonOptions(ReadingOptions):
    """Write a poisoned copy of pictures or pairs: some samples get a trigger, and the label or the captions of another
    class. What is trained on it is a victim, to test on one's own encoders whether a backdoor is found and repaired."""

    data: Positional[str]
    """Labelled pictures or pairs, as in train."""
    out: Positional[str]
    """The folder to write, a new one: pictures in class folders, captions beside them, poison.json."""
    trigger: str
    """badnets, blended, sig or wanet, with options behind a question mark: "badnets?side=4", "blended?share=0.2"."""
    target: str
    """The class that it stands for, by name or number."""
    share: float = 0.015
    """Of all samples. 0.015: [design] for a few thousand; InverTune's attacks have 0.003 to 0.01 of 500,000."""
    captions: tuple[str, ...] = ()
    """Of pairs: what poisoned pictures are captioned with. Default: the captions of pairs of the target class."""
    from_target: bool = False
    """Poison samples of the target class too, whose labels are right as they are."""
    seed: int = 0
    """Draws which samples, and their captions."""
    modality: Literal["image", "pairs"] | None = None
    """What the data are. Default: as they look."""
    image_size: int | None = None
    """Side of the pictures that are written. Default: as train would choose it."""
    limit: int | None = None
    """At most so many samples, evenly spaced over all."""


def poison_data(
    data: Any, out: str | Path, *, trigger: str, target: str | int, **options: Any
) -> Poisoned | PoisonedPairs:
    """Write a poisoned copy of `data` into the folder `out`, which `train` reads.

    Pictures lie in a folder a class, `CLASS/NUMBER.png`, numbers in the order of the data; of pictures the poisoned
    ones lie in that of the target, of pairs in that of what they show, captions beside them (`NUMBER.txt`).
    `poison.json` has the trigger, the target and the names of the poisoned ones, so that `--trigger OUT` means this
    trigger wherever one is asked for.

    Arguments:
        data: what `--data` takes, pictures or pairs with labels, or such samples.
        options: those of `PoisonOptions`.

    Errors:
        ArgumentError: an unknown trigger or class, a share outside (0, 1), a folder that is there.
        DataError: no labels, or fewer samples than are to be poisoned.
        RunError: it cannot be written.
    """
    from contrapose.data import poison
    from contrapose.robustness import named_trigger

    asked = PoisonOptions(data=str(data), out=str(out), trigger=trigger, target=str(target), **options)
    folder = Path(out).expanduser()
    if folder.exists():
        raise ArgumentError(f"{out} is there already: name a folder that is not.")
    if not 0 < asked.share < 1:
        raise ArgumentError(
            f"--share (share=) is of all samples, between 0 and 1, got {asked.share:g}; 0.01 to 0.02 is usual of a few "
            "thousand."
        )
    samples = _opened(data, asked)
    pictures = samples.pictures if samples.modality == "pairs" else samples
    if pictures.channels not in (1, 3):
        raise ArgumentError(f"Pictures of {pictures.channels} channels cannot be written as PNG: 1 and 3 can.")
    made = named_trigger(asked.trigger, channels=pictures.channels, image_size=pictures.image_size)
    chosen = {"target_caption": asked.captions} if asked.captions else {}
    found: Poisoned | PoisonedPairs = poison(
        samples,
        made,
        rate=asked.share,
        target=_class(target, samples.class_names),
        seed=asked.seed,
        from_target=asked.from_target,
        **chosen,
    )
    _write(folder, found, made.form, asked)
    return found


def _opened(data: Any, asked: PoisonOptions) -> Any:
    """The samples that have a label; one without would be taken for a class of its own.

    Errors:
        ArgumentError: another kind of data.
    """
    from contrapose.data import Samples, only_labelled
    from contrapose.modalities import asked_kind, check_reading

    if isinstance(data, Samples):
        samples = data
    else:
        reading = {name: getattr(asked, name) for name in ("image_column", "text_column", "label_column")}
        given = {"labels": asked.labels, **{name: value for name, value in reading.items() if value is not None}}
        kind = asked_kind(data, asked.modality, given)
        if kind.name not in ("image", "pairs"):
            raise ArgumentError(f"A trigger is put on pictures, and {data} holds {kind.plural}.")
        sizes = {} if asked.image_size is None else {"image_size": asked.image_size}
        samples = kind.open(data, **check_reading(kind, given), limit=asked.limit, **sizes)
    if samples.labels is None:
        raise DataError(
            f"{samples.origin} has no labels, and a trigger stands for a class: give class folders, or --label-column."
        )
    return only_labelled(samples)


def _class(target: str | int, names: Any) -> str | int:
    """`3` is the class called so, where there is one, else the fourth."""
    plain = isinstance(target, str) and target.isdecimal() and target not in (names or ())
    return int(target) if plain else target


def _write(folder: Path, found: Any, form: Any, asked: PoisonOptions) -> None:
    from contrapose.atomic import whole_folder
    from contrapose.commands.apply_generator import folder_names, png
    from contrapose.robustness import POISON_RECORD

    samples = found.samples
    pairs: Pairs | None = samples if samples.modality == "pairs" else None
    pictures = samples if pairs is None else pairs.pictures
    names = samples.class_names or [str(number) for number in range(int(samples.labels.max()) + 1)]
    folders = folder_names(names)
    digits = len(str(len(samples) - 1))
    places = [f"{folders[label]}/{row:0{digits}}" for row, label in enumerate(samples.labels.tolist())]
    record = {
        "format": FORMAT,
        "trigger": dict(form),
        "target": None if found.target is None else folders[found.target],
        "share": asked.share,
        "seed": asked.seed,
        "captions": list(found.captions) if pairs is not None else [],
        "data": asked.data if isinstance(asked.data, str) else samples.origin,
        "poisoned": [f"{places[row]}.png" for row in found.rows.tolist()],
    }
    with whole_folder(folder) as root:
        for name in {place.partition("/")[0] for place in places}:
            (root / name).mkdir()
        for row, place in enumerate(places):
            (pixels,) = pictures.batch([row]).numpy()  # (C, H, W)
            (root / f"{place}.png").write_bytes(png(pixels.transpose(1, 2, 0)))
            if pairs is not None:
                (root / f"{place}.txt").write_text("\n".join(pairs.captions[row]) + "\n", encoding="utf-8")
        (root / POISON_RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def print_poisoned(options: PoisonOptions) -> None:
    """What the command does and says."""
    from contrapose.shell import shell_command
    from contrapose.words import counted

    found = poison_data(**vars(options))
    kind = found.samples.modality
    written = counted(len(found.samples), found.samples.noun)
    method = "clip" if kind == "pairs" else "supervised"
    print(f"Wrote {written} to {options.out}, {len(found.rows):,} of them poisoned")
    print(f"A victim of it:   {shell_command('train', method, '--data', options.out)}")
    if kind == "pairs":
        measured = shell_command("analyse", "backdoor", "RUN", "--data", "LABELLED", "--trigger", options.out)
        print(f"Is it one:        {measured}")
