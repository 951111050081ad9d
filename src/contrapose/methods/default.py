"""The method that a training takes when none is named."""

from __future__ import annotations

DEFAULT_METHOD = "simclr"
"""A name in `METHODS`."""

DEFAULT_REASON = "the baseline that everything is compared with"
"""Why this one: it ends the sentence `No method was named, so this is simclr, ...`."""
