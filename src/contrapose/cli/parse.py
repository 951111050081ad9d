"""Words into an options dataclass. Each mistake is told in a sentence, with the nearest name; tyro draws the help."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from contrapose.cli.flags import Flag, flags_of
from contrapose.errors import ArgumentError, OptionError
from contrapose.training.config_file import from_dictionary

Options = TypeVar("Options")

Owners = Callable[[str], Sequence[str]]
"""A flag into the names of those that have it."""
KINDS = {int: "a whole number", float: "a number"}
"""How a sentence calls what a word must be."""
SHOWN = 3  # names of those that have a flag
MEANT = {"--base": "--init"}
"""A flag of some methods, and the one with that meaning of those that lack it: spelling would name another."""


def parse(
    kind: type[Options],
    words: list[str],
    command: str,
    *,
    elsewhere: Sequence[str] = (),
    owners: Owners = lambda flag: (),
) -> Options:
    """Read `words` into the dataclass `kind`.

    Arguments:
        command: what was typed before them, for the sentences.
        elsewhere: flags that this form of the command does not take, but another one does: also suggested.
        owners: which others (methods) have a flag that this one lacks: they are named.

    Errors:
        ArgumentError: an unknown flag or choice (the nearest is named), a flag that is there twice or lacks its value,
            a value of the wrong type, too many words or too few, and whatever the dataclass refuses.
        SystemExit: after the help was printed.
    """
    if any(word in ("-h", "--help") for word in words):
        import tyro

        tyro.cli(kind, args=["--help"], prog=f"contrapose {command}", config=(tyro.conf.OmitSubcommandPrefixes,))
    reader = _Reader(flags_of(kind), command, ("--help", *elsewhere), owners)
    values = reader.read(words)
    with as_typed(kind):
        return from_dictionary(kind, values, where=f"the options of {command}")


@contextmanager
def as_typed(kind: type[Any]) -> Iterator[None]:
    """Errors inside the block name the options of the dataclass `kind` by their flags."""
    try:
        yield
    except OptionError as error:
        error.call({".".join(flag.field): flag.name for flag in flags_of(kind)})
        raise


class _Reader:
    """Goes through the words once."""

    def __init__(self, flags: Sequence[Flag], command: str, elsewhere: Sequence[str], owners: Owners) -> None:
        self.command, self.elsewhere, self.owners = command, elsewhere, owners
        self.by_name = {name: flag for flag in flags for name in flag.names}
        self.positionals = [flag for flag in flags if flag.positional]
        self.flags = flags
        self.found: dict[str, tuple[str, Any]] = {}  # a flag's own name -> what was typed, what it means

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Nested values by field."""
        left, loose, only_loose = list(words), [], False
        while left:
            word = left.pop(0)
            if word == "--" and not only_loose:
                only_loose = True
            elif only_loose or not _is_flag(word):
                loose.append(word)
            else:
                self._flag(word, left)
        self._positional(loose)
        if missing := [flag for flag in self.flags if flag.required and flag.name not in self.found]:
            names = " and ".join(flag.name for flag in missing)
            raise ArgumentError(f"{self.command} needs {names}. contrapose {self.command} --help says what that is.")
        return _nested((flag.field, self.found[flag.name][1]) for flag in self.flags if flag.name in self.found)

    def _flag(self, word: str, left: list[str]) -> None:
        typed, equals, value = word.partition("=")
        name = typed.replace("_", "-")
        flag = self.by_name.get(name)
        if flag is None:
            raise ArgumentError(f"{self.command} has no option {typed}.{self._nearest(typed)}")
        if flag.switch:
            if equals:
                raise ArgumentError(f"{name} takes no value, got {value!r}; write {flag.name} or {flag.no_name}.")
            self._keep(flag, name, name != flag.no_name)
            return
        values = [value] if equals else []
        while not equals and left and not _is_flag(left[0]) and (flag.many or not values):
            values.append(left.pop(0))
        if not values:
            raise ArgumentError(f"{name} needs a value{_expected(flag)}.")
        meant = [_meant(flag, name, one) for one in values]
        self._keep(flag, shlex.join([name, *values]), tuple(meant) if flag.many else meant[0])

    def _keep(self, flag: Flag, typed: str, value: Any) -> None:
        if flag.name in self.found:
            raise ArgumentError(f"{flag.name} is there twice ({self.found[flag.name][0]}, {typed}); give it once.")
        self.found[flag.name] = typed, value

    def _positional(self, words: list[str]) -> None:
        for flag in self.positionals:
            if flag.many:
                self._keep(flag, "", tuple(_meant(flag, flag.name, word) for word in words))
                return
            if words:
                word = words.pop(0)
                self._keep(flag, word, _meant(flag, flag.name, word))
        if words:
            raise ArgumentError(f"{self.command} has no place for {words[0]!r}.{self._flag_meant(words[0])}")

    def _flag_meant(self, word: str) -> str:
        name, _, value = word.partition("=")
        flag = self.by_name.get("--" + name.replace("_", "-"))
        if flag is None:
            return f" contrapose {self.command} --help shows what it takes."
        return f" Did you mean {f'{flag.name} {value}'.strip()!r}?"

    def _nearest(self, typed: str) -> str:
        """Who has it, else the flag that is spelled most like it, the last part of a dotted name by itself included."""
        wanted = "--" + typed.lstrip("-").replace("_", "-").lower()
        if MEANT.get(wanted) in self.by_name:
            return f" Did you mean {MEANT[wanted]!r}?"
        if found := self.owners(wanted):
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            return f" It is one of {', '.join(found[:SHOWN])}{more}: contrapose {self.command} --help shows its own."
        names = {name: name for name in (*self.by_name, *self.elsewhere)}
        names |= {f"--{name.rpartition('.')[2]}": name for name in self.by_name if "." in name}
        close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.6)
        return (
            f" Did you mean {names[close[0]]!r}?"
            if close
            else f" contrapose {self.command} --help shows those that it has."
        )


def _is_flag(word: str) -> bool:
    """`-1`, `-.5` and `-1e-3` are numbers; `-` alone is a name."""
    if not word.startswith("-") or word == "-":
        return False
    try:
        float(word)
    except ValueError:
        return True
    return False


def _meant(flag: Flag, name: str, word: str) -> Any:
    """A word as the value that it stands for."""
    if word == "None" and flag.optional:
        return None
    if flag.choices:
        if word not in flag.choices:
            near = difflib.get_close_matches(word, flag.choices, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ArgumentError(f"{name} must be one of {', '.join(flag.choices)}, got {word!r}.{hint}")
        return word
    if flag.kind in (int, float, Path):
        try:
            return flag.kind(word)
        except ValueError:
            raise ArgumentError(f"{name} must be {KINDS[flag.kind]}, got {word!r}.") from None
    return word


def _expected(flag: Flag) -> str:
    if flag.choices:
        return f": one of {', '.join(flag.choices)}"
    return f": {KINDS[flag.kind]}" if flag.kind in KINDS else ""


def _nested(values: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values:
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return tree
