"""The options of the image views: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch. `None` means "as the recipe says"; `resolve` fills every `None` in, and `recipes.py`
has the numbers.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from contrapose.errors import OptionError, did_you_mean
from contrapose.views.images.bounds import BOUNDS, NEEDS_RGB, NOT_WEAK, WORDS, check_number
from contrapose.views.images.recipes import RECIPES, automatic


@dataclass(frozen=True, kw_only=True)
class ImageViews:
    """How views of a picture are made; anything left out is as the recipe says.

    Errors:
        OptionError: a value out of its range (at construction), or an option that the channels do not allow
            (at `resolve`).
    """

    recipe: Literal["auto", "natural", "strokes", "forensic", "none"] = "auto"
    """Where defaults come from. auto: strokes for one channel, natural for all else. forensic: for traces of what made
    a picture."""
    count: int = 2
    """Views of each picture. Two: SimCLR (arXiv 2002.05709)."""
    weak_count: int = 0
    """Of these views, so many of the last are weak: cropped and flipped, and nothing else. 1 gives a teacher that
    learns nothing by itself an easy view (ISD plus, arXiv 2012.09259)."""
    size: int | None = None
    """Side of a view, in pixels. Default: the picture's own."""
    crop: Literal["resize", "pixels"] | None = None
    """resize: a crop is a share of the picture, and is resized to the view. pixels: it is as many pixels as the view
    has, and nothing is resized (a picture that is smaller is padded). forensic: pixels."""
    crop_scale_min: float | None = None
    """Least share of the picture's area that a crop keeps. natural: 0.08 (SimCLR), 0.2 under 64 pixels
    (MoCo-v2, arXiv 2003.04297); 0.14 at least when there are small views (SwAV, arXiv 2006.09882)."""
    crop_scale_max: float | None = None
    """Largest share of the area that a crop keeps. 1: the whole picture."""
    crop_ratio_min: float | None = None
    """Least width-to-height ratio of a crop. 3/4 (SimCLR)."""
    crop_ratio_max: float | None = None
    """Largest width-to-height ratio of a crop. 4/3 (SimCLR)."""
    flip_probability: float | None = None
    """Chance of a left-right flip. natural: 0.5 (SimCLR)."""
    shared_orientation_probability: float | None = None
    """Chance that a picture is mirrored and turned by quarters, the same way in all its views, so that each
    orientation counts as another picture. strokes: 1 (own choice: +3 points of one-shot accuracy on held-out
    alphabets)."""
    rotation_degrees: float | None = None
    """Rotation, up to this angle either way. strokes: 15 (own choice)."""
    shear_degrees: float | None = None
    """Horizontal slant, up to this angle either way. strokes: 8.5 (own choice)."""
    translation: float | None = None
    """Shift along each axis, up to this share of the side. strokes: 0.05 (own choice)."""
    zoom_min: float | None = None
    """Least zoom about the centre; under 1 shrinks. strokes: 0.83 (own choice)."""
    zoom_max: float | None = None
    """Largest zoom about the centre. strokes: 1.2 (Koch et al. 2015)."""
    elastic_strength: float | None = None
    """Elastic bending: standard deviation of a knot's displacement, as a share of the side. strokes: 0.03 (own
    choice)."""
    elastic_cells: int | None = None
    """Elastic bending: knots along each side of the coarse grid; fewer bend more smoothly. 5 (own choice)."""
    colour_probability: float | None = None
    """Chance that brightness, contrast, saturation and hue are changed at all. natural: 0.8 (SimCLR)."""
    brightness: float | None = None
    """Brightness factor within 1 plus or minus this. natural: 0.8, half of it under 64 pixels (SimCLR)."""
    contrast: float | None = None
    """Contrast factor within 1 plus or minus this. natural: 0.8, half of it under 64 pixels (SimCLR)."""
    saturation: float | None = None
    """Saturation factor within 1 plus or minus this. natural: 0.8, half of it under 64 pixels (SimCLR)."""
    hue: float | None = None
    """Turn of the hue, up to this share of the full circle. natural: 0.2, half of it under 64 pixels
    (SimCLR)."""
    grey_probability: float | None = None
    """Chance of losing all colour. natural: 0.2 (SimCLR)."""
    blur_probability: float | None = None
    """Chance of a Gaussian blur. natural: 0.5, none under 64 pixels (SimCLR)."""
    blur_sigma_min: float | None = None
    """Least standard deviation of the blur, in pixels of the view. 0.1 (SimCLR)."""
    blur_sigma_max: float | None = None
    """Largest standard deviation of the blur, in pixels of the view. 2 (SimCLR)."""
    solarize_probability: float | None = None
    """Chance that bright values are inverted. Off; 0.2 in one view in BYOL (arXiv 2006.07733)."""
    solarize_threshold: float | None = None
    """Values from here up are inverted. 0.5 (BYOL)."""
    erase_probability: float | None = None
    """Chance that a rectangle is blacked out. Off; 0.5 in Random Erasing (arXiv 1708.04896)."""
    erase_scale_min: float | None = None
    """Least share of the area that is blacked out. 0.02 (Random Erasing)."""
    erase_scale_max: float | None = None
    """Largest share of the area that is blacked out. 0.4 (Random Erasing)."""
    thickness_probability: float | None = None
    """Chance that strokes are made thicker or thinner. Off (own choice)."""
    thickness_pixels: float | None = None
    """Change of a stroke on each of its sides, up to so many pixels of the view; may be a fraction. 1 (own
    choice)."""
    padding: Literal["zeros", "border", "reflection"] | None = None
    """What lies beyond the picture's edge. natural: reflection; strokes: border (the background carries
    on)."""
    quarter_turn_probability: float | None = None
    """Chance of a turn by 90, 180 or 270 degrees or none, all alike. forensic: 0.33 (ImagiNet, arXiv 2407.20020)."""
    degrade_probability: float | None = None
    """Chance that a view loses quality in one of three ways, all alike: a lossy file, a blur, noise. forensic: 0.5
    (ImagiNet)."""
    degrade_format: Literal["both", "jpeg", "webp"] | None = None
    """The lossy files. both: one or the other (ImagiNet)."""
    degrade_quality_min: int | None = None
    """Least quality of a lossy file. 50 (ImagiNet)."""
    degrade_quality_max: int | None = None
    """Largest quality of a lossy file. 95 (ImagiNet)."""
    degrade_sigma_min: float | None = None
    """Least standard deviation of that blur, in pixels of the view. 0.8: a window of 3 pixels (ImagiNet)."""
    degrade_sigma_max: float | None = None
    """Largest standard deviation of that blur. 1.4: a window of 7 pixels (ImagiNet)."""
    degrade_variance_min: float | None = None
    """Least variance of the noise, of pixels from 0 to 255. 3 (ImagiNet)."""
    degrade_variance_max: float | None = None
    """Largest variance of the noise. 10 (ImagiNet)."""
    small_count: int | None = None
    """Additional small views of a small crop ("multi-crop"). Off; 6 in SwAV (arXiv 2006.09882)."""
    small_size: int | None = None
    """Side of a small view, in pixels. 96/224 of the size (SwAV), 8 at least."""
    small_crop_scale_min: float | None = None
    """Least share of the area that a small crop keeps. natural: 0.05 (SwAV)."""
    small_crop_scale_max: float | None = None
    """Largest share of the area that a small crop keeps. natural: 0.14 (SwAV)."""

    def __post_init__(self) -> None:
        if self.recipe != "auto" and self.recipe not in RECIPES:
            hint = did_you_mean(str(self.recipe), ["auto", *RECIPES])
            raise OptionError(f"recipe is {self.recipe!r}, which is unknown.{hint}", "recipe")
        for name, words in WORDS.items():
            if getattr(self, name) not in (None, *words):
                raise OptionError(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(words)}.", name)
        for name, (low, high) in BOUNDS.items():
            check_number(name, getattr(self, name), low, high)
        for low_name in [name for name in BOUNDS if name.endswith("_min")]:
            self._check_order(low_name, low_name.removesuffix("_min") + "_max")
        if self.weak_count > self.count:
            raise OptionError(
                f"weak_count is {self.weak_count}, of only {self.count} views. Raise count as well.",
                *("weak_count", "count"),
            )

    def _check_order(self, low_name: str, high_name: str) -> None:
        low, high = getattr(self, low_name), getattr(self, high_name)
        if low is not None and high is not None and low > high:
            raise OptionError(
                f"{low_name} is {low:g}, above {high_name}, which is {high:g}. Set both, the smaller first.",
                *(low_name, high_name),
            )

    def total(self) -> int:
        """Views of each picture, small ones included."""
        return self.count + (self.small_count or 0)

    def resolve(self, channels: int, image_size: int) -> ImageViews:
        """The same options with every field set, for pictures of this many channels and pixels a side.

        What the user set stays; the rest is as the recipe says for the size of the *view*. Resolving twice
        changes nothing.
        """
        for name, value in (("channels", channels), ("image_size", image_size)):
            check_number(name, value, 1, math.inf)
        recipe = automatic(channels) if self.recipe == "auto" else self.recipe
        size = image_size if self.size is None else self.size
        values: dict[str, Any] = RECIPES[recipe](channels, size)
        if self.small_count:  # SwAV's full views keep off the range of its small ones
            values["crop_scale_min"] = max(float(values["crop_scale_min"]), 0.14)
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {name: value for name, value in given.items() if value is not None}
        values |= {"recipe": recipe, "size": size}
        for name in NEEDS_RGB if channels != 3 else ():
            if values[name] > 0:
                raise OptionError(
                    f"{name} is {values[name]:g}, but colour needs 3 channels; the pictures have {channels}. "
                    "Leave it out.",
                    name,
                )
        if values["degrade_probability"] > 0 and channels not in (1, 3):
            raise OptionError(
                f"degrade_probability is {values['degrade_probability']:g}, but a lossy file holds pictures of 1 or 3 "
                f"channels; these have {channels}. Set it to 0.",
                "degrade_probability",
            )
        return ImageViews(**values)

    def weak(self) -> ImageViews:
        """The same options for a weak view: everything but crop, flip and orientation is switched off."""
        off: dict[str, Any] = dict.fromkeys(NOT_WEAK, 0.0)
        return dataclasses.replace(self, **off, zoom_min=1.0, zoom_max=1.0)

    def side(self, small: bool) -> int:
        """Pixels of a side of a view, or of a small one, once resolved."""
        side = self.small_size if small else self.size
        assert side is not None, "size is read before resolve()"
        return side

    def number(self, name: str) -> float:
        """The value of a numeric option once resolved."""
        value = getattr(self, name)
        assert value is not None, f"{name} is read before resolve()"
        return value
