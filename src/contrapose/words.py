"""Numbers in words that fit them."""

from __future__ import annotations


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
