"""`FrameForm`: what an encoder of sequences takes, and what a frame becomes before the network sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrapose.errors import ArgumentError

STREAMS = ("joint", "motion", "bone")


@dataclass(frozen=True)
class FrameForm:
    """The shape of a frame and how it is prepared.

    Arguments:
        joints: J; 0 of plain channels.
        channels: C.
        frames: steps that every sequence is brought to; 0: as long as they are.
        stream: "joint", the numbers themselves; "motion", from each frame to the next; "bone", from each joint's
            parent to it.
        centre: the joint whose place in the first frame is subtracted; -1: the mean of all joints there; None: nothing.
        parents: of each joint, the root its own; for "bone".
        skeleton: what the tree is called.
        mean, scale: F numbers each, F = J·C or C, of the training data; a constant has scale 1.

    Errors:
        ArgumentError: numbers that do not fit each other.
    """

    joints: int
    channels: int
    frames: int
    stream: str = "joint"
    centre: int | None = None
    parents: tuple[int, ...] | None = None
    skeleton: str | None = None
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.stream not in STREAMS:
            raise ArgumentError(f"stream is {self.stream!r}; it must be one of {', '.join(STREAMS)}.")
        if self.stream == "bone" and self.parents is None:
            raise ArgumentError(
                "stream bone (--stream) is of joints that hang on each other, and which do is not known here: name the "
                "skeleton (--skeleton), or take joint or motion."
            )
        if self.centre is not None and not -1 <= self.centre < max(self.joints, 0):
            raise ArgumentError(f"centre is {self.centre}, and there are {self.joints} joints.")
        for name in ("mean", "scale"):
            given: Sequence[float] = getattr(self, name)
            if len(given) not in (0, self.features) or (name == "scale" and not all(one > 0 for one in given)):
                raise ArgumentError(f"{name} needs {self.features} numbers, scale above 0; got {len(given)}.")

    @property
    def features(self) -> int:
        """F."""
        return self.channels * max(self.joints, 1)

    @property
    def step(self) -> tuple[int, ...]:
        """The shape of a frame."""
        return (self.joints, self.channels) if self.joints else (self.channels,)

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> FrameForm:
        known: dict[str, Any] = {name: found[name] for name in cls.__dataclass_fields__}
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
        }
        return cls(**plain)
