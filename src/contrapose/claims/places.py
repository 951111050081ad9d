"""Where the pictures of a claim come from, and where its records lie: known without loading anything heavy."""

from __future__ import annotations

from pathlib import Path

CIFAR10 = "hub:uoft-cs/cifar10"
"""Where CIFAR-10 comes from when no folder is given."""

PUBLISHED = Path(__file__).parent / "records"
"""The records that come with the package, one file a claim."""

OWN = Path("results/claims")
"""In the working folder: what was measured by whoever uses the package."""

_CHECKOUT = PUBLISHED.parents[3]  # src/contrapose/claims/records


def place_of(claim: str) -> Path:
    """The folder for a new record of `claim`, a name or a file.

    In a checkout of contrapose a published claim's record belongs among those that the package ships; everywhere else,
    and for a claim of one's own, it is the user's.
    """
    if claim.endswith(".py") or not Path.cwd().is_relative_to(_CHECKOUT):
        return OWN
    try:
        project = (_CHECKOUT / "pyproject.toml").read_text()
    except OSError:
        return OWN
    return PUBLISHED if 'name = "contrapose"' in project else OWN  # not a project that has us in a folder of its own
