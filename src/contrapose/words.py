"""Numbers in words that fit them."""

from __future__ import annotations


def counted(number: int, thing: str, things: str | None = None) -> str:
    """A number and what it counts: `1 sample`, `1,200 samples`, and `2 batches` where the plural is given.

    >>> counted(1, "sample"), counted(1200, "sample"), counted(2, "class", "classes")
    ('1 sample', '1,200 samples', '2 classes')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
