"""The claims by name, and claims that a researcher declares in a file of their own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path

from contrapose.claims.claim import Claim
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.registry import Registry

CLAIMS: Registry[Claim] = Registry("claim")

HOUSE = "contrapose.claims.published"
"""The package whose modules each declare claims."""


def register(claim: Claim) -> Claim:
    """Make a claim known to `contrapose reproduce`."""
    return CLAIMS.register(claim.name)(claim)


def load_published() -> None:
    """Import every module of `claims/published`, which register their claims."""
    house = importlib.import_module(HOUSE)
    for module in pkgutil.iter_modules(house.__path__):
        importlib.import_module(f"{HOUSE}.{module.name}")


def find_claim(name: str) -> Claim:
    """A registered claim, or the one that a Python file declares as `CLAIM`.

    Errors:
        ArgumentError: no such claim, no such file, or a file without `CLAIM`.
    """
    if name.endswith(".py"):
        return _from_file(Path(name))
    load_published()
    if name not in CLAIMS:
        raise ArgumentError(
            f"Unknown claim {name!r}.{did_you_mean(name, CLAIMS)} Known: {', '.join(CLAIMS)}; a file of your own that "
            "declares CLAIM works as well."
        )
    return CLAIMS[name]


def _from_file(path: Path) -> Claim:
    if not path.is_file():
        raise ArgumentError(f"{path} does not exist; give a Python file that declares CLAIM, or a claim's name.")
    spec = importlib.util.spec_from_file_location(f"contrapose_claim_{path.stem}", path)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    claim = getattr(module, "CLAIM", None)
    if not isinstance(claim, Claim):
        raise ArgumentError(f"{path} declares no claim; it must set CLAIM = contrapose.claims.Claim(...).")
    return claim
