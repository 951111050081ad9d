"""The view recipes: for a kind of picture, a value for every option that the user left open.

Numbers live here and nowhere else. A recipe is a function `(channels, view_size) -> {option: value}`.
"""

from __future__ import annotations

from collections.abc import Callable

from contrapose.registry import Registry

Defaults = dict[str, float | int | str]

RECIPES: Registry[Callable[[int, int], Defaults]] = Registry("view recipe")

SMALL_PICTURE = 64
"""Below this many pixels a side, SimCLR's CIFAR-10 settings hold (arXiv 2002.05709, appendix B.9)."""


def automatic(channels: int) -> str:
    """The recipe that `recipe="auto"` stands for: one channel is taken for strokes, all else for natural
    pictures."""
    return "strokes" if channels == 1 else "natural"


@RECIPES.register("none")
def none(channels: int, view_size: int) -> Defaults:
    """Every operation off: views are copies (resized where the sizes differ).

    The secondary numbers (a sigma, a ratio, a threshold) are those of the papers, so that switching one
    operation on by its probability alone gives the published operation.
    """
    return {
        "crop": "resize",
        "crop_scale_min": 1.0,
        "crop_scale_max": 1.0,
        "crop_ratio_min": 3 / 4,  # the "Inception crop" of SimCLR, arXiv 2002.05709
        "crop_ratio_max": 4 / 3,
        "flip_probability": 0.0,
        "shared_orientation_probability": 0.0,
        "rotation_degrees": 0.0,
        "shear_degrees": 0.0,
        "translation": 0.0,
        "zoom_min": 1.0,
        "zoom_max": 1.0,
        "elastic_strength": 0.0,
        "elastic_cells": 5,
        "brightness": 0.0,
        "contrast": 0.0,
        "saturation": 0.0,
        "hue": 0.0,
        "colour_probability": 0.0,
        "grey_probability": 0.0,
        "blur_probability": 0.0,
        "blur_sigma_min": 0.1,  # SimCLR, arXiv 2002.05709, appendix A
        "blur_sigma_max": 2.0,
        "solarize_probability": 0.0,
        "solarize_threshold": 0.5,  # BYOL, arXiv 2006.07733, appendix B
        "erase_probability": 0.0,
        "erase_scale_min": 0.02,  # Random Erasing, arXiv 1708.04896, section 4
        "erase_scale_max": 0.4,
        "thickness_probability": 0.0,
        "thickness_pixels": 1.0,
        "padding": "reflection",
        "quarter_turn_probability": 0.0,
        "degrade_probability": 0.0,
        "degrade_format": "both",  # ImagiNet, arXiv 2407.20020, and all below
        "degrade_quality_min": 50,
        "degrade_quality_max": 95,
        "degrade_sigma_min": 0.8,  # windows of 3 and 7 pixels by the rule 0.3 ((k - 1) / 2 - 1) + 0.8 of OpenCV
        "degrade_sigma_max": 1.4,
        "degrade_variance_min": 3.0,
        "degrade_variance_max": 10.0,
        "small_count": 0,
        "small_size": max(8, round(view_size * 96 / 224)),  # SwAV, arXiv 2006.09882: 96 beside 224
        "small_crop_scale_min": 1.0,
        "small_crop_scale_max": 1.0,
    }


@RECIPES.register("natural")
def natural(channels: int, view_size: int) -> Defaults:
    """Photographs: SimCLR's random crop, flip, colour distortion and blur (arXiv 2002.05709, appendix A).

    Small pictures (a side under 64 pixels) follow SimCLR's CIFAR-10 settings, colour at half strength and no
    blur (appendix B.9), with the crop's least area of 0.2 that MoCo-v2 (arXiv 2003.04297) and SimSiam (arXiv
    2011.10566) use: 8 % of 32 x 32 pixels is a patch of 9 x 9. Colour needs three channels; one channel keeps
    brightness and contrast; for other counts the channels may be anything, and only the geometry is touched.
    """
    small = view_size < SMALL_PICTURE
    strength = 0.5 if small else 1.0
    values = none(channels, view_size) | {
        "crop_scale_min": 0.2 if small else 0.08,
        "flip_probability": 0.5,
        "blur_probability": 0.0 if small else 0.5,
        "small_crop_scale_min": 0.05,  # SwAV, arXiv 2006.09882, section 5
        "small_crop_scale_max": 0.14,
    }
    if channels in (1, 3):
        values |= {"colour_probability": 0.8, "brightness": 0.8 * strength, "contrast": 0.8 * strength}
    if channels == 3:
        values |= {"saturation": 0.8 * strength, "hue": 0.2 * strength, "grey_probability": 0.2}
    return values


@RECIPES.register("strokes")
def strokes(channels: int, view_size: int) -> Defaults:
    """Characters and line drawings: affine and elastic deformation, as hands differ; no flip, no colour.

    Between two views, a mirrored or half-cropped character is another character; turned or mirrored alike in all its
    views, it is one character more to learn from. The kinds of deformation are those of Simard et al. (ICDAR 2003) and
    of the affine set of Koch et al. (Siamese networks for one-shot recognition, 2015: rotation 10 degrees, zoom 0.8 to
    1.2, a shift of two pixels in 105); the strengths did as well as milder and better than stronger ones in one-shot
    runs on held-out alphabets.
    """
    return none(channels, view_size) | {
        "shared_orientation_probability": 1.0,
        "rotation_degrees": 15.0,
        "shear_degrees": 8.5,
        "zoom_min": 0.83,
        "zoom_max": 1.2,
        "translation": 0.05,
        "elastic_strength": 0.03,
        "elastic_cells": 5,
        "padding": "border",  # carries on whatever the background is, black or white
        "small_crop_scale_min": 0.3,  # a part of the character, with some of its strokes whole
        "small_crop_scale_max": 0.7,
    }


@RECIPES.register("forensic")
def forensic(channels: int, view_size: int) -> Defaults:
    """Traces of what made a picture: nothing is resized, which would destroy them, and a half of the views lose quality
    as pictures do on their way through the world (ImagiNet, arXiv 2407.20020).

    Views are cut out pixel by pixel (`--views.size`; the authors' 96), mirrored and turned by quarters, which leaves
    traces as they are. Channels other than 1 and 3 are only cut, mirrored and turned.
    """
    return none(channels, view_size) | {
        "crop": "pixels",
        "flip_probability": 0.33,
        "quarter_turn_probability": 0.33,
        "degrade_probability": 0.5 if channels in (1, 3) else 0.0,
    }
