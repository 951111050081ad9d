"""`contrapose methods`: every method by the question it answers, what it is for, its paper. No torch here."""

from __future__ import annotations

import textwrap

from rich.console import Console

from contrapose.methods import METHODS, WithBase
from contrapose.methods.about import QUESTIONS


def print_methods(*, first: str | None = None) -> None:
    """Print each method with its purpose and its paper, grouped by the question it answers.

    An address is never broken, however narrow the terminal: it could not be followed.

    Arguments:
        first: the method that stands above all questions.
    """
    console = Console(highlight=False)
    if first is not None:
        console.print("\n[bold]The default[/bold]")
        _print(console, first)
    for question in QUESTIONS:
        names = [name for name, kind in METHODS.items() if kind.about.question == question and name != first]
        if names:
            console.print(f"\n[bold]{question[0].upper()}{question[1:]}[/bold]")
        for name in names:
            _print(console, name)


def _print(console: Console, name: str) -> None:
    about = METHODS[name].about
    margin = max(map(len, METHODS)) + 2
    method = METHODS[name]
    given = [] if method.verb == "train" else [f"a trained encoder: contrapose {method.verb} {name} RUN"]
    base = ["a frozen encoder: --base"] if issubclass(method, WithBase) and method.base_is_needed else []
    needs = " and ".join(["labels"] * about.needs_labels + given + base)
    width = max(margin + 20, min(console.width, 120))
    for number, text in enumerate((about.purpose + (f" (needs {needs})" if needs else ""), about.paper)):
        lines = textwrap.fill(
            text,
            width,
            initial_indent=" " * margin if number else name.ljust(margin),
            subsequent_indent=" " * margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
        console.print(lines, markup=False, soft_wrap=True)
