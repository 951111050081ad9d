"""Numbers in words that fit them, and things in sentences."""

from __future__ import annotations

from typing import Any


def counted(number: int, thing: str, things: str | None = None) -> str:
    """A number and what it counts: `1 sample`, `1,200 samples`, and `2 batches` where the plural is given.

    >>> counted(1, "sample"), counted(1200, "sample"), counted(2, "class", "classes")
    ('1 sample', '1,200 samples', '2 classes')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def percent(share: float) -> str:
    """A share of 1 with two digits, and three close to the whole, which is `100 %` alone.

    >>> percent(0.314), percent(0.0123), percent(0), percent(0.9967)
    ('31 %', '1.2 %', '0 %', '99.7 %')
    """
    if share in (0, 1) or 0.0995 <= share < 0.99:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{min(100 * share, 99.9):.1f} %"


def a_type(value: Any) -> str:
    """What something is, with the article that is said before it.

    >>> a_type(5), a_type([]), a_type(np.zeros(3)), a_type(np.uint8(1))
    ('an int', 'a list', 'an ndarray', 'a uint8')
    """
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' or name.startswith('nd') else 'a'} {name}"


def capital(text: str) -> str:
    """A text as the beginning of a sentence; what comes after its first letter stays.

    >>> capital("a DataFrame")
    'A DataFrame'
    """
    return text[:1].upper() + text[1:]
