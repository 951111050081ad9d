"""New names for variables and functions of programs that are no Python, by their tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contrapose.views.texts.programs.mutation import Mutation, fresh_names, unchanged
from contrapose.views.texts.programs.tokens import Token, is_code, tokens_of

_KEYWORDS = """
abstract and as assert async await base bool boolean break byte case catch char checked class const continue debugger
decimal default def defer del delete do double dynamic echo else elif elsif end enum ensure except export extends
false final finally fixed float fn for foreach from func function global go goto if implements import in instanceof
int interface internal is let lock long map match module namespace native new nil none not null object operator or
out override package params pass private protected public raise range readonly ref rescue return sbyte sealed select
self short sizeof static strictfp string struct super switch synchronized then this throw throws trait transient true
try type typeof uint ulong undefined unless unsafe until use ushort using val var virtual void volatile when where
while with yield
"""
_TYPES = """
bool boolean byte char const decimal double dynamic final float int let long object sbyte short string uint ulong
ushort val var
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""Words of the languages, in small letters; none is anybody's name, and no type but a built-in one is among them."""

TYPES = frozenset(_TYPES.split())
"""Those of them behind which a variable is declared."""

BEHIND = frozenset({"=", ";", ",", ")", ":", "in", ":="})
"""What stands behind a name that is declared."""
REACHES = frozenset({".", "->", "::", "?."})
"""Behind these stands a member of something, whose name is not the function's to change."""


def rename_variables_by_tokens(
    text: str, random: np.random.Generator, *, count: int | None = None, pool: Sequence[str] = ()
) -> Mutation:
    """As `rename_variables` of Python, of other languages: what stands behind a type (`int n`, `List<T> rows`, `var n`,
    `let n`), before `:=`, or begins with `$`, wherever the same word stands as no member and is not called.

    By tokens, strings and comments left alone, and not by scopes: all variables of one name are one. So the meaning is
    kept as long as the text is a whole function and names no key of an object as it does a variable.
    """
    tokens = tokens_of(text)
    code = [place for place, token in enumerate(tokens) if is_code(token)]
    variables = _declared(tokens, code)
    if not variables or count == 0:
        return unchanged(text)
    if count is None:
        count = int(random.integers(1, len(variables) + 1))
    order = random.permutation(len(variables))[:count].tolist()
    taken = {token.text.lstrip("$ ") for token in tokens if token.kind == "name"} | KEYWORDS
    new = fresh_names(taken, len(order), random, pool)
    names = {variables[place]: name for place, name in zip(order, new, strict=True)}
    places = [place for at, place in enumerate(code) if tokens[place].text in names and _is_variable(tokens, code, at)]
    return Mutation(_with(tokens, places, names), True, len(order))


def rename_function_by_tokens(text: str, random: np.random.Generator, *, pool: Sequence[str] = ()) -> Mutation:
    """Another name for the first function of a program that is no Python: the first word that is called or declared
    with `(` behind it and a body `{` behind that, wherever it stands as no member of anything but `this`."""
    tokens = tokens_of(text)
    code = [place for place, token in enumerate(tokens) if is_code(token)]
    name = _own_name(tokens, code)
    if name is None:
        return unchanged(text)
    taken = {token.text for token in tokens if token.kind == "name"} | KEYWORDS
    numbered = [f"f{number}" for number in range(len(taken) + 1)]
    (new,) = fresh_names(taken, 1, random, pool or [next(one for one in numbered if one not in taken)])
    places = []
    for at, place in enumerate(code):
        before = [tokens[one].text for one in code[max(0, at - 2) : at]]
        member = before[-1:] != [] and before[-1] in REACHES and before[:1] not in (["this"], ["$this"], ["self"])
        if tokens[place].text == name and not member:
            places.append(place)
    return Mutation(_with(tokens, places, {name: new}), True, 1)


def _declared(tokens: list[Token], code: list[int]) -> list[str]:
    """The names of variables that are declared, in order."""
    found: dict[str, None] = {}
    for at, place in enumerate(code):
        token = tokens[place]
        if token.kind != "name" or token.text.lower() in KEYWORDS or token.text == "$this":
            continue
        before = tokens[code[at - 1]] if at else Token("mark", "")
        behind = tokens[code[at + 1]].text if at + 1 < len(code) else ""
        typed = before.text in (">", "]", "?") if before.kind == "mark" else before.text.lower() in TYPES
        typed |= before.kind == "name" and before.text.lower() not in KEYWORDS
        if token.text.startswith("$") or behind == ":=" or (typed and behind in BEHIND):
            found[token.text] = None
    return [*found]


def _is_variable(tokens: list[Token], code: list[int], at: int) -> bool:
    """Whether a name stands for a variable there: it is no member of something, and is not called."""
    before = tokens[code[at - 1]].text if at else ""
    behind = tokens[code[at + 1]].text if at + 1 < len(code) else ""
    return before not in REACHES and behind != "("


def _own_name(tokens: list[Token], code: list[int]) -> str | None:
    """The first word with parameters and a body behind it."""
    for at, place in enumerate(code[:-1]):
        token = tokens[place]
        if token.kind != "name" or token.text.lower() in KEYWORDS or tokens[code[at + 1]].text != "(":
            continue
        depth = 0
        for end in range(at + 1, len(code)):
            depth += {"(": 1, ")": -1}.get(tokens[code[end]].text, 0)
            if depth == 0:
                rest = [tokens[one].text for one in code[end + 1 :]]
                body = rest.index("{") if "{" in rest else len(rest)
                return token.text if body < len(rest) and ";" not in rest[:body] else None
    return None


def _with(tokens: list[Token], places: Sequence[int], names: dict[str, str]) -> str:
    """The text with other names at these places; what begins with `$` keeps that."""
    texts = [token.text for token in tokens]
    for place in places:
        old = texts[place]
        texts[place] = old[: len(old) - len(old.lstrip("$ "))] + names[old]
    return "".join(texts)
