"""What the tiles are for: 4,096 rows without the 67 MB of their similarity matrix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import re, torch
from contrapose import objectives
from contrapose.objectives import info_nce, nt_xent, sup_con

def peak():  # of this process alone; what getrusage says is inherited from the parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1000

torch.set_num_threads(1)
small = torch.randn(2, 64, 64, requires_grad=True)
nt_xent(small).backward()
z = torch.randn(2, 2048, 64, requires_grad=True)
before = peak()
nt_xent(z).backward()
sup_con(z, torch.arange(2048) % 10, rows=torch.arange(512)).backward()
info_nce(z[0], z[1], symmetric=True, rows=torch.arange(0, 2048, 8)).backward()
reference = torch.randn(2, 2048, 32)
print("nt_xent, sup_con and info_nce", peak() - before)
for name, others in {"dcl": (), "cacr": (), "mv_info_nce": (), "hard_weighted": (), "groco": (),
                     "difficulty_weighted": (reference,)}.items():
    getattr(objectives, name)(z, *others, rows=torch.arange(512)).backward()
    print(name, peak() - before)
flat = z.detach().flatten(0, 1)
dense = flat @ flat.T
weights = dense.exp()  # a loss has two such matrices at least
print("dense", peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_four_thousand_rows_in_less_than_their_matrix() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    peaks = {name: float(peak) for name, peak in (line.rsplit(" ", 1) for line in done.stdout.splitlines())}
    assert peaks.pop("dense") > 130, "the meter must see the matrices that we avoid"
    for name, peak in peaks.items():  # each the largest so far
        assert peak < 100, name
