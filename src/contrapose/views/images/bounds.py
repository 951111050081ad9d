"""Between which numbers each option of the image views may lie, and what a number outside of them is told."""

from __future__ import annotations

import math
from typing import Any

from contrapose.errors import OptionError

_ABOVE_0 = math.ulp(0.0)  # the smallest float above 0, so that all bounds can be inclusive
_POSITIVE = (_ABOVE_0, math.inf)
_SHARE = (0.0, 1.0)
_SOME_SHARE = (_ABOVE_0, 1.0)

# Inclusive bounds of every numeric option; a pair NAME_min, NAME_max is checked for its order besides.
BOUNDS: dict[str, tuple[float, float]] = {
    "count": (1, math.inf),
    "weak_count": (0, math.inf),
    "size": (1, math.inf),
    "crop_scale_min": _SOME_SHARE,
    "crop_scale_max": _SOME_SHARE,
    "crop_ratio_min": _POSITIVE,
    "crop_ratio_max": _POSITIVE,
    "flip_probability": _SHARE,
    "shared_orientation_probability": _SHARE,
    "rotation_degrees": (0.0, 180.0),
    "shear_degrees": (0.0, 80.0),
    "translation": _SHARE,
    "zoom_min": _POSITIVE,
    "zoom_max": _POSITIVE,
    "elastic_strength": _SHARE,
    "elastic_cells": (2, math.inf),
    "colour_probability": _SHARE,
    "brightness": (0.0, math.inf),
    "contrast": (0.0, math.inf),
    "saturation": (0.0, math.inf),
    "hue": (0.0, 0.5),
    "grey_probability": _SHARE,
    "blur_probability": _SHARE,
    "blur_sigma_min": (0.0, math.inf),
    "blur_sigma_max": (0.0, math.inf),
    "solarize_probability": _SHARE,
    "solarize_threshold": _SHARE,
    "erase_probability": _SHARE,
    "erase_scale_min": _SOME_SHARE,
    "erase_scale_max": _SOME_SHARE,
    "thickness_probability": _SHARE,
    "thickness_pixels": (0.0, math.inf),
    "quarter_turn_probability": _SHARE,
    "degrade_probability": _SHARE,
    "degrade_quality_min": (1, 100),
    "degrade_quality_max": (1, 100),
    "degrade_sigma_min": (0.0, math.inf),
    "degrade_sigma_max": (0.0, math.inf),
    "degrade_variance_min": (0.0, math.inf),
    "degrade_variance_max": (0.0, math.inf),
    "small_count": (0, math.inf),
    "small_size": (1, math.inf),
    "small_crop_scale_min": _SOME_SHARE,
    "small_crop_scale_max": _SOME_SHARE,
}
WHOLE = {"count", "weak_count", "size", "elastic_cells", "small_count", "small_size"} | {
    "degrade_quality_min",
    "degrade_quality_max",
}
NEEDS_RGB = ("saturation", "hue", "grey_probability")
NOT_WEAK = (
    *("rotation_degrees", "shear_degrees", "translation", "elastic_strength", "colour_probability"),
    *("grey_probability", "blur_probability", "solarize_probability", "erase_probability", "thickness_probability"),
    "degrade_probability",
)
WORDS = {
    "padding": ("zeros", "border", "reflection"),
    "crop": ("resize", "pixels"),
    "degrade_format": ("both", "jpeg", "webp"),
}
"""Options that are one of some words."""


def check_number(name: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{name} is {value!r}; it must be a number.", name)
    if name in WHOLE and not isinstance(value, int):
        raise OptionError(f"{name} is {value!r}; it must be a whole number.", name)
    if not (low <= value <= high) or math.isinf(value):
        open_low = "above 0" if low == _ABOVE_0 else f"at least {low:g}"
        limit = open_low if math.isinf(high) else f"{open_low} and at most {high:g}"
        raise OptionError(f"{name} is {value:g}; it must be {limit}.", name)
