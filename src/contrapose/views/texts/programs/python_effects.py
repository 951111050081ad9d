"""What a Python statement reads, writes and does besides: whether two of them may change places."""

from __future__ import annotations

import ast
from typing import NamedTuple

SIMPLE = (ast.Assign, ast.AnnAssign, ast.Pass)
"""Statements whose effects are names alone. One that adds in place (`a += b`) may change what another name means."""

DOES_MORE = (ast.Call, ast.Yield, ast.YieldFrom, ast.Await)


class Effects(NamedTuple):
    """The names that a statement reads and writes; a barrier does more, and nothing may pass it."""

    reads: frozenset[str]
    writes: frozenset[str]
    barrier: bool


def effects_of(statement: ast.stmt) -> Effects:
    """What a statement does, as far as its syntax tells.

    Barriers: calls, stores to attributes and items, additions in place, yield and await, everything with a body,
    imports, `return` and its like, global, nonlocal, del, and strings that stand by themselves (docstrings). Operators,
    items and attributes that are read are taken to have no effects of their own.
    """
    reads: set[str] = set()
    writes: set[str] = set()
    barrier = not isinstance(statement, SIMPLE)
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (reads if isinstance(node.ctx, ast.Load) else writes).add(node.id)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            barrier |= not isinstance(node.ctx, ast.Load)
        barrier |= isinstance(node, DOES_MORE)
    return Effects(frozenset(reads), frozenset(writes), barrier)


def may_swap(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether neither needs what the other writes, and both do nothing else."""
    one, other = effects_of(first), effects_of(second)
    if one.barrier or other.barrier:
        return False
    return not (one.writes & (other.reads | other.writes) or other.writes & one.reads)
