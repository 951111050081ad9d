"""`contrapose methods`: every method by the question it answers, what it is for, its paper. No torch here."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from contrapose.methods import METHODS
from contrapose.methods.method import QUESTIONS


def print_methods() -> None:
    """Print one row a method, grouped by the question it answers."""
    console = Console(highlight=False)
    widest = max(map(len, METHODS))
    for question in QUESTIONS:
        answers = [(name, kind.about) for name, kind in METHODS.items() if kind.about.question == question]
        if not answers:
            continue
        console.print(f"\n[bold]{question[0].upper()}{question[1:]}[/bold]")
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, width=widest)
        table.add_column(overflow="fold", ratio=3)
        table.add_column(overflow="fold", ratio=2)
        for name, about in answers:
            labels = " (needs labels)" if about.needs_labels else ""
            table.add_row(name, f"{about.purpose}{labels}", about.paper)
        console.print(table)
