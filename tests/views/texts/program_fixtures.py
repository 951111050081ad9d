"""Functions that mutated copies of are executed beside the originals: every way to bind a name that Python has."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from typing import Any

SOURCES = {
    "plain": """
def total(values, scale):
    '''Add up, scaled.'''
    count = 0
    result = 0
    for value in values:
        result = result + value * scale
        count = count + 1
    return result, count
""",
    "recursive": """
def fib(n):
    if n < 2:
        return n
    first = fib(n - 1)
    second = fib(n - 2)
    return first + second
""",
    "closures": """
def outer(values, scale):
    total = 0
    def inner(value):
        nonlocal total
        total += value * scale
        def innermost(value=value):
            return value + total
        return innermost()
    found = [inner(value) for value in values]
    last = lambda value, scale=scale: value * scale + total
    return found, last(3), total
""",
    "comprehensions": """
def shapes(values, scale):
    scale = scale + 1
    pairs = {value: [value + scale for scale in values if scale > value] for value in values}
    flat = [one for many in pairs.values() for one in many]
    squares = {one * one for one in flat}
    if (largest := max(flat, default=0)) > 3 and [last := one for one in values]:
        return sorted(squares), largest, last, sum(one for one in flat)
    return sorted(squares), largest, None, 0
""",
    "already_v0": """
def taken(values, scale):
    v0 = scale
    v1 = len(values)
    result = [v0 * value + v1 for value in values]
    return result
""",
    "text_and_keywords": """
def described(values, scale):
    width = 6
    value = sum(values)
    text = f"{value=} value {value!r:>{width}} {value:{width}d}"
    rest = dict(value=value, width=1, **{"scale": scale})
    return text + "value width", rest, "{value}".format(value=width)
""",
    "errors_and_patterns": """
def careful(values, scale):
    try:
        share = 10 // scale
    except ZeroDivisionError as error:
        share = str(error)
    finally:
        scale = -1
    match values:
        case [first, *rest] if first > 2:
            found = (first, rest)
        case [other] | [other, _]:
            found = other
        case {"one": first, **more}:
            found = (first, more)
        case _:
            found = scale
    del scale
    return share, found
""",
    "class_inside": """
def maker(values, scale):
    class Holder:
        scale = 5
        def __init__(self, values):
            self.values = values
            self.scale = scale
        def summed(self, extra=scale):
            return sum(self.values) * self.scale + extra + Holder.scale
    holder = Holder(values)
    return holder.summed(), Holder.scale, holder.scale
""",
    "builtins_and_imports": """
def mixed(values, scale):
    import math as maths
    from itertools import chain
    length = len(values)
    ordered = sorted(chain(values, [scale]), key=abs)
    return maths.floor(length * 1.5), ordered, max(values, default=length), str(scale).upper()
""",
    "keyword_only": """
def named(values, scale, *rest, factor=2, **options):
    def helper(value, factor):
        return value * factor + len(rest) + len(options)
    return [helper(value=value, factor=factor) for value in values], scale
""",
    "straight_line": """
def steps(values, scale):
    a = scale
    b = 2
    c = a
    a = b
    d = (a, c)
    e = values[:1]
    f = len(e)
    g = [x for x in d]
    b = 7
    return a, b, c, d, e, f, g
""",
}
NAME = {source.split("(")[0].split()[-1]: key for key, source in SOURCES.items()}
REFLECTIVE = "def seen(a, b):\n    c = a + b\n    return locals()\n"


def function_of(source: str) -> Callable[..., Any]:
    """The only function of a source, whatever it is called."""
    (name,) = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    namespace: dict[str, Any] = {}
    exec(compile(source, "fixture", "exec"), namespace)
    return namespace[name]


def answers(source: str, *, draws: int = 12, seed: int = 0) -> list[Any]:
    """What the function gives on random inputs, or the name of what it raises."""
    function, numbers = function_of(source), random.Random(seed)
    alone = len(ast.parse(source).body[0].args.args) == 1  # type: ignore[attr-defined]
    found = []
    for _ in range(draws):
        values = [numbers.randint(-4, 6) for _ in range(numbers.randint(0, 5))]
        scale = numbers.randint(-3, 3)
        try:
            found.append(function(abs(scale) + 4) if alone else function(values, scale))
        except Exception as error:  # both sides may raise, and then the same
            found.append(type(error).__name__)
    return found
