"""Reading an encoder's arguments, whether they come from Python, a command line or `encoder.json`.

JSON has no tuples and a command line has only words, so every factory passes what it was given through these
readers before it builds anything; a value that cannot be used ends in a sentence, not in a traceback of
torch.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex, cast

from contrapose.errors import ArgumentError


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
