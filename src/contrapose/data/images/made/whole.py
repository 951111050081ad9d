"""What every generator checks of its options."""

from __future__ import annotations

from contrapose.errors import ArgumentError


def check_whole(**options: tuple[object, int]) -> None:
    """Pass whole numbers from some least one on: each option is its value and that least.

    Errors:
        ArgumentError: another thing, or a smaller number.
    """
    for name, (value, least) in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ArgumentError(f"{name} is {value!r}: give a whole number from {least} on.")
