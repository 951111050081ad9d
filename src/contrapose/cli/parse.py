"""Words into an options dataclass."""

from __future__ import annotations

from typing import Any


def parse(kind: Any, words: list[str], command: str) -> Any:
    """Read `words` into the dataclass `kind`; tyro explains what does not fit and leaves with status 2."""
    import tyro

    return tyro.cli(kind, args=words, prog=f"contrapose {command}", config=(tyro.conf.OmitSubcommandPrefixes,))
