"""Triggers of the literature on backdoors, small marks that a poisoned encoder has learned a class by: made here to
test whether one's own encoder can be, or has been, poisoned, and whether a repair takes it away."""

from contrapose.robustness.triggers.badnets import badnets, checkerboard
from contrapose.robustness.triggers.blended import blended, drawn_pattern
from contrapose.robustness.triggers.naming import RECORD as POISON_RECORD
from contrapose.robustness.triggers.naming import named_trigger, read_poison
from contrapose.robustness.triggers.sinusoid import sinusoid
from contrapose.robustness.triggers.trigger import TRIGGERS, Trigger, trigger
from contrapose.robustness.triggers.warp import warp, warp_field

__all__ = [
    "POISON_RECORD",
    "TRIGGERS",
    "Trigger",
    "badnets",
    "blended",
    "checkerboard",
    "drawn_pattern",
    "named_trigger",
    "read_poison",
    "sinusoid",
    "trigger",
    "warp",
    "warp_field",
]
