"""Tiles of plain pairings: exponentials in place, in one piece of memory, without masks."""
