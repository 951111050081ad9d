"""The two parts of the data of a claim, of any kind: what `--data` names, opened once and in one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

from contrapose.claims.places import CIFAR10
from contrapose.data import Images, Samples
from contrapose.data.files.names import expanded
from contrapose.data.samples import LABEL
from contrapose.errors import DataError
from contrapose.modalities import MODALITIES, Modality, asked_kind
from contrapose.tasks.labelled_parts import held_out_parts
from contrapose.tasks.number_parts import held_out_numbers

HUB = "hub:"


@overload
def open_parts(source: str, kind: Literal["image"] = "image") -> tuple[Images, Images]: ...
@overload
def open_parts(source: str, kind: str, *, target: str = LABEL, **reading: Any) -> tuple[Samples, Samples]: ...
def open_parts(source: str, kind: str = "image", *, target: str = LABEL, **reading: Any) -> tuple[Any, Any]:
    """The training and the test part of `source`, the second in the form of the first.

    Arguments:
        source: `hub:OWNER/NAME`; a folder with `train` and `test` in it, files or sub-folders; or one table, of which a
            fifth is held out, always the same, exact copies kept together.
        kind: of the data.
        target: what each sample must have: "label" or "number".
        reading: options by which data of this kind are opened (`number_column`, `text_column`, ...).

    Errors:
        DataError: nothing there, no `train` and `test` in a folder, another kind of data, or none of the targets.
    """
    modality = MODALITIES[kind]
    if not source.startswith(HUB) and expanded(source).is_file():
        check_kind(source, modality, reading)
        whole = _with_target(modality.open(source, **reading), target)
        held_out = (held_out_parts if target == LABEL else held_out_numbers)(whole, seed=0)
        return held_out.bank, held_out.test
    first, second = part_places(source, modality)
    for place in (first, second):
        check_kind(place, modality, reading)
    train = _with_target(modality.open(first, **reading), target)
    return train, _with_target(modality.open_like(train, second, **reading), target)


def part_places(source: str, modality: Modality) -> tuple[str, str]:
    """What to open for the training and for the test part.

    Errors:
        DataError: no such folder, or no `train` and `test` in it.
    """
    if source.startswith(HUB):
        return f"{source}:train", f"{source}:test"
    folder = expanded(source)
    found = []
    for part in ("train", "test"):
        places = sorted(folder.glob(f"{part}.*")) if folder.is_dir() else []
        place = folder / part if (folder / part).is_dir() else next(iter(places), None)
        if place is None:
            raise DataError(
                f"{source} holds no {part} part. Give --data a folder of {modality.plural} with train.parquet and "
                "test.parquet (or sub-folders train/ and test/ of class folders), or hub:OWNER/NAME; CIFAR-10 is "
                f"{CIFAR10}."
            )
        found.append(str(place))
    return found[0], found[1]


def check_kind(place: str, modality: Modality, reading: Mapping[str, Any]) -> None:
    """Pass data that look like this kind, or where the columns of it were named.

    Errors:
        DataError: they look like another.
    """
    if place.startswith(HUB):
        return
    try:
        found = asked_kind(place, None, reading)
    except DataError:  # it holds two kinds, of which the claim has named one
        return
    if found.name != modality.name:
        raise DataError(
            f"The claim is measured on {modality.plural}, and {place} looks like {found.plural}. Give --data a folder "
            f"with a train and a test part of {modality.plural}."
        )


def _with_target(samples: Samples, target: str) -> Samples:
    if target not in samples.targets:
        column = "label_column" if target == LABEL else "number_column"
        remedy = f"name their column in the claim ({column}=), or give others with --data"
        raise DataError(f"{samples.origin} has no {target}s, and a claim is measured with them: {remedy}.")
    return samples
