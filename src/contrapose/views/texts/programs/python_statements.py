"""Statements of a Python function: one more that does nothing, two that change places, one that is left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contrapose.views.texts.programs.mutation import Mutation, fresh_names, unchanged
from contrapose.views.texts.programs.python_effects import may_swap
from contrapose.views.texts.programs.python_names import OWN_NAMES
from contrapose.views.texts.programs.python_scopes import Function, Names, parsed, unparsed

GUARDS = (ast.Try, getattr(ast, "TryStar", ast.Try), ast.With, ast.AsyncWith)
"""Within these an exception may be caught, and what was done before it is seen."""
CONSTANTS = ("0", "1", "None", "True", "''", "[]")


def insert_dead_code(text: str, random: np.random.Generator, *, pool: Sequence[str] = ()) -> Mutation:
    """Put in one statement that does nothing: a variable that nobody reads, or a branch that is never taken.

    Anywhere in a function (of a text without one, anywhere), behind its docstring. Of what is no Python: not applied.

    Arguments:
        pool: names that the variable may have, as of `rename_variables`.
    """
    tree = parsed(text)
    if tree is None:
        return unchanged(text)
    names = Names(tree)
    (name,) = fresh_names(names.taken | OWN_NAMES, 1, random, pool)
    statement = f"{name} = {CONSTANTS[int(random.integers(len(CONSTANTS)))]}"
    if names.watched:
        statement = "if False:\n    pass"  # a variable would be seen
    elif random.integers(2):
        statement = f"if False:\n    {statement}"
    inside = [one for one in tree.body if isinstance(one, Function)]
    blocks = [block for one in inside for block in _blocks(one)] or [tree.body]
    block = blocks[int(random.integers(len(blocks)))]
    place = int(random.integers(_first(block), len(block) + 1))
    block[place:place] = ast.parse(statement).body
    return _written(text, tree)


def swap_statements(text: str, random: np.random.Generator) -> Mutation:
    """Let two neighbouring statements of one block change places, neither of which depends on the other (`may_swap`).

    Not applied where there are no such two, and to what is no Python.
    """
    tree = parsed(text)
    if tree is None:
        return unchanged(text)
    declared = (node.names for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal))
    shared = {name for names in declared for name in names}
    guarded = _inside(tree, GUARDS)
    free = [
        (block, place)
        for block in _blocks(tree)
        for place in range(len(block) - 1)
        if may_swap(block[place], block[place + 1], shared=shared, guarded=id(block[place]) in guarded)
        and ast.dump(block[place]) != ast.dump(block[place + 1])
    ]
    if not free:
        return unchanged(text)
    block, place = free[int(random.integers(len(free)))]
    block[place], block[place + 1] = block[place + 1], block[place]
    return _written(text, tree)


def drop_statement(text: str, random: np.random.Generator) -> Mutation:
    """Leave out one statement, with all that is in it: a positive that is nearly the same and means something else.

    Never the last statement but one that there is, a docstring, or the definition that is the whole text.
    """
    tree = parsed(text)
    if tree is None:
        return unchanged(text)
    outer = tree.body if len(tree.body) != 1 or not hasattr(tree.body[0], "body") else None
    blocks = [block for block in _blocks(tree) if block is not tree.body or outer is not None]
    places = [(block, place) for block in blocks for place in range(_first(block), len(block))]
    places = [(block, place) for block, place in places if not isinstance(block[place], ast.Pass | ast.Global)]
    if not places or (outer is not None and len(places) == 1):
        return unchanged(text)
    block, place = places[int(random.integers(len(places)))]
    del block[place]
    if not block:
        block.append(ast.Pass())
    return _written(text, tree)


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """All lists of statements, those within others too, but not those of classes, whose names and order all see."""
    of_classes = _inside(tree, (ast.ClassDef,))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) or id(node) in of_classes:
            continue
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block


def _inside(tree: ast.AST, kinds: tuple[type[Any], ...]) -> set[int]:
    """What is in the body of such statements, however deep, but not what is in functions defined there."""
    found: set[int] = set()
    waiting = [child for node in ast.walk(tree) if isinstance(node, kinds) for child in node.body]
    while waiting:
        node = waiting.pop()
        if id(node) not in found and not isinstance(node, Function):
            found.add(id(node))
            parts = (ast.stmt, ast.ExceptHandler, ast.match_case)
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, parts)]
    return found


def _first(block: list[ast.stmt]) -> int:
    """The first place behind docstrings and imports from the future."""
    place = 0
    for statement in block:
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not docstring and not future:
            break
        place += 1
    return place


def _written(text: str, tree: ast.Module) -> Mutation:
    written = unparsed(ast.fix_missing_locations(tree))
    return unchanged(text) if written is None else Mutation(written, True, 1)
