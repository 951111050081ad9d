"""New names for the variables of a Python function, and for the function itself; what it does stays the same."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Sequence

import numpy as np

from contrapose.views.texts.programs.mutation import Mutation, fresh_names, unchanged
from contrapose.views.texts.programs.python_scopes import Binding, Function, Names, parsed, unparsed

OWN_NAMES = frozenset((*dir(builtins), *keyword.kwlist, *keyword.softkwlist))
CUSTOM = frozenset({"self", "cls"})
"""What everybody calls the first parameter of a method; nobody renames it [design]."""


def rename_variables(
    text: str, random: np.random.Generator, *, count: int | None = None, pool: Sequence[str] = ()
) -> Mutation:
    """Give local variables and parameters of functions new names, at every place that means them.

    By scope analysis of the syntax tree. Names of others stay: built-in and imported ones, attributes, globals, those
    of functions and classes, `self` and `cls`, names that begin with two underscores; and parameters that callers may
    have to name, which are those behind `*` and those that a call within the text names. Where something looks at the
    names of variables (`locals()`, `eval`), nothing is renamed.

    Arguments:
        random: draws which variables, and their new names. Of one state of it, those of a smaller `count` are among
            those of a larger one, with the same new names.
        count: k, how many; all where there are fewer, as `Mutation.number` says. None: drawn from one to all.
        pool: names to take, as far as the text has them nowhere; then v0, v1, ...

    What is written is `ast.unparse`'s, without comments and layout. Of a text that is no Python: not applied.
    """
    tree = parsed(text)
    if tree is None:
        return unchanged(text)
    names = Names(tree)
    variables = renamable(names)
    if not variables or count == 0:
        return unchanged(text)
    if count is None:
        count = int(random.integers(1, len(variables) + 1))
    drawn = _drawn(names, variables, count, random, pool)
    for variable, name in drawn:
        variable.rename(name)
    written = unparsed(tree)
    return unchanged(text) if written is None else Mutation(written, True, len(drawn))


def renamed_one_by_one(
    text: str, random: np.random.Generator, *, most: int, pool: Sequence[str] = ()
) -> list[Mutation]:
    """What `rename_variables` gives from the same state of `random` with 1, 2, ..., `most` variables, or with all."""
    tree = parsed(text)
    names = None if tree is None else Names(tree)
    variables = [] if names is None else renamable(names)
    if tree is None or names is None or not variables:
        return []
    found: list[Mutation] = []
    for number, (variable, name) in enumerate(_drawn(names, variables, most, random, pool), 1):
        variable.rename(name)
        written = unparsed(tree)
        if written is None:
            return []
        found.append(Mutation(written, True, number))
    return found


def _drawn(
    names: Names, variables: Sequence[Binding], count: int, random: np.random.Generator, pool: Sequence[str]
) -> list[tuple[Binding, str]]:
    """Which variables get which names."""
    order = random.permutation(len(variables))[:count].tolist()
    new = fresh_names(names.taken | OWN_NAMES, len(order), random, pool)
    return [(variables[place], name) for place, name in zip(order, new, strict=True)]


def renamable(names: Names) -> list[Binding]:
    """The variables and parameters that may have other names."""
    if names.watched:
        return []
    return [
        binding
        for binding in names.bindings
        if binding.scope.kind in ("function", "comprehension")
        and not binding.how & {"import", "def", "keyword"}
        and not (binding.how & {"parameter"} and binding.name in names.keywords)
        and not binding.name.startswith("__")
        and binding.name not in CUSTOM
    ]


def local_names(text: str) -> list[str]:
    """The names of a text that `rename_variables` may change, each once; none of what is no Python."""
    tree = parsed(text)
    return [] if tree is None else [*dict.fromkeys(one.name for one in renamable(Names(tree)))]


def rename_function(text: str, random: np.random.Generator, *, pool: Sequence[str] = ()) -> Mutation:
    """Give the first function of a Python text another name, wherever the text speaks of it: where it calls itself too.

    Not applied to names that begin with two underscores, to a method that speaks of itself as an attribute of its
    first parameter (`self.name`), to one whose decorators speak of it, where the name itself is looked at (`globals()`,
    `name.__name__`), and to what is no Python.

    Arguments:
        random, pool: as of `rename_variables`; without a pool the name is f0, or the next one that is free.
    """
    tree = parsed(text)
    function = None if tree is None else next((one for one in tree.body if isinstance(one, Function)), None)
    if tree is None or function is None or function.name.startswith("__"):
        return unchanged(text)
    names = Names(tree)
    if names.watched or "globals" in names.taken or _speaks_of_itself(function):
        return unchanged(text)
    binding = next(one for one in names.bindings if one.scope.kind == "module" and one.name == function.name)
    if binding.how & {"import"}:
        return unchanged(text)
    taken = names.taken | OWN_NAMES
    numbered = (f"f{number}" for number in range(len(taken) + 1))
    name = fresh_names(taken, 1, random, pool)[0] if len(pool) else next(one for one in numbered if one not in taken)
    binding.rename(name)
    written = unparsed(tree)
    return unchanged(text) if written is None else Mutation(written, True, 1)


def _speaks_of_itself(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is spoken of in its decorators, as an attribute of its first parameter, or by its name."""
    around = (node for one in function.decorator_list for node in ast.walk(one))
    if any(isinstance(node, ast.Name) and node.id == function.name for node in around):
        return True
    told = {(function.name, attribute) for attribute in ("__name__", "__qualname__")}
    told |= {(one.arg, function.name) for one in [*function.args.posonlyargs, *function.args.args][:1]}
    return any(
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in told
        for node in ast.walk(function)
    )
