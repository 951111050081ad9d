"""`contrapose methods`: every method, what it is for, modality, paper. No torch here."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from contrapose.methods import METHODS


def print_methods() -> None:
    """Print one row a method."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("method", no_wrap=True)
    for column in ("what it is for", "modality", "paper"):
        table.add_column(column, overflow="fold")
    for name, method in METHODS.items():
        table.add_row(name, method.about.purpose, method.about.modality, method.about.paper)
    Console(highlight=False).print(table)
