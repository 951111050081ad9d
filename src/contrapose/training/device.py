"""Where to compute, and in which arithmetic."""

from __future__ import annotations

import os
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs

from contrapose.errors import ArgumentError
from contrapose.optional import optional
from contrapose.training.meeting import next_meeting
from contrapose.training.processes.launcher import stop_with_launcher


def make_accelerator(device: str = "auto", *, tracker: str = "none") -> Accelerator:
    """An accelerate `Accelerator` on the asked device, in this process or in all that `accelerate launch` started.

    Arguments:
        device: `"auto"`, `"cpu"`, `"cuda"` or `"mps"`.
        tracker: a tracker of accelerate's, or `"none"`.

    Errors:
        ArgumentError: a device that this machine does not have, or not for each of the processes started on it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("--device cuda was asked for, but torch sees no CUDA device here; take --device auto.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise ArgumentError("--device mps was asked for, but torch sees no Apple GPU here; take --device auto.")
    processes = launched_processes()
    if processes > 1:
        _check_devices(device)
    # accelerate joins processes without a GPU only when it is told that they compute on the CPU; it would let each
    # start a run of its own, all of them in one folder.
    on_cpu = device == "cpu" or (device == "auto" and processes > 1 and not torch.cuda.is_available())
    # accelerate remembers the first device of a process; a second run in it (a notebook) may want another.
    AcceleratorState._reset_state(reset_partial_state=True)
    options: dict[str, Any] = {"cpu": on_cpu, **_tracking(tracker)}
    if processes > 1:
        options["kwargs_handlers"] = [InitProcessGroupKwargs(init_method=next_meeting())]
        if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun, which stays; a script that starts ranks may end before them
            stop_with_launcher()
    try:
        accelerator = Accelerator(**options)
    except (ValueError, RuntimeError) as error:
        if processes == 1 or isinstance(error, ArgumentError):
            raise
        raise ArgumentError(
            f"{processes} processes were started, and cannot be joined ({str(error).splitlines()[0]}). "
            "Start them with torchrun or accelerate launch, or start one."
        ) from error
    if accelerator.num_processes != processes:
        raise ArgumentError(
            f"{processes} processes were started, and accelerate joined {accelerator.num_processes} of them: each "
            "would be a run of its own. Add --device cpu, or start one process."
        )
    return accelerator


def launched_processes() -> int:
    """How many processes `torchrun`, `accelerate launch` or `mpirun` say that they started; 1 without them."""
    names = ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"]
    if "RANK" in os.environ or "LOCAL_RANK" in os.environ:  # a size alone is set by some clusters for every program
        names.append("WORLD_SIZE")
    said = [os.environ[name] for name in names if os.environ.get(name, "").isdigit()]
    return max(1, *map(int, said)) if said else 1


def _check_devices(device: str) -> None:
    """Each process on this machine needs a GPU of its own, where there are GPUs."""
    if device == "mps":
        raise ArgumentError("--device mps is one GPU for one process; start without torchrun, or take --device cpu.")
    number, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device != "cpu" and torch.cuda.is_available() and number >= gpus:
        raise ArgumentError(
            f"Process {number + 1} on this machine has no GPU of its own: there is {gpus}. Start {gpus} with "
            f"--nproc-per-node {gpus}, or take --device cpu."
        )


def _tracking(tracker: str) -> dict[str, Any]:
    """How accelerate is told of a tracker. It wants a folder at once; `Runner` puts the run's own in its place."""
    if tracker == "none":
        return {}
    extra = {"tensorboard": "track"}.get(tracker, tracker)
    optional(tracker, extra=extra)  # accelerate would go on without it, in silence
    return {"log_with": tracker, "project_dir": "runs"}


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
