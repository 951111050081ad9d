from __future__ import annotations

import ast
from pathlib import Path

import pytest

import contrapose.evaluation

FILES = sorted(Path(contrapose.evaluation.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_slow_packages_are_imported_inside_functions_only(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not {name.split(".")[0] for name in names} & {"sklearn", "scipy", "rich", "pandas"}


def test_every_exported_name_is_there() -> None:
    for name in contrapose.evaluation.__all__:
        assert callable(getattr(contrapose.evaluation, name))  # a function or class, not its module
