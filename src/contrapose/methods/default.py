"""The method that a training takes when none is named."""

from __future__ import annotations

from typing import NamedTuple


class Default(NamedTuple):
    """A name in `METHODS`, and why this one: it ends the sentence `No method was named, so this is dhel, ...`."""

    method: str
    reason: str


BASELINE = Default("simclr", "the baseline that everything is compared with")
BY_KIND = {
    "image": Default("dhel", "the best of seven on photographs in equal time"),
    "pairs": Default("clip", "the baseline for pictures with words"),
}
"""What was found to be better on a kind of data (`benchmarks/which_method.py`). Texts and tables keep the baseline, for
a first look settles nothing there: at temperature 0.1 DHEL is behind it on 3,000 texts (one seed) and on one small
table, and ahead on another."""

DEFAULT_METHOD, DEFAULT_REASON = BY_KIND["image"]


def default_method(kind: str | None = None) -> Default:
    """The default on a kind of data; None: as for pictures."""
    return BY_KIND.get(kind or "image", BASELINE)
