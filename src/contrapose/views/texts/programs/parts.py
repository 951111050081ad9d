"""A text of a program as its two parts: what is said of it, and the program."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from contrapose.views.texts.programs.python_scopes import parsed, unparsed
from contrapose.views.texts.programs.tokens import is_code, tokens_of

_DECORATION = re.compile(r"^[ \t]*(?:/\*+|\*+/|\*|//+|\#+)?[ \t]?|\*+/[ \t]*$", re.MULTILINE)
PROGRAM = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Parts(NamedTuple):
    """Comment W and program C of a text; either may be empty."""

    comment: str
    program: str
    python: bool


def parts_of(text: str) -> Parts:
    """Take a text apart.

    Of Python, the docstring of its first function or class, or the one that the text begins with; the program is then
    what is left, as `ast.unparse` writes it. Of other programs, the comments before the first word. Of a comment its
    first paragraph is taken, as CodeSearchNet does, in one line.
    """
    tree = parsed(text)
    if tree is None or not any(isinstance(node, ast.stmt) and not isinstance(node, ast.Expr) for node in tree.body):
        return _parts_by_tokens(text)
    comment = ""
    for node in [tree, *(one for one in tree.body if isinstance(one, PROGRAM))][:2]:
        said = ast.get_docstring(node)
        if said is not None:
            node.body[0:1] = [] if len(node.body) > 1 or node is tree else [ast.Pass()]
            comment = comment or said
    program = unparsed(ast.fix_missing_locations(tree))
    return Parts(first_paragraph(comment), text if program is None else program, True)


def together(comment: str, program: str) -> str:
    """One text of both, the comment first; vocabularies learned here have no token between them."""
    return f"{comment}\n{program}" if comment and program else comment or program


def first_paragraph(comment: str) -> str:
    """What stands before the first blank line, in one line."""
    return " ".join(comment.strip().split("\n\n")[0].split())


def _parts_by_tokens(text: str) -> Parts:
    tokens = tokens_of(text)
    first = next((place for place, token in enumerate(tokens) if is_code(token)), len(tokens))
    said = "\n".join(_DECORATION.sub("", token.text).strip() for token in tokens[:first] if token.kind == "comment")
    program = "".join(token.text for token in tokens[first:])
    return Parts(first_paragraph(said), program, False) if program else Parts("", text, False)
