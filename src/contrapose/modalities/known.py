"""The kinds of data that are known, and which of them some data or options are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from contrapose.errors import ArgumentError
from contrapose.modalities.modality import Modality
from contrapose.registry import Registry

_STATED = ("name", "noun", "plural", "options", "reading", "floor_name", "example")

SHARED = ("limit", "labels", "label_column", "number_column", "progress")
"""Options of reading that every kind has."""


def check_reading(modality: Modality, reading: Mapping[str, Any], *, python: Sequence[str] = ()) -> dict[str, Any]:
    """Options of reading that this kind of data has; those of other kinds may be there as long as they are not set.

    Arguments:
        python: further options of this kind, which the command line does not have.

    Errors:
        ArgumentError: an option of another kind that is set.
    """
    own = {name: value for name, value in reading.items() if name in (*modality.reading, *SHARED, *python)}
    others = [name for name, value in reading.items() if name not in (*own, "cache") and value is not None]
    if others:
        flag = others[0].replace("_", "-")
        raise ArgumentError(
            f"{others[0]} (--{flag}) is not an option of {modality.plural}; they have "
            f"{', '.join(modality.reading) or 'none'}."
        )
    return own


def asked_kind(data: Any, modality: str | None, reading: Mapping[str, Any], *, kinds: Sequence[str] = ()) -> Modality:
    """The kind that was named, else the one whose columns were, else what the data look like.

    Arguments:
        kinds: those that the method is for, where it is for some only: one that is made of sides is meant where the
            data look like a side of it.

    Errors:
        ArgumentError: no kind of that name.
        DataError: data of two kinds, and neither was asked for.
    """
    from contrapose.data import kind_of
    from contrapose.data.kinds import check_there

    if modality is not None:
        return MODALITIES[modality]
    asked = {name for name, value in reading.items() if name.endswith("_column") and value is not None}
    owners = [kind for kind in MODALITIES.values() if asked.intersection(kind.reading)]
    # A kind with sides has the columns of these: it is meant where no side has all columns that were named.
    whole = [kind for kind in owners if asked.intersection(_columns()) <= set(kind.reading)]
    simple = [kind for kind in whole or owners if not kind.sides] or whole
    found = simple[0] if len(simple) == 1 else MODALITIES[kind_of(data, wanted=kinds)]
    if kinds and found.name not in kinds:
        check_there(data)  # a wrong path is no reason to take another method
    wholes = [MODALITIES[name] for name in kinds if found.name in MODALITIES[name].sides]
    return wholes[0] if wholes else found


def _columns() -> set[str]:
    """All options of reading that some kind has."""
    return {name for kind in MODALITIES.values() for name in kind.reading}


MODALITIES: Registry[Modality] = Registry(
    "modality", remedy="A kind of data of your own is known once the module that registers it is imported."
)

M = TypeVar("M", bound=Modality)


def register(modality: M) -> M:
    """Make a kind of data known: to `train`, `evaluate` and all others, and to what rebuilds saved encoders.

    >>> EVENTS = contrapose.modalities.register(Events())          # doctest: +SKIP

    Errors:
        ArgumentError: the name is taken, or the descriptor lacks something.
    """
    lacking = [name for name in _STATED if not hasattr(modality, name)]
    if lacking:
        raise ArgumentError(
            f"{type(modality).__name__} describes a kind of data and does not say its {', '.join(lacking)}: see "
            "contrapose.modalities.Modality."
        )
    from contrapose.encoders.architecture import rebuild_with

    MODALITIES.register(modality.name)(modality)
    rebuild_with(modality.name, modality.rebuild)
    return modality


def modality_of(thing: Any) -> Modality:
    """The kind of some samples, of an encoder, or of a configuration."""
    return MODALITIES[thing.modality]
