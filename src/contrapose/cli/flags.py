"""The flags of a command, read off its options dataclass: what mistakes are compared with, and what shells complete."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Flag:
    """One thing that can be typed.

    Arguments:
        field: where its value belongs, e.g. `("views", "count")`.
        name: `--views.count`; of a positional, `RUN`.
        kind: what one word becomes.
        choices: all that are possible, when they are few.
        many: takes all words up to the next flag.
        optional: takes the word `None`.
        required: cannot be left out.
        positional: stands without a flag.
        aliases: other names of it.
    """

    field: tuple[str, ...]
    name: str
    kind: type
    choices: tuple[str, ...] = ()
    many: bool = False
    optional: bool = False
    required: bool = False
    positional: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def switch(self) -> bool:
        """Whether it stands alone: `--full`, `--no-full`."""
        return self.kind is bool

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that may be typed for it."""
        if self.positional:
            return ()
        return (self.name, *self.aliases, *((self.no_name,) if self.switch else ()))

    @property
    def no_name(self) -> str:
        """`--views.no-count` of `--views.count`."""
        head, dot, last = self.name.removeprefix("--").rpartition(".")
        return f"--{head}{dot}no-{last}"

    @property
    def files(self) -> bool:
        """Whether its value may be the name of a file or folder."""
        return self.kind in (str, Path) and not self.choices


def flags_of(kind: Any) -> tuple[Flag, ...]:
    """Every flag and positional of an options dataclass, in the order of its fields."""
    return tuple(_flags(kind, (), ""))


def _flags(kind: Any, above: tuple[str, ...], prefix: str) -> Iterator[Flag]:
    from tyro.conf import OmitArgPrefixes, Positional

    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint: Any = hints[field.name]
        marks: list[Any] = []
        if get_origin(hint) is Annotated:
            hint, *marks = get_args(hint)
        path = (*above, field.name)
        if is_dataclass(hint):
            yield from _flags(hint, path, prefix if OmitArgPrefixes in marks else f"{prefix}{field.name}.")
            continue
        renamed = next((mark.name for mark in marks if getattr(mark, "name", None)), field.name)
        aliases = next((mark.aliases for mark in marks if getattr(mark, "aliases", None)), ())
        positional = Positional in marks
        value, optional, many = _value(hint)
        choices = tuple(map(str, get_args(value))) if get_origin(value) is Literal else ()
        yield Flag(
            field=path,
            name=renamed.upper() if positional else f"--{prefix}{renamed}".replace("_", "-"),
            kind=str if choices or not isinstance(value, type) else value,
            choices=choices,
            many=many,
            optional=optional or "None" in choices,
            required=field.default is MISSING and field.default_factory is MISSING,
            positional=positional,
            aliases=tuple(aliases),
        )


def _value(hint: Any) -> tuple[Any, bool, bool]:
    """What one word becomes, whether `None` is possible, and whether there are many."""
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        optional = type(None) in get_args(hint)
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) in (tuple, list):
        return get_args(hint)[0], optional, True
    return hint, optional, False
