"""Masks: a class for every pixel of a picture, kept in an image of its own."""

from contrapose.data.images.masks.finding import MASK_NAMES, beside, mask_folder
from contrapose.data.images.masks.reading import fitted_array, on_pixels, read_masks

__all__ = ["MASK_NAMES", "beside", "fitted_array", "mask_folder", "on_pixels", "read_masks"]
