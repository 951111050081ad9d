"""Names of a package that are imported when they are first used.

`import contrapose` and `contrapose --help` must not load torch, yet `contrapose.objectives.nt_xent` has to be there. A
package lists where each of its names lives; Python asks its `__getattr__` (PEP 562) on first use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_exports(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`, from each name's home module.

    Arguments:
        package: the package's `__name__`.
        homes: name -> the module it is defined in, or the module itself when the name is that module's own.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = importlib.import_module(homes[name])
        return home if homes[name] == f"{package}.{name}" else getattr(home, name)

    def __dir__() -> list[str]:  # noqa: N807
        return sorted(homes)

    return __getattr__, __dir__
