"""Made pictures by their name: `made:NAME`, with options of the generator behind a question mark."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import unquote

from contrapose.data.files.known_sets import MADE_BY_NAME
from contrapose.data.images.images import Images
from contrapose.data.images.made import MADE
from contrapose.data.images.request import Request
from contrapose.data.samples import NUMBER
from contrapose.errors import ArgumentError, did_you_mean

_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}


def open_made(name: str, request: Request) -> Images:
    """The pictures that `made:NAME?option=value&option=value` names, labelled by the question that is asked for.

    Arguments:
        name: an option's value may have its special characters as `%26` and the like.
        request: its `label_column` is one of the questions, its `number_column` any target.

    Errors:
        ArgumentError: an unknown generator, option or question, a value of another type, one that the generator
            refuses.
    """
    generator, options = _read(name)
    images = _asked(MADE[generator](**options), request, f"{MADE_BY_NAME}{generator}")
    images.origin = name
    return images


def _read(name: str) -> tuple[str, dict[str, Any]]:
    """The generator's name, and its options as Python has them."""
    generator, _, written = name.removeprefix(MADE_BY_NAME).partition("?")
    if generator not in MADE:
        raise ArgumentError(f"No pictures are made by the name {generator!r}.{did_you_mean(generator, MADE)}")
    known = _options(MADE[generator])
    given: dict[str, Any] = {}
    for part in written.split("&") if written else []:
        option, equals, value = part.partition("=")
        if option not in known:
            raise ArgumentError(f"{MADE_BY_NAME}{generator} has no option {option!r}.{did_you_mean(option, known)}")
        if not equals or option in given:
            wrong = "is given twice" if option in given else "has no value"
            example = f"{MADE_BY_NAME}{generator}?{option}=VALUE"
            raise ArgumentError(f"The option {option!r} in {name} {wrong}: write {example} once.")
        given[option] = _value(option, unquote(value), known[option])
    return generator, given


def _options(generator: Callable[..., Images]) -> dict[str, Any]:
    """The options of a generator that a text can hold, and their types."""
    hints = get_type_hints(generator)
    return {option: hints[option] for option in inspect.signature(generator).parameters}


def _value(option: str, text: str, hint: Any) -> Any:
    """What a text says to an option of this type: a number, a truth, one of some words, a text; None where it may be.

    Errors:
        ArgumentError: nothing of this type.
    """
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if type(None) in kinds and text.lower() == "none":
        return None
    for kind in kinds:
        if get_origin(kind) is Literal and text in get_args(kind):
            return text
        if kind is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
        if kind is str:
            return text
    words = [
        " or ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else _WORDS.get(kind, "none")
        for kind in kinds
    ]
    raise ArgumentError(f"{option}={text!r}: {option} is {' or '.join(words)}, e.g. {option}={_example(kinds[0])}.")


def _example(kind: Any) -> str:
    return str(get_args(kind)[0]) if get_origin(kind) is Literal else {int: "500", float: "0.5"}.get(kind, "true")


def _asked(images: Images, request: Request, name: str) -> Images:
    """The same pictures with the labels and the number that were asked for, at most so many, of the size asked for."""
    column, number = request.label_column, request.number_column
    if column is not None:
        if column not in images.names_of:
            raise ArgumentError(f"{name} has no classes {column!r}.{did_you_mean(column, images.names_of)}")
        images = images.with_labels(images.targets[column], images.names_of[column])
    elif len(images.names_of) > 1 and request.reads_labels:
        images.notes = (*images.notes, _choice(images))
    if number is not None:
        if number not in images.targets:
            raise ArgumentError(f"{name} has no number {number!r}.{did_you_mean(number, images.targets)}")
        images = images.with_target(NUMBER, images.targets[number])
    return images


def _choice(images: Images) -> str:
    """Which of several questions the labels answer, and how to ask another."""
    labels = images.labels
    asked = [
        question
        for question, names in images.names_of.items()
        if labels is not None and names == images.class_names and (images.targets[question] == labels).all()
    ]
    others = ", ".join(images.names_of)
    chosen = f"Labels by {asked[0]}" if asked else "No labels" if labels is None else "Labels of its own"
    return f"{chosen}; the pictures have {others}: --label-column (label_column=) chooses."
