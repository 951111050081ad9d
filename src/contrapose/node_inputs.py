"""`NodeInputs`: what the nodes of graphs hold. Data and encoders of graphs speak of their nodes in these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contrapose.errors import ArgumentError

KINDS = ("tags", "degree", "features")
UNKNOWN = -1
"""The tag of a node of which nothing is known: one that an encoder has not seen, or that a view hides."""


@dataclass(frozen=True)
class NodeInputs:
    """Tags, degrees, or numbers.

    A tag is the place of its value among `values`. A degree is a tag too: how many edges a node has in the graph as it
    was opened, the last value for all that have as many or more. Numbers are F features a node.

    Arguments:
        kind: "tags", "degree" or "features".
        values: of tags and degrees, what each is called.
        features: of features, how many there are.

    Errors:
        ArgumentError: another kind, tags without values or with the same one twice, no features.
    """

    kind: Literal["tags", "degree", "features"]
    values: tuple[str, ...] = ()
    features: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ArgumentError(f"Nodes hold one of {', '.join(KINDS)}, not {self.kind!r}.")
        if self.kind == "features" and (type(self.features) is not int or self.features < 1):
            raise ArgumentError(f"Features of nodes are numbers, one at least; got {self.features!r}.")
        if self.kind != "features" and (not self.values or len(set(self.values)) != len(self.values)):
            raise ArgumentError(f"Tags of nodes need distinct values, got {self.values!r}.")

    @property
    def are_numbers(self) -> bool:
        """Whether nodes hold features rather than tags."""
        return self.kind == "features"

    def shown(self, tag: int) -> str:
        """A tag as people read it."""
        if tag == UNKNOWN:
            return "unknown"
        more = " or more" if self.kind == "degree" and tag == len(self.values) - 1 else ""
        return f"{'degree ' if self.kind == 'degree' else ''}{self.values[tag]}{more}"

    def in_words(self) -> str:
        """What there is of them: "7 tags"."""
        if self.kind == "degree":
            return "their degrees as tags"
        count = self.features if self.are_numbers else len(self.values)
        noun = "feature" if self.are_numbers else "tag"
        return f"{count:,} {noun}{'' if count == 1 else 's'}"

    def to_json(self) -> dict[str, Any]:
        """As `encoder.json` keeps it."""
        held = {"features": self.features} if self.are_numbers else {"values": list(self.values)}
        return {"kind": self.kind, **held}

    @classmethod
    def from_json(cls, found: Any) -> NodeInputs:
        """What `to_json` has written.

        Errors:
            ArgumentError: something else.
        """
        values = found.get("values", ()) if isinstance(found, Mapping) else None
        if not isinstance(values, list | tuple) or "kind" not in found:
            raise ArgumentError(f"nodes must be a group of keys with a kind, got {found!r}.")
        return cls(found["kind"], tuple(map(str, values)), found.get("features", 0))


def degrees(most: int) -> NodeInputs:
    """Degrees from 0 to `most`, which stands for all above it."""
    return NodeInputs("degree", tuple(map(str, range(most + 1))))
