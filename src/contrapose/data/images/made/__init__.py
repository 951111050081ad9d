"""Pictures that are made, not found: each file is a generator of pictures of which everything is known.

A generator is a function `NAME(count=..., *, seed=..., ...) -> Images`. Its options have annotations and defaults: the
command line reads them in `--data made:NAME?count=500&seed=1`. The pictures' labels are the question that is asked
of them unless told otherwise; every question there is, that one too, is a target of its own, by `with_classes`, and a
column to `--label-column`; plain numbers are targets without class names, and columns to `--number-column`.
"""

from __future__ import annotations

from collections.abc import Callable

from contrapose.data.images.images import Images
from contrapose.data.images.made.canvases import canvases
from contrapose.data.images.made.fields import fields
from contrapose.data.images.made.fingerprints import fingerprints
from contrapose.data.images.made.scenes import scenes
from contrapose.data.images.made.superposition import superposition
from contrapose.data.images.made.tint import tint
from contrapose.data.images.made.trifeature import trifeature
from contrapose.data.images.made.turned import turned

MADE: dict[str, Callable[..., Images]] = {
    "canvases": canvases,
    "fields": fields,
    "fingerprints": fingerprints,
    "scenes": scenes,
    "superposition": superposition,
    "tint": tint,
    "trifeature": trifeature,
    "turned": turned,
}
"""Generators by the name that stands behind `made:`."""

__all__ = ["MADE", "canvases", "fields", "fingerprints", "scenes", "superposition", "tint", "trifeature", "turned"]
