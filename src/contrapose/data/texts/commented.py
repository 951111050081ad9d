"""A comment of one column and the text of another as one text, written as its language writes them."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from contrapose.data.tables.foreign import is_missing


def commented(comment: Any, text: Any) -> Any:
    """The text below its comment; the text alone where there is no comment, and what is no text as it is.

    Python:       \"\"\"comment\"\"\", then the text
    all others:   /* comment */, then the text
    """
    if not isinstance(text, str) or is_missing(comment) or not str(comment).strip():
        return text
    said = str(comment).strip()
    if _is_python(text):
        plain = said.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""{plain}"""\n{text}'
    return f"/* {said.replace('*/', '* /')} */\n{text}"


def _is_python(text: str) -> bool:
    """Whether a text has a statement of Python other than words that happen to be an expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) for node in tree.body)
