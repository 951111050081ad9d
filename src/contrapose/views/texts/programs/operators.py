"""The nine operators by name: five of programs, four of comments; of Python by its syntax, else by tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.views.texts.programs.comments import bt_offline, copy_word, delete_word, switch_words
from contrapose.views.texts.programs.mutation import Mutate, Mutation
from contrapose.views.texts.programs.python_names import rename_function, rename_variables
from contrapose.views.texts.programs.python_scopes import parsed
from contrapose.views.texts.programs.python_statements import drop_statement, insert_dead_code, swap_statements
from contrapose.views.texts.programs.token_names import rename_function_by_tokens, rename_variables_by_tokens
from contrapose.views.texts.programs.token_statements import (
    drop_statement_by_tokens,
    insert_dead_code_by_tokens,
    swap_statements_by_tokens,
)

PROGRAM_OPERATORS = ("rename_function", "rename_variables", "dead_code", "reorder", "sampling")
"""RFN, RVN, IDC, RO and SP of the paper. All but sampling, which leaves a statement out, keep the meaning."""
COMMENT_OPERATORS = ("bt_offline", "delete", "switch", "copy")
"""BT, D, S and C of the paper; `bt_offline` translates nothing, it has a small lexicon."""

_PYTHON: Mapping[str, Callable[..., Mutation]] = {
    "rename_function": rename_function,
    "rename_variables": rename_variables,
    "dead_code": insert_dead_code,
    "reorder": swap_statements,
    "sampling": drop_statement,
}
_TOKENS: Mapping[str, Callable[..., Mutation]] = {
    "rename_function": rename_function_by_tokens,
    "rename_variables": rename_variables_by_tokens,
    "dead_code": insert_dead_code_by_tokens,
    "reorder": swap_statements_by_tokens,
    "sampling": drop_statement_by_tokens,
}
_COMMENTS: Mapping[str, Mutate] = {
    "bt_offline": bt_offline,
    "delete": delete_word,
    "switch": switch_words,
    "copy": copy_word,
}
BORROWED = 0.5
"""Share of renamings whose new names are of the pool, where there is one; the others are v0, v1, ... [design]: a name
that other functions have may mislead, one that nobody has says nothing."""


def mutate_program(
    text: str, operator: str, random: np.random.Generator, *, pool: Sequence[str] = (), python: bool | None = None
) -> Mutation:
    """Apply one operator to a program.

    Arguments:
        operator: one of `PROGRAM_OPERATORS`.
        pool: names for what is renamed, from which half of the renamings take theirs.
        python: whether the text is Python; None: that is seen from whether it parses. All else goes by tokens.

    Errors:
        ArgumentError: no such operator.
    """
    if operator not in _PYTHON:
        raise ArgumentError(f"No operator of programs is called {operator!r}.{did_you_mean(operator, _PYTHON)}")
    python = parsed(text) is not None if python is None else python
    apply = (_PYTHON if python else _TOKENS)[operator]
    if operator.startswith("rename") and len(pool) and random.random() < BORROWED:
        apply = partial(apply, pool=pool)
    return apply(text, random)


def mutate_comment(text: str, operator: str, random: np.random.Generator) -> Mutation:
    """Apply one operator, of `COMMENT_OPERATORS`, to a comment.

    Errors:
        ArgumentError: no such operator.
    """
    if operator not in _COMMENTS:
        raise ArgumentError(f"No operator of comments is called {operator!r}.{did_you_mean(operator, _COMMENTS)}")
    return _COMMENTS[operator](text, random)
