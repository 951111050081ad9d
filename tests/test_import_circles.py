"""No module imports another that imports it, not even for its types, nor inside a function."""

from __future__ import annotations

import ast
from pathlib import Path

import contrapose

SOURCE = Path(contrapose.__file__).parent


def module_of(path: Path, source: Path) -> str:
    parts = path.relative_to(source.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: Path) -> dict[str, set[str]]:
    """Module -> the modules of the same package that it names in an import."""
    modules = {module_of(path, source): path for path in sorted(source.rglob("*.py"))}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                # `from package import module` names the module; of anything else, the module that holds it
                inner = {f"{node.module}.{name.name}" for name in node.names}
                found |= {name if name in modules else node.module for name in inner}
        graph[module] = (found & modules.keys()) - {module}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        left = [start]
        while left:
            for other in graph[left.pop()] - seen:
                seen.add(other)
                left.append(other)
        reached[start] = seen
    groups = {tuple(sorted(b for b in graph if b in reached[a] and a in reached[b])) for a in graph}
    return [list(group) for group in sorted(groups) if len(group) > 1]


def test_there_are_no_import_circles() -> None:
    assert circles(imports_of(SOURCE)) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from house.b import B\n")
    (package / "b.py").write_text("def b():\n    from house import c\n")
    (package / "c.py").write_text("if TYPE_CHECKING:\n    import house.a\n")
    (package / "d.py").write_text("import house.a\n")
    assert circles(imports_of(package)) == [["house.a", "house.b", "house.c"]]
