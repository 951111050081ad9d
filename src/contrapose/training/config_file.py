"""A configuration as JSON and back; an unknown key is an error that names the nearest one."""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from contrapose.errors import ArgumentError, did_you_mean, in_group

C = TypeVar("C")


def to_dictionary(config: Any) -> dict[str, Any]:
    """The fields of a (nested) dataclass as JSON-ready values."""
    return dataclasses.asdict(config)


def from_dictionary(kind: type[C], values: Mapping[str, Any], *, where: str = "configuration") -> C:
    """Build the dataclass `kind` from JSON values.

    Arguments:
        where: what is being read, for the error's text.

    Errors:
        ArgumentError: an unknown key (with the nearest known one), or a value of the wrong type.
        OptionError: a value that the dataclass refuses; options of a group in it are called `group.option`.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    arguments = {}
    for key, value in values.items():
        if key not in known:
            raise ArgumentError(f"Unknown key {key!r} in {where}.{did_you_mean(key, known)}")
        if isinstance(value, Mapping):
            value = _merged(_usual(known[key]), value)
        with in_group(key):
            arguments[key] = _convert(hints[key], value, f"{where}.{key}")
    return kind(**arguments)


def _usual(field: Any) -> dict[str, Any]:
    """What a group of keys is by default: methods have defaults of their own for the views of a kind."""
    usual = None if field.default_factory is dataclasses.MISSING else field.default_factory()
    return to_dictionary(usual) if dataclasses.is_dataclass(usual) else {}


def _merged(usual: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, and besides what is usual, group by group: a group may hold groups."""
    inner = {
        key: _merged(usual[key], value)
        for key, value in given.items()
        if isinstance(value, Mapping) and isinstance(usual.get(key), Mapping)
    }
    return {**usual, **given, **inner}


def _convert(hint: Any, value: Any, where: str) -> Any:
    """JSON knows no tuples, dataclasses or (in 1.0 written as 1) floats: bring a value back to its declared type."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ArgumentError(f"{where} must be a group of keys, got {value!r}.")
        return from_dictionary(hint, value, where=where)
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(options, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(options[0], item, where) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, os.PathLike):  # a path is as good as its name, from Python
        value = os.fspath(value)
    plain = hint in (int, float, str, bool)
    if plain and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise ArgumentError(f"{where} must be of type {hint.__name__}, got {value!r}.")
    return value  # literals are checked by the dataclass itself


def _convert_union(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in options:
        return None
    errors = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _convert(option, value, where)
        except ArgumentError as error:
            errors.append(error)
    raise errors[0]
