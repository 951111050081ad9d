"""A real process killed with SIGKILL at random points and resumed (the full 20 kills: benchmarks/kill_resume.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kill_resume.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL does not exist on Windows")
def test_killed_runs_end_at_the_same_weights() -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "2", "--methods", "mmcl", "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 of 2 the same, bit for bit" in result.stdout
