"""Encoders whose output can be made as narrow as a method wants it, without a layer of its own."""

from __future__ import annotations

NARROW = ("small_conv", "tiny_conv", "micro_conv")
"""Their argument `embedding` is the length of what they give."""
