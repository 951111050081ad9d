"""Errors that teach: what was given, what was expected, one remedy.

Everything a user can do wrong ends in a `ContraposeError`. The command line prints its text as one sentence and
leaves with status 2; from Python it is also the built-in error one would expect (`ValueError`, `ImportError`, ...).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager


class ContraposeError(Exception):
    """The root of all errors that are the input's fault, not the library's."""


class ArgumentError(ContraposeError, ValueError):
    """An argument, option or configuration key that cannot be used as given."""


class OptionError(ArgumentError):
    """An option that cannot be as it was given.

    A group of options checks itself, and what it calls `delete` may have been given as `views.delete`, or typed as
    `--views.delete`: whoever knows says so (`in_group`, and the command line).

    Arguments:
        sentence: what is wrong, for people.
        options: the options that the sentence names, as it calls them.
    """

    def __init__(self, sentence: str, *options: str) -> None:
        super().__init__(sentence)
        self.options = options

    def call(self, names: Mapping[str, str]) -> None:
        """Give those of its options that are among `names` other names."""
        known = sorted((name for name in self.options if name in names), key=len, reverse=True)
        if known:
            words = rf"(?<![\w.'\"-])(?:{'|'.join(map(re.escape, known))})(?![\w'\"-]|\.\w)"
            self.args = (re.sub(words, lambda found: names[found.group()], str(self)),)
            self.options = tuple(names.get(name, name) for name in self.options)


@contextmanager
def in_group(group: str) -> Iterator[None]:
    """Errors inside the block are of options in a group: `views.count`, where the sentence says `count`."""
    try:
        yield
    except OptionError as error:
        error.call({name: f"{group}.{name}" for name in error.options})
        raise


class NonFiniteError(ArgumentError):
    """Embeddings with NaN or infinite values: training has blown up, or the input was broken."""


class DataError(ContraposeError, ValueError):
    """Data that cannot be read, or does not fit what was asked of it."""


class RunError(ContraposeError, RuntimeError):
    """A run folder, checkpoint or encoder folder that is missing, damaged or of another version; or a run that had to
    stop."""


class UnwrittenError(RunError):
    """A result that could not be written where it should go. It is not lost: `result` holds it, and the command line
    prints `text` before this sentence."""

    def __init__(self, sentence: str, result: object, text: str = "") -> None:
        super().__init__(sentence)
        self.result = result
        self.text = text


class MissingExtraError(ContraposeError, ImportError):
    """A feature whose optional dependency is not installed (or cannot be imported)."""


class ViewOrderWarning(UserWarning):
    """Embeddings that look like (B, V, D) where (V, B, D) is expected, which would be another loss in silence."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` when a known name is close, else the list of known names; ready to append to a sentence."""
    known = sorted(known)
    spelled = {one.lower(): one for one in known}  # "SimCLR" is meant for "simclr"
    close = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {spelled[close[0]]!r}?"
    return f" Known: {', '.join(known)}." if known else ""
