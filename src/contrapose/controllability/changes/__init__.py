"""Changes of the edges of graphs that leave all distances from leaders as they are."""

from contrapose.controllability.changes.control import CHANGES, Change, ControlEdits, Edited

__all__ = ["CHANGES", "Change", "ControlEdits", "Edited"]
