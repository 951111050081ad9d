"""Encoders of pictures: their backbones, and how one is built from its name."""

from contrapose.encoders.images import dense_conv, resnet, small_conv, vision_transformer  # noqa: F401  (registers them)
from contrapose.encoders.images.factory import build
from contrapose.encoders.images.image_encoder import ImageEncoder

__all__ = ["ImageEncoder", "build"]
