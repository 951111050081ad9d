"""What a Python statement reads, writes and does besides: whether two of them may change places."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import NamedTuple

SIMPLE = (ast.Assign, ast.AnnAssign, ast.Pass)
"""Statements whose effects are names alone. One that adds in place (`a += b`) may change what another name means."""

DOES_MORE = (ast.Call, ast.Yield, ast.YieldFrom, ast.Await)
GOES_THROUGH = (ast.ListComp, ast.SetComp, ast.DictComp, ast.Starred, ast.In, ast.NotIn)
"""What asks something for its items, one by one: of an iterator they are gone then, so it is as good as a call."""
MAY_FAIL = (ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.Compare, ast.FormattedValue)


class Effects(NamedTuple):
    """The names that a statement reads and writes; a barrier does more, and nothing may pass it. And whether it may
    raise something."""

    reads: frozenset[str]
    writes: frozenset[str]
    barrier: bool
    fails: bool


def effects_of(statement: ast.stmt) -> Effects:
    """What a statement does, as far as its syntax tells.

    Barriers: calls, going through items (comprehensions, `in`, `*rows`, `a, b = rows`), stores to attributes and items,
    additions in place, yield and await, everything with a body, imports, `return` and its like, global, nonlocal, del,
    and strings that stand by themselves (docstrings). Operators, items and attributes that are read are taken to have
    no effects but that they may fail.
    """
    reads: set[str] = set()
    writes: set[str] = set()
    barrier = not isinstance(statement, SIMPLE) or _unpacks(statement)
    fails = False
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (reads if isinstance(node.ctx, ast.Load) else writes).add(node.id)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            barrier |= not isinstance(node.ctx, ast.Load)
        barrier |= isinstance(node, DOES_MORE + GOES_THROUGH)
        fails |= isinstance(node, MAY_FAIL)
    return Effects(frozenset(reads), frozenset(writes), barrier, fails)


def _unpacks(statement: ast.stmt) -> bool:
    """Whether it takes something apart that is not written out beside it, as that of `a, b = b, a` is."""
    if not isinstance(statement, ast.Assign):
        return False
    several = any(isinstance(target, ast.Tuple | ast.List) for target in statement.targets)
    return several and not isinstance(statement.value, ast.Tuple | ast.List)


def may_swap(first: ast.stmt, second: ast.stmt, *, shared: Collection[str] = (), guarded: bool = False) -> bool:
    """Whether neither needs what the other writes, and both do nothing else.

    Arguments:
        shared: names that others see too (global, nonlocal): they are not written earlier or later than they were.
        guarded: whether what one of them raises may be caught where the other's names are seen, as within `try`.
    """
    one, other = effects_of(first), effects_of(second)
    if one.barrier or other.barrier or (guarded and (one.fails or other.fails)):
        return False
    if not (one.writes | other.writes).isdisjoint(shared):
        return False
    return not (one.writes & (other.reads | other.writes) or other.writes & one.reads)
