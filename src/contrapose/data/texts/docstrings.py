"""The docstrings of Python's own library, read from its sources: nothing of it is imported or run."""

from __future__ import annotations

import ast
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = ("test", "tests", "idlelib", "lib2to3", "ensurepip", "turtledemo", "site-packages", "dist-packages")
"""Folders with tests, programs and copies of other people's code."""

LEAST_WORDS = 5
"""Shorter ones ("Return self.") are said of hundreds of functions [design]."""


def library_folder() -> Path:
    """Where the sources of the running Python's library lie."""
    return Path(sysconfig.get_paths()["stdlib"])


def docstrings(folder: Path) -> Iterator[tuple[str, str]]:
    """What is documented below `folder`, as `module.object` and its text, in the order of module names and lines.

    Each name and each text comes once, the first time. Sources that this Python cannot parse are passed over.
    """
    names: set[str] = set()
    texts: set[str] = set()
    for module, path in sorted(modules(folder)):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError, RecursionError):
            continue
        for name, text in _documented(tree, module):
            if len(text.split()) >= LEAST_WORDS and name not in names and text not in texts:
                names.add(name)
                texts.add(text)
                yield name, text


def modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names of modules and their files, in no order."""
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name not in LEFT_OUT and name.isidentifier()]
        package = Path(place).relative_to(folder).parts
        for name in files:
            module, suffix = os.path.splitext(name)  # noqa: PTH122 - text, for thousands of files
            if suffix == ".py" and module.isidentifier() and module not in LEFT_OUT:
                own = () if module == "__init__" else (module,)
                yield ".".join((*package, *own)), Path(place, name)


def _documented(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """The docstrings of a module, class or function, and of what is defined within; not within functions."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node)
        if text:
            yield name, text
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _documented(child, f"{name}.{child.name}")
        elif isinstance(child, ast.If | ast.Try | ast.ExceptHandler | ast.With):  # definitions under a condition
            yield from _documented(child, name)
