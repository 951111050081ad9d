"""Where to compute, and in which arithmetic."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from contrapose.errors import ArgumentError
from contrapose.optional import optional


def make_accelerator(device: str = "auto", *, tracker: str = "none") -> Accelerator:
    """An accelerate `Accelerator` on the asked device, in this process or in all that `accelerate launch` started.

    Arguments:
        device: `"auto"`, `"cpu"`, `"cuda"` or `"mps"`.
        tracker: a tracker of accelerate's, or `"none"`.

    Errors:
        ArgumentError: a device that this machine does not have.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("--device cuda was asked for, but torch sees no CUDA device here; take --device auto.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise ArgumentError("--device mps was asked for, but torch sees no Apple GPU here; take --device auto.")
    # accelerate remembers the first device of a process; a second run in it (a notebook) may want another.
    AcceleratorState._reset_state(reset_partial_state=True)
    if tracker == "none":
        return Accelerator(cpu=device == "cpu")
    # A tracker wants a folder at once; `Trainer` puts the run's own in its place.
    return _with_tracker(tracker, cpu=device == "cpu")


def _with_tracker(tracker: str, *, cpu: bool) -> Accelerator:
    extra = {"tensorboard": "track"}.get(tracker, tracker)
    optional(tracker, extra=extra)  # accelerate would go on without it, in silence
    return Accelerator(cpu=cpu, log_with=tracker, project_dir="runs")


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """The reduced type in which encoders compute, or None for float32.

    `"auto"` is bfloat16 where the hardware multiplies it in matrix units (CUDA from compute capability 8, x86 with
    AMX);
    elsewhere bfloat16 is emulated and slower than float32.
    """
    if precision == "float32":
        return None
    return torch.bfloat16 if precision == "bfloat16" or _fast_bfloat16(device) else None


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return False
