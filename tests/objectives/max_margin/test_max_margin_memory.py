"""Nothing of the size (B, B, B) is ever made, forward or backward, by any kernel or solver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from contrapose.objectives.max_margin import KERNELS, mmcl


class LargestResult(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation returned."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self.numel = max(self.numel, *sizes) if sizes else self.numel
        return out


@pytest.mark.parametrize("solver", [{}, {"solver": "pgd", "step": "power", "iterations": 3}])
@pytest.mark.parametrize("name", list(KERNELS))
def test_the_largest_tensor_is_a_matrix(name: str, solver: dict) -> None:
    B = 64
    z = torch.randn(2, B, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with LargestResult() as seen:
        loss, _ = mmcl(z, kernel=name, C=1.0, return_statistics=True, **solver)
        loss.backward()
    assert B * B <= seen.numel <= 5 * B * B


CHILD = """
import sys, torch
from contrapose.objectives.max_margin import mmcl

def resident(field):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024

torch.set_num_threads(1)
options = {"solver": sys.argv[1], "iterations": 5}
mmcl(torch.randn(2, 16, 32, requires_grad=True), **options).backward()
z = torch.randn(2, 512, 32, requires_grad=True)
before = resident("VmRSS")
mmcl(z, **options).backward()
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak resident memory is read from /proc")
@pytest.mark.parametrize("solver", ["inverse", "pgd"])
def test_peak_of_a_process(solver: str) -> None:
    """512 x 512 float64 is 2 MiB, 512 matrices of 511 x 511 would be 1020 MiB."""
    out = subprocess.run([sys.executable, "-c", CHILD, solver], capture_output=True, text=True, check=True)
    assert float(out.stdout) < 60
