"""Who is meant by a name in Python: which scope binds it, and everywhere that binding is spoken of."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["module", "class", "function", "comprehension"]

LOOKS_AT_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir"})
"""Built-in functions that see the names of variables: beside them, a name is part of what a program does."""
LOOKS_AT_FRAMES = frozenset(
    {"currentframe", "_getframe", "f_locals", "__code__", "__annotations__", "get_type_hints", "getfullargspec"}
)
BUILT_IN = frozenset({"builtins", "__builtins__"})

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """Where a name stands: a field of a node, and of a list in it which item."""

    node: ast.AST
    field: str
    item: int | None = None

    def write(self, name: str) -> None:
        if self.item is None:
            setattr(self.node, self.field, name)
        else:
            getattr(self.node, self.field)[self.item] = name


@dataclass(eq=False)
class Scope:
    """A scope: what it binds, and how."""

    kind: Kind
    outer: Scope | None = None
    bound: dict[str, set[str]] = field(default_factory=dict)  # name -> how: parameter, keyword, import, def, variable
    elsewhere: set[str] = field(default_factory=set)  # declared global or nonlocal
    globals: set[str] = field(default_factory=set)
    said: list[tuple[str, Place]] = field(default_factory=list)

    def bind(self, name: str, how: str) -> None:
        self.bound.setdefault(name, set()).add(how)

    def binder(self, name: str) -> Scope | None:
        """The scope whose name it is; None: a built-in one, or one of somewhere else."""
        scope: Scope | None = self
        if name in self.globals:
            while scope is not None and scope.outer is not None:
                scope = scope.outer
            return scope if scope is not None and name in scope.bound else None
        while scope is not None:
            own = name in scope.bound and name not in scope.elsewhere
            if own and (scope is self or scope.kind != "class"):
                return scope
            if name in scope.globals and scope.kind != "class":  # a class declares for its own body alone
                return scope.binder(name)
            scope = scope.outer
        return None


@dataclass(eq=False)
class Binding:
    """A name of one scope, and all places that mean it."""

    name: str
    scope: Scope
    places: list[Place]

    @property
    def how(self) -> set[str]:
        return self.scope.bound[self.name]

    def rename(self, name: str) -> None:
        for place in self.places:
            place.write(name)


class Names(ast.NodeVisitor):
    """All bindings of a module: scope by scope, and in each in the order in which they are first spoken of.

    Attributes:
        bindings: see `Binding`.
        taken: every identifier that stands anywhere, attributes and keywords among them.
        keywords: names by which arguments are handed over.
        watched: whether something in it looks at the names of variables (`locals()`, `eval`).
    """

    def __init__(self, tree: ast.Module) -> None:
        self.scope = Scope("module")
        self.keywords: set[str] = set()
        self.taken: set[str] = set()
        self.watched = False
        scopes = [self.scope]
        self._scopes = scopes
        self.visit(tree)
        found: dict[tuple[int, str], Binding] = {}
        for scope in scopes:
            for name, place in scope.said:
                owner = scope.binder(name)
                if owner is None:
                    self.watched |= name in LOOKS_AT_NAMES
                    continue
                found.setdefault((id(owner), name), Binding(name, owner, [])).places.append(place)
        self.watched |= bool(LOOKS_AT_FRAMES & self.taken)
        self.bindings = [*found.values()]

    def _say(self, name: str, place: Place, how: str | None = None, scope: Scope | None = None) -> None:
        scope = scope or self.scope
        self.taken.add(name)
        scope.said.append((name, place))
        if how is not None:
            scope.bind(name, how)

    def _within(self, kind: Kind, nodes: Iterable[ast.AST | None], arguments: ast.arguments | None = None) -> None:
        """Visit nodes in a scope of their own."""
        self.scope = Scope(kind, self.scope)
        self._scopes.append(self.scope)
        if arguments is not None:
            for one in (*arguments.posonlyargs, *arguments.args, arguments.vararg, arguments.kwarg):
                if one is not None:
                    self._say(one.arg, Place(one, "arg"), "parameter")
            for one in arguments.kwonlyargs:
                self._say(one.arg, Place(one, "arg"), "keyword")
        self._all(nodes)
        assert self.scope.outer is not None
        self.scope = self.scope.outer

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _outside(self, arguments: ast.arguments) -> None:
        """What of a signature is evaluated around the function."""
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        self._all([*arguments.defaults, *arguments.kw_defaults, *(one.annotation for one in every if one is not None)])

    def visit_FunctionDef(self, node: Any) -> None:
        self._say(node.name, Place(node, "name"), "def")
        self._all(node.decorator_list)
        self._outside(node.args)
        self._all([node.returns])
        self._within("function", [*getattr(node, "type_params", []), *node.body], node.args)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._outside(node.args)
        self._within("function", [node.body], node.args)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._say(node.name, Place(node, "name"), "def")
        self._all([*node.decorator_list, *node.bases, *node.keywords])
        self._within("class", [*getattr(node, "type_params", []), *node.body])

    def _comprehension(self, node: Any) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        inside = [part for one in others for part in (one.target, one.iter, *one.ifs)]
        self._within("comprehension", [first.target, *first.ifs, *inside, *made])

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        scope = self.scope
        while scope.kind == "comprehension" and scope.outer is not None:
            scope = scope.outer
        self._say(node.target.id, Place(node.target, "id"), "variable", scope)
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        self._say(node.id, Place(node, "id"), None if isinstance(node.ctx, ast.Load) else "variable")

    def visit_Global(self, node: Any) -> None:
        for item, name in enumerate(node.names):
            self._say(name, Place(node, "names", item))
        self.scope.elsewhere.update(node.names)
        if isinstance(node, ast.Global):
            self.scope.globals.update(node.names)

    visit_Nonlocal = visit_Global  # noqa: N815

    def visit_alias(self, node: ast.alias) -> None:
        name = node.asname or node.name.partition(".")[0]
        self.taken.add(name)
        self.scope.bind(name, "import")

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._captured(node, "name")

    def visit_MatchAs(self, node: Any) -> None:
        self._captured(node, "name")

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._captured(node, "rest")

    def _captured(self, node: ast.AST, field: str) -> None:
        name = getattr(node, field)
        if name is not None:
            self._say(name, Place(node, field), "variable")
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg is not None:
            self.keywords.add(node.arg)
            self.taken.add(node.arg)
        self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.taken.add(node.attr)
        of_python = isinstance(node.value, ast.Name) and node.value.id in BUILT_IN
        self.watched |= of_python and node.attr in LOOKS_AT_NAMES
        self.visit(node.value)

    def generic_visit(self, node: ast.AST) -> None:
        if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):  # since Python 3.12
            self.scope.bind(node.name, "import")  # type: ignore[attr-defined]
        super().generic_visit(node)


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a Python text; None for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings, which are the text's own business
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unparsed(tree: ast.AST) -> str | None:
    """The text of a tree; None for one that is nested too deeply."""
    try:
        return ast.unparse(tree)
    except RecursionError:
        return None
