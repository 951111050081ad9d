"""`contrapose methods`: every method, what it is for, modality, paper. No torch here."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from contrapose.methods import METHODS
from contrapose.methods.method import QUESTIONS


def print_methods() -> None:
    """Print one row a method, grouped by the question it answers."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("method", no_wrap=True)
    for column in ("what it is for", "modality", "paper"):
        table.add_column(column, overflow="fold")
    for question in QUESTIONS:
        answers = [(name, method.about) for name, method in METHODS.items() if method.about.question == question]
        if answers:
            table.add_row("", f"[bold]{question[0].upper()}{question[1:]}[/bold]", "", "")
        for name, about in answers:
            table.add_row(name, about.purpose, about.modality, about.paper)
        if answers:
            table.add_section()
    Console(highlight=False).print(table)
