"""What configurations are made of: frozen dataclasses that check themselves, alone or as parts of a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contrapose.errors import OptionError

SHOWN = 60  # characters of a wrong value


@dataclass(frozen=True, kw_only=True)
class Options:
    """The base of every group of options; a subclass checks its own fields in `__post_init__`, after `super()`'s."""

    def __post_init__(self) -> None:
        pass

    def _check(self, name: str, good: bool, expected: str) -> None:
        if not good:
            given = repr(getattr(self, name))
            shown = given if len(given) <= SHOWN else f"{given[:SHOWN]}..."
            raise OptionError(f"{name} must be {expected}, got {shown}.", name)

    def _check_choice(self, name: str, known: tuple[Any, ...]) -> None:
        self._check(name, getattr(self, name) in known, f"one of {', '.join(map(str, known))}")
