"""Encoders of histories of items: a table of items, and a network above it."""

from contrapose.encoders.items.factory import build_items
from contrapose.encoders.items.item_encoder import ItemEncoder

__all__ = ["ItemEncoder", "build_items"]
