"""Functions of Python sources, as they are written, each once. Nothing of them is imported or run."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from contrapose.data.files.names import printable
from contrapose.data.samples import Skipped
from contrapose.data.tables.text_files import read_text
from contrapose.data.texts.docstrings import modules
from contrapose.data.texts.found import Found
from contrapose.errors import DataError
from contrapose.words import counted

SOURCES = (".py",)
LEAST_LINES = 5
MOST_LINES = 60
"""Shorter functions of a library say little, longer ones are cut anyway [design]."""
LEAST_OWN = 2
"""Of the user's own functions those of one line are left out; there is nothing in them to change [design]."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def library_functions(folder: Path) -> Iterator[tuple[str, str]]:
    """The functions and methods below `folder` of 5 to 60 lines, as `module.name` and source, in the order of modules.

    Each comes once: of two that differ in docstring, layout or the function's own name alone, the first. Sources that
    this Python cannot parse are passed over.
    """
    seen: set[str] = set()
    for module, path in sorted(modules(folder)):
        try:
            source = path.read_bytes().decode()
        except (OSError, ValueError):
            continue
        yield from _new(seen, functions(source, module, least=LEAST_LINES, most=MOST_LINES) or ())


def functions(source: str, module: str, *, least: int, most: int | None = None) -> list[tuple[str, str, str]] | None:
    """The functions of a source and of its classes: name, text as it is written, and what identifies it; None for a
    source that cannot be parsed.

    Arguments:
        least, most: lines that a function may have.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = re.split(r"\r\n|\r|\n", source)  # as `ast` counts: for `splitlines` a form feed ends a line too
    found = []
    for name, node in _defined(tree, module):
        assert node.end_lineno is not None, "it was parsed"
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
        length = node.end_lineno - first
        if length < least or (most is not None and length > most):
            continue
        text = textwrap.dedent("\n".join(lines[first : node.end_lineno]))
        if text[:1].isspace():  # a string in it goes on at the left margin
            text = ast.unparse(node)
        found.append((name, text, _identity(node)))
    return found


def functions_of(paths: Sequence[Path], folder: Path) -> Found:
    """The functions of Python files, called by file and name; what cannot be parsed is skipped and told of.

    Errors:
        DataError: no function in any of them.
    """
    seen: set[str] = set()
    found: list[tuple[str, str]] = []
    skipped: list[Skipped] = []
    for path in paths:
        name = printable(os.path.relpath(path, folder).replace(os.sep, "/"))
        try:
            of_file = functions(read_text(path), name, least=LEAST_OWN)
        except DataError:
            of_file = None
        if of_file is None:
            skipped.append(Skipped(name, "no Python that could be parsed"))
        else:
            found += _new(seen, of_file)
    if not found:
        raise DataError(
            f"{counted(len(paths), 'Python file')} of {folder} {'has' if len(paths) == 1 else 'have'} no function of "
            f"{LEAST_OWN} lines or more{f', {len(skipped)} of them cannot be parsed' if skipped else ''}: give others."
        )
    notes = [f"A text is a function of Python: {len(found):,} different ones in {counted(len(paths), 'file')}."]
    if skipped:
        notes.append(f"{counted(len(skipped), 'file')} that this Python cannot parse passed over: {skipped[0].path}.")
    return Found(
        cells=[text for _, text in found],
        identifiers=[name for name, _ in found],
        where=str(folder),
        origin=printable(f"functions of {folder}"),
        notes=tuple(notes),
    )


def list_sources(folder: Path) -> list[Path]:
    """The Python files below a folder, hidden ones and those in hidden folders aside, sorted by path."""
    inside = ((path, path.relative_to(folder).parts) for path in folder.rglob("*"))
    return sorted(path for path, parts in inside if path.suffix.lower() in SOURCES and not _is_hidden(parts))


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in parts)


def _defined(node: ast.AST, name: str) -> Iterator[tuple[str, Function]]:
    """Functions of a module and its classes, those under a condition too; not those within functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{name}.{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _defined(child, f"{name}.{child.name}")
        elif isinstance(child, ast.If | ast.Try | ast.ExceptHandler | ast.With):
            yield from _defined(child, name)


def _identity(node: Function) -> str:
    """What is the same of two functions that differ in docstring, layout and their own name alone."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    parts = [node.args, *node.decorator_list, *body]
    return hashlib.sha256("".join(map(ast.dump, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def _new(seen: set[str], found: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Names and texts of those whose identity was not seen before."""
    new = []
    for name, text, identity in found:
        if identity not in seen:
            seen.add(identity)
            new.append((name, text))
    return new
