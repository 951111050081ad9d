"""A method on a kind of data: the class as it is written, with the options of that kind besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, make_dataclass
from typing import Any, get_type_hints

from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES
from contrapose.shell import shell_command

_EXPECTED = "What to expect"  # begins the paragraph of a method's docstring that says what was measured
_MADE: dict[tuple[type[Any], str], type[Any]] = {}


def on_kind(bare: type[Any], modality: str) -> type[Any]:
    """The class with the options of a kind of data, the same at every call."""
    if (bare, modality) in _MADE:
        return _MADE[bare, modality]
    options = MODALITIES[modality].options
    kind = get_type_hints(options)["views"]
    usual = {"count": bare.view_count, **bare.view_defaults}
    changed = [] if kind(**usual) == kind() else [_views(kind, usual)]
    made: Any = make_dataclass(bare.__name__, changed, bases=(bare, options), frozen=True, kw_only=True)
    made.bare, made.modality = bare, modality
    made.__module__, made.__qualname__ = bare.__module__, bare.__qualname__
    made.__doc__ = _help(bare, modality)
    _MADE[bare, modality] = made
    return _MADE[bare, modality]


def check_kind(name: str, modality: str, own: Sequence[str], *, note: str, others: Sequence[str]) -> None:
    """Pass a kind of data that a method is for.

    Arguments:
        name: the method's; own: kinds that it is for, none where it is for all of one side; note: why for these.
        others: methods that are for that kind.

    Errors:
        ArgumentError: another kind, or one of two sides where it learns from one.
    """
    kind = MODALITIES[modality]
    sides = [side for side in kind.sides if not own or side in own]
    if sides and modality not in own:
        named = " or ".join(f"--modality {side}" for side in sides)
        raise ArgumentError(
            f"{name} learns from {' or '.join(MODALITIES[side].plural for side in sides)}, and these are {kind.plural} "
            f"with both sides: add {named} (modality=) to learn from one, or take a method for {kind.plural}: "
            f"{', '.join(others)}."
        )
    if own and modality not in own:
        theirs = " and ".join(MODALITIES[one].plural for one in own)
        raise ArgumentError(
            f"{name} is for {theirs}, {note}; these are {kind.plural}. Take another method: "
            f"{shell_command('methods')} lists them."
        )


def _help(bare: type[Any], modality: str) -> str:
    """What the help says of a method. Its figures are of its first kind of data: beside others that is said."""
    text = bare.__doc__ or ""
    if modality != bare.modality:
        measured, asked = (MODALITIES[name].plural for name in (bare.modality, modality))
        whose = f"(where nothing else is said the figures are of {measured}, and not of {asked}):\n    "
        text = text.replace(f"{_EXPECTED}: ", f"{_EXPECTED} {whose}")
    return f"{text}\n    Views: {bare.view_note}.\n    " if bare.view_note else text


def _views(kind: type[Any], usual: Mapping[str, Any]) -> tuple[str, type[Any], Any]:
    return "views", kind, field(default_factory=lambda: kind(**usual))
