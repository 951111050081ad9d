"""Where a figure was measured: commit, versions, machine. Every file under `results/` holds this."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("contrapose", "torch", "numpy", "scikit-learn", "accelerate")


RESULTS = (":(top,exclude)src/contrapose/claims/records", ":(top,exclude)results", ":(top,exclude)docs")
"""What a measurement leaves behind, so that the next one is of the same commit."""


def commit() -> str:
    """The commit of the checkout, with `+changes` if tracked files differ, results aside; `unknown` outside of one."""
    root = Path(__file__).resolve().parent  # a checkout that the package is installed from in place
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ":/", *RESULTS)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+changes" if changed else name


def versions() -> dict[str, str]:
    """Of Python and the packages that a figure may depend on; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Processor, cores and threads, memory, accelerator, and how busy it is now (1-minute load average)."""
    import torch

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def environment() -> dict[str, Any]:
    """All of it, with the time (UTC), ready for JSON."""
    return {
        "commit": commit(),
        "versions": versions(),
        "machine": machine(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _git(root: Path, *arguments: str) -> str:
    out = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return out.stdout.strip()


def _processor() -> str:
    """The model's name; platform.processor() is empty or only the architecture on Linux."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
