"""Mutations of Python: renamed functions do what they did, statements that depend stay in order."""

from __future__ import annotations

import ast
import builtins

import numpy as np
import pytest
from program_fixtures import REFLECTIVE, SOURCES, answers

from contrapose.views.texts.programs.python_effects import may_swap
from contrapose.views.texts.programs.python_names import local_names, rename_function, rename_variables
from contrapose.views.texts.programs.python_scopes import Names
from contrapose.views.texts.programs.python_statements import drop_statement, insert_dead_code, swap_statements


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def canonical(source: str) -> str:
    """The syntax tree with every name of a function called by the order in which it is first spoken of."""
    tree = ast.parse(source)
    names = Names(tree)
    for number, binding in enumerate(one for one in names.bindings if one.scope.kind != "class"):
        if "import" not in binding.how:
            binding.rename(f"name_{number}")
    return ast.dump(tree)


def attributes(source: str) -> list[str]:
    return sorted(node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute))


def keywords(source: str) -> list[str]:
    return sorted(str(node.arg) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.keyword))


def built_in(source: str) -> list[str]:
    found = [node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    return sorted(name for name in found if hasattr(builtins, name))


@pytest.mark.parametrize("key", SOURCES)
def test_renamed_functions_give_what_they_gave(key: str) -> None:
    source = SOURCES[key]
    for seed in range(6):
        mutant = rename_variables(source, random(seed))
        assert mutant.applied
        assert mutant.number >= 1
        assert answers(mutant.text) == answers(source)
        assert canonical(mutant.text) == canonical(ast.unparse(ast.parse(source)))
        assert mutant.text != ast.unparse(ast.parse(source))
    for apply in (rename_function, insert_dead_code):
        mutant = apply(source, random(3))
        assert mutant.applied
        assert answers(mutant.text) == answers(source)
        assert mutant.text != ast.unparse(ast.parse(source))


@pytest.mark.parametrize("key", SOURCES)
def test_what_is_not_the_functions_own_keeps_its_name(key: str) -> None:
    everything = rename_variables(SOURCES[key], random(), count=1000)
    for part in (attributes, keywords, built_in):
        assert part(everything.text) == part(SOURCES[key])
    old, new = (set(local_names(text)) for text in (SOURCES[key], everything.text))
    assert not old & new - {"v0", "v1"}, "everything that may be renamed was"
    assert everything.number == len({(one.name, id(one.scope)) for one in _renamable(SOURCES[key])})


def _renamable(source: str) -> list:
    from contrapose.views.texts.programs.python_names import renamable

    return renamable(Names(ast.parse(source)))


def test_no_new_name_is_one_that_is_there() -> None:
    source = SOURCES["already_v0"]
    for seed in range(8):
        found = rename_variables(source, random(seed), count=2, pool=["v0", "values", "len", "for", "fresh"])
        assert answers(found.text) == answers(source)
        assert "fresh" in found.text
    numbered = rename_variables(source, random(), count=1000)
    assert not {"v0", "v1"} & set(local_names(numbered.text)), "v0 and v1 were taken"


def test_more_than_there_are_is_all_and_says_how_many() -> None:
    source = "def f(a, b):\n    return a + b\n"
    assert [rename_variables(source, random(), count=k)[1:] for k in (0, 1, 2, 9)] == [
        (False, 0),
        (True, 1),
        (True, 2),
        (True, 2),
    ]
    smaller, larger = (rename_variables(SOURCES["plain"], random(5), count=k).text for k in (1, 3))
    once = set(local_names(SOURCES["plain"])) - set(local_names(smaller))
    thrice = set(local_names(SOURCES["plain"])) - set(local_names(larger))
    assert once < thrice
    assert set(local_names(smaller)) & {"v0", "v1"} <= set(local_names(larger))


@pytest.mark.parametrize(
    "source",
    [
        REFLECTIVE,
        "def f(a):\n    return eval('a')\n",
        "def f(self, *, name):\n    return self.name + name\n",
        "def f():\n    global g\n    g = 1\n    import os\n    return os.sep\n",
        "x = 1\nfor i in range(3):\n    x = i\n",
    ],
)
def test_names_that_others_see_stay(source: str) -> None:
    assert rename_variables(source, random()) == (source, False, 0)


def test_a_function_is_renamed_with_its_recursion_and_not_as_an_attribute() -> None:
    found = rename_function(SOURCES["recursive"], random())
    assert "fib" not in found.text
    assert found.text.count("f0(") == 3
    for source in (
        "def __init__(self):\n    pass\n",
        "def step(self, n):\n    return self.step(n - 1)\n",
        "@step.setter\ndef step(self, n):\n    self.n = n\n",
        "class A:\n    pass\n",
    ):
        assert rename_function(source, random()) == (source, False, 0)


@pytest.mark.parametrize(
    "apply", [rename_variables, rename_function, insert_dead_code, swap_statements, drop_statement]
)
@pytest.mark.parametrize("text", ["int f(int a) { return a; }", "what this does: nothing", "def broken(:", "a\0b"])
def test_what_is_no_python_is_left_as_it_is(apply: object, text: str) -> None:
    assert apply(text, random()) == (text, False, 0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("first", "second", "free"),
    [
        ("a = 1", "b = 2", True),
        ("a = x", "b = x", True),
        ("a = x.y", "b = x[0]", True),
        ("a: int = 1", "(b, c) = d, e", True),
        ("a: int = 1", "(b, c) = d", False),  # of an iterator two items are gone
        ("a = x in y", "b = 1", False),
        ("a = [*x]", "b = y", False),
        ("a = [x for x in y]", "b = 1", False),
        ("a = 1", "b = a", False),  # read after write
        ("a = b", "b = 1", False),  # write after read
        ("a = 1", "a = 2", False),  # write after write
        ("a = f()", "b = 2", False),
        ("a = 1", "b = [g(x) for x in y]", False),
        ("a.b = 1", "c = 2", False),
        ("a[0] = 1", "c = 2", False),
        ("a += b", "c = 2", False),
        ("a = 1", "del b", False),
        ("a = 1", "return 2", False),
        ("a = yield", "b = 2", False),
        ("a = await x", "b = 2", False),
        ("global c", "b = 2", False),
        ("a = 1", "import b", False),
        ("a = 1", "raise b", False),
        ("a = 1", "'a docstring'", False),
        ("a = (b := 1)", "c = b", False),
        ("a = lambda: b", "b = 1", False),
        ("a = (b + x for x in y)", "b = 1", False),
        ("a = 1", "if b: pass", False),
    ],
)
def test_only_independent_statements_may_change_places(first: str, second: str, free: bool) -> None:
    (function,) = ast.parse(f"async def f():\n    {first}\n    {second}\n").body
    one, other = function.body  # type: ignore[attr-defined]
    assert may_swap(one, other) is free
    assert may_swap(other, one) is free


@pytest.mark.parametrize("key", SOURCES)
def test_swapped_statements_give_what_they_gave(key: str) -> None:
    seen = set()
    for seed in range(12):
        found = swap_statements(SOURCES[key], random(seed))
        assert answers(found.text) == answers(SOURCES[key])
        seen.add(found.text)
    if key == "straight_line":
        assert len(seen) > 1
        assert SOURCES[key] not in seen
    if key == "recursive":
        assert seen == {SOURCES[key]}, "calls are barriers"


def test_a_dropped_statement_leaves_the_rest() -> None:
    lengths = set()
    for seed in range(20):
        found = drop_statement(SOURCES["plain"], random(seed))
        assert found.applied
        assert "Add up, scaled." in found.text
        lengths.add(sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(found.text))))
    whole = sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(SOURCES["plain"])))
    assert max(lengths) <= whole
    assert min(lengths) == whole - 3, "a loop goes with what is in it"
    assert drop_statement("def f():\n    pass\n", random()) == ("def f():\n    pass\n", False, 0)


def test_dead_code_stands_behind_docstrings_and_binds_nothing_that_is_read() -> None:
    for seed in range(12):
        found = insert_dead_code(SOURCES["plain"], random(seed), pool=["count", "spare"])
        body = ast.parse(found.text).body[0].body  # type: ignore[attr-defined]
        assert isinstance(body[0].value, ast.Constant)
        added = set(local_names(found.text)) - set(local_names(SOURCES["plain"]))
        assert added == {"spare"}
    watched = insert_dead_code(REFLECTIVE, random())
    assert answers(watched.text) == answers(REFLECTIVE), "a new variable would be seen"


WHERE_ORDER_IS_SEEN = {
    "caught": "def f(d):\n    n = 3\n    try:\n        a = d[0]\n        n = 1\n    except KeyError:\n        pass\n",
    "nonlocal": "def f(d):\n    n = 0\n    def g():\n        nonlocal n\n        n = 1\n        a = d['k']\n    g()\n",
    "class": "def f():\n    class A:\n        if True:\n            a = 1\n            b = 2\n    return [*vars(A)]\n",
}


@pytest.mark.parametrize("key", WHERE_ORDER_IS_SEEN)
def test_where_others_see_the_order_statements_stay(key: str) -> None:
    source = WHERE_ORDER_IS_SEEN[key]
    assert not swap_statements(source, random()).applied


@pytest.mark.parametrize(
    "source",
    [
        "def f(a):\n    import builtins\n    return builtins.eval('a')\n",
        "def f(a):\n    def g(b): return b\n    return g.__annotations__\n",
    ],
)
def test_names_that_are_looked_at_by_other_ways_stay(source: str) -> None:
    assert not rename_variables(source, random()).applied


def test_what_a_class_declares_global_is_so_in_its_own_body_alone() -> None:
    source = (
        "def f(x):\n    class C:\n        global x\n        def m(self):\n            return x\n    return C().m()\n"
    )
    assert "return v0" in rename_variables(source, random()).text


@pytest.mark.parametrize("seen", ["globals()['f'](n)", "f.__name__", "f.__qualname__"])
def test_a_function_whose_name_is_looked_at_keeps_it(seen: str) -> None:
    assert not rename_function(f"def f(n):\n    return {seen}\n", random()).applied
