"""Encoders of sequences of frames: what brings frames into their form, and a network above it."""

from contrapose.encoders.frames.backbone import FRAME_ENCODERS, FrameBackbone
from contrapose.encoders.frames.frame_encoder import FrameEncoder, build_frames
from contrapose.encoders.frames.frame_form import FrameForm

__all__ = ["FRAME_ENCODERS", "FrameBackbone", "FrameEncoder", "FrameForm", "build_frames"]
