"""A class that a user names, as its number: what a learner compares labels with."""

from __future__ import annotations

from collections.abc import Sequence

from contrapose.errors import ArgumentError, did_you_mean


def number_of_class(names: Sequence[str], wanted: str, option: str) -> int:
    """The number of the class that is called `wanted`, or that has this number where none is called so.

    Arguments:
        names: of the classes, in the order of their numbers.
        option: which names it, for the sentence.

    Errors:
        ArgumentError: there is none.
    """
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise ArgumentError(f"{option} is {wanted!r}, and no class is called so.{did_you_mean(wanted, names)}")
