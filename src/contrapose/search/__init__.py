"""Embeddings into neighbours: an index of pictures that can be asked for the ones most like another."""

from contrapose.search.index import Index
from contrapose.search.matches import Hit, Matches

__all__ = ["Hit", "Index", "Matches"]
