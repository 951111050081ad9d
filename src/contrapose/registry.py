"""A registry: names to things, where an unknown name is an error that suggests the nearest one.

Registering is testing: the common checks in `tests/` run over every entry of every registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from contrapose.errors import ArgumentError, did_you_mean

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Names of one kind of thing (`noun`), in the order in which they were registered.

    Arguments:
        remedy: a sentence more for whoever asks for an unknown name.
    """

    def __init__(self, noun: str, *, remedy: str = "") -> None:
        self.noun = noun
        self.remedy = remedy
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: `@ENCODERS.register("resnet18")`. A name can be taken once."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise ArgumentError(f"{self.noun} {name!r} is registered already.")
            self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            hint = did_you_mean(str(name), self._entries)
            raise ArgumentError(f"Unknown {self.noun} {name!r}.{hint} {self.remedy}".rstrip()) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
