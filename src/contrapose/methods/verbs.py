"""What is done by a method: it trains an encoder, attacks one that is trained, or repairs one that is suspect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods.method import METHODS, name_of
from contrapose.shell import shell_command

if TYPE_CHECKING:
    from contrapose.methods.method import Method

VERBS = {
    "train": "trains an encoder",
    "attack": "measures how fragile a trained encoder is",
    "repair": "makes a trained encoder fall for less: for a planted trigger, or for known patches",
}
"""The verbs, and what a method of each does: the end of a sentence that begins with its name."""

MANY = 8
"""Methods that a sentence names; more are to be looked up."""


def methods_of(verb: str) -> tuple[str, ...]:
    """The names of the methods whose verb it is."""
    return tuple(name for name, method in METHODS.items() if method.verb == verb)


def check_verb(method: type[Method] | Method, verb: str) -> None:
    """Pass a method whose verb it is.

    Errors:
        ArgumentError: it has another one, which the sentence types out.
    """
    if method.verb == verb:
        return
    name = name_of(method)
    others = methods_of(verb)
    known = f" To {verb} there is {', '.join(others)}." if 0 < len(others) <= MANY else ""
    raise ArgumentError(f"{name} {VERBS[method.verb]}: {usage(method.verb, name)}.{known}")


def method_for(verb: str, name: str) -> type[Method]:
    """The method of this name, whose verb it is.

    Errors:
        ArgumentError: an unknown name, or a method of another verb.
    """
    if name not in METHODS:
        raise ArgumentError(f"No method of `{verb}` is called {name!r}.{did_you_mean(name, methods_of(verb))}")
    check_verb(METHODS[name], verb)
    return METHODS[name]


def verb_of(record: Mapping[str, Any]) -> str:
    """The verb of a run, by its record; `train` where its method is not known here."""
    name = str(record.get("method"))
    return METHODS[name].verb if name in METHODS else "train"


def usage(verb: str, name: str) -> str:
    """How a method of this verb is called from the command line."""
    run = [] if verb == "train" else ["RUN"]
    return shell_command(verb, name, *run, "--data", "DATA")
