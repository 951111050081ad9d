"""Statements of programs that are no Python, by their tokens: dead code, two that change places, one left out."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from contrapose.views.texts.programs.mutation import Mutation, unchanged
from contrapose.views.texts.programs.token_names import KEYWORDS, TYPES
from contrapose.views.texts.programs.tokens import Token, is_code, tokens_of

NEVER = "if (false) { }"
"""A branch that is never taken, in C# and Java, C++, JavaScript, PHP and Go alike."""

BARRIERS = frozenset({"(", ")", "{", "}", "[", "++", "--", "=>", "->", ".", "+=", "-=", "*=", "/=", "&&", "||", "?"})
"""A statement with one of these may do more than set a variable; `.` reads or writes a member."""


class Statement(NamedTuple):
    """Tokens from `start` up to its semicolon at `end`, both included."""

    start: int
    end: int


def insert_dead_code_by_tokens(text: str, random: np.random.Generator) -> Mutation:
    """A branch that is never taken, before a statement of a program with braces. Without one: not applied."""
    tokens = tokens_of(text)
    statements = _statements(tokens)
    if not statements:
        return unchanged(text)
    place = statements[int(random.integers(len(statements)))].start
    return Mutation(_text([*tokens[:place], Token("mark", f"{NEVER} "), *tokens[place:]]), True, 1)


def swap_statements_by_tokens(text: str, random: np.random.Generator) -> Mutation:
    """Two neighbouring statements that only set variables (`a = b;`) change places, where neither needs the other's."""
    tokens = tokens_of(text)
    statements = _statements(tokens)
    free = [
        (one, other)
        for one, other in pairwise(statements)
        if not any(is_code(token) for token in tokens[one.end + 1 : other.start]) and _may_swap(tokens, one, other)
    ]
    if not free:
        return unchanged(text)
    one, other = free[int(random.integers(len(free)))]
    between = tokens[one.end + 1 : other.start]
    first, second = tokens[one.start : one.end + 1], tokens[other.start : other.end + 1]
    return Mutation(_text([*tokens[: one.start], *second, *between, *first, *tokens[other.end + 1 :]]), True, 1)


def drop_statement_by_tokens(text: str, random: np.random.Generator) -> Mutation:
    """Leave out one statement that ends with a semicolon, out of two or more."""
    tokens = tokens_of(text)
    statements = _statements(tokens)
    if len(statements) < 2:
        return unchanged(text)
    gone = statements[int(random.integers(len(statements)))]
    return Mutation(_text([*tokens[: gone.start], *tokens[gone.end + 1 :]]), True, 1)


def _statements(tokens: list[Token]) -> list[Statement]:
    """What stands in braces between `{`, `}` or `;` and a `;`, none of it in parentheses, and follows no condition."""
    found: list[Statement] = []
    braces, depth, start = 0, 0, -1
    for place, token in enumerate(tokens):
        if not is_code(token):
            continue
        if token.text in "{}":
            braces += 1 if token.text == "{" else -1
            start = -1 if braces < 1 or depth else place + 1
        elif token.text in ("(", ")"):
            depth += 1 if token.text == "(" else -1
        elif token.text == ";" and depth == 0 and braces > 0:
            first = next((one for one in range(max(start, 0), place) if is_code(tokens[one])), place)
            alone = tokens[first].text not in (
                "if",
                "else",
                "for",
                "foreach",
                "while",
                "do",
                "case",
                "default",
                "using",
            )
            if start >= 0 and first < place and alone:
                found.append(Statement(first, place))
            start = place + 1
    return found


def _may_swap(tokens: list[Token], one: Statement, other: Statement) -> bool:
    first, second = (_effects(tokens[at.start : at.end]) for at in (one, other))
    if first is None or second is None or first == second:
        return False
    return first[0] not in second[1] and second[0] not in first[1]


def _effects(tokens: list[Token]) -> tuple[str, frozenset[str]] | None:
    """The variable that a statement sets, and all names in it; None where it may do more."""
    code = [token for token in tokens if is_code(token)]
    texts = [token.text for token in code]
    if texts.count("=") != 1 or BARRIERS.intersection(texts):
        return None
    at = texts.index("=")
    names = [token.text for token in code if token.kind == "name"]
    if at == 0 or code[at - 1].kind != "name" or {name.lower() for name in names} & (KEYWORDS - TYPES - _VALUES):
        return None
    return texts[at - 1], frozenset(names)


_VALUES = frozenset({"true", "false", "null", "nil", "undefined", "none", "static"})


def _text(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)
