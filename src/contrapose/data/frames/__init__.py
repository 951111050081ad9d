"""Sequences of frames, of joints or of plain channels, into `Frames`."""

from contrapose.data.frames.frames import Frames
from contrapose.data.frames.opening import open_frames
from contrapose.data.frames.skeletons import SKELETONS, Skeleton

__all__ = ["SKELETONS", "Frames", "Skeleton", "open_frames"]
