"""Histories of items: who took what, one after the other."""

from contrapose.data.items.histories import Histories, Prefixes
from contrapose.data.items.opening import open_items

__all__ = ["Histories", "Prefixes", "open_items"]
