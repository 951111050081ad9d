"""A plain lexer for programs of any language with braces: words, numbers, strings, comments and marks, nothing lost."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?(?:\*/|\Z) | \#(?!\s*(?:include|define|if|endif|else|pragma|region))[^\n]* )
  | (?P<string> \"\"\".*?(?:\"\"\"|\Z) | '''.*?(?:'''|\Z)
    | [@$]*"(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? | `(?:\\.|[^`\\])*`? )
  | (?P<number> \d[\w.]* )
  | (?P<name> [^\W\d]\w* | \$[ ]?[^\W\d]\w* )
  | (?P<blank> \s+ )
  | (?P<mark> -> | :: | => | \+\+ | -- | := | [-+*/%&|^<>=!?]=+ | && | \|\| | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of a program, and what it is: comment, string, number, name, blank or mark."""

    kind: str
    text: str


def tokens_of(text: str) -> list[Token]:
    """The tokens of a program; put together they are the text again.

    Strings and comments are one token each, those of C and its relatives, of JavaScript (template strings too), PHP,
    Go, C# and Python alike. It is no parser: a regular expression of JavaScript is taken for marks and names.
    """
    return [Token(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(text)]


def is_code(token: Token) -> bool:
    """Whether a token is part of the program, and not a comment or a blank."""
    return token.kind not in ("comment", "blank")
