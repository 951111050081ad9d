"""Reading an encoder's arguments, whether they come from Python, a command line or `encoder.json`.

JSON has no tuples and a command line has only words, so every factory passes what it was given through these
readers before it builds anything; a value that cannot be used ends in a sentence, not in a traceback of
torch.
"""

from __future__ import annotations

import inspect
import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsIndex, cast

from contrapose.errors import ArgumentError, did_you_mean

FROM_DATA = ("channels", "image_size", "vocabulary", "max_length")
"""What a factory is told about the samples; all else that it takes are an encoder's arguments."""


def count(value: object, what: str, *, least: int = 1) -> int:
    """`value` as an integer of at least `least`.

    Arguments:
        value: anything that is an integer to Python (`operator.index`); `True` and `False` are not counts.
        what: the name to print, e.g. `"patch_size"`.

    Errors:
        ArgumentError: not an integer, or below `least`.
    """
    try:
        number = -1 if isinstance(value, bool) else operator.index(cast(SupportsIndex, value))
    except TypeError:
        number = -1
    if number < least:
        raise ArgumentError(f"{what}={value!r} cannot be used: give an integer of at least {least}.")
    return number


def counts(value: object, what: str, *, least: int = 1) -> tuple[int, ...]:
    """`value` as a non-empty tuple of integers of at least `least`; lists and tuples are both fine.

    Errors:
        ArgumentError: not a sequence, empty, or with an element that is not such an integer.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ArgumentError(f"{what}={value!r} cannot be used: give a list of integers, e.g. [32, 64].")
    read = tuple(count(element, f"{what}[{i}]", least=least) for i, element in enumerate(value))
    if not read:
        raise ArgumentError(f"{what} is empty: give at least one integer, e.g. [32, 64].")
    return read


def flag(value: object, what: str) -> bool:
    """`value` as a truth value; the word "false", which Python takes for true, is refused.

    Errors:
        ArgumentError: neither `True` nor `False`.
    """
    if not isinstance(value, bool):
        raise ArgumentError(f"{what}={value!r} cannot be used: give true or false.")
    return value


def choice(value: object, what: str, allowed: tuple[str, ...]) -> str:
    """`value` when it is one of the `allowed` words.

    Errors:
        ArgumentError: another word, or no word at all.
    """
    if value not in allowed:
        raise ArgumentError(f"{what}={value!r} cannot be used: choose one of {', '.join(allowed)}.")
    return value


def share(value: object, what: str) -> float:
    """`value` as a number from 0 to below 1, such as a chance of dropout.

    Errors:
        ArgumentError: no number, or another one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ArgumentError(f"{what}={value!r} cannot be used: give a number from 0 to below 1.")
    return float(value)


def plain(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON gives them back, found out now and not when a trained encoder is to be saved.

    Errors:
        ArgumentError: one that is no JSON.
    """
    try:
        return json.loads(json.dumps(arguments, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"The arguments of encoder {name!r} must fit into encoder.json, and one does not: {error}. "
            "Give numbers, words, lists and true or false."
        ) from None


def check_accepted(name: str, factory: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the factory does not name, unless it passes them on to another library.

    Errors:
        ArgumentError: one that it does not take.
    """
    parameters = inspect.signature(factory).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    accepted = [key for key in parameters if key not in FROM_DATA]
    for key in arguments:
        if key not in accepted:
            hint = did_you_mean(key, accepted)
            takes = "" if hint.startswith(" Known") else f" It takes: {', '.join(accepted) or 'none'}."
            raise ArgumentError(f"Encoder {name!r} has no argument {key!r}.{hint}{takes}")
