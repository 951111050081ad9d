"""The Triton kernels, in Triton's interpreter: the channels and gradients that torch finds."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="triton is not installed: torch for CUDA brings it, `pip install triton` (690 MB) beside one for CPUs",
)


@pytest.fixture(scope="module")
def differences() -> dict[str, float]:
    """Of each case, the largest difference to what torch finds, relative."""
    script = Path(__file__).with_name("kernel_cases.py")
    interpreted = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run([sys.executable, script], env=interpreted, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def test_the_kernels_find_what_torch_finds(differences: dict[str, float]) -> None:
    wrong = {case: found for case, found in differences.items() if not found < 1e-5}
    assert not wrong
    assert len(differences) > 10
