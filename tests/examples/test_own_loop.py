"""The example runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_loop.py"


def test_it_learns_within_a_few_steps() -> None:
    result = subprocess.run(
        [sys.executable, str(EXAMPLE), "--steps", "40"], capture_output=True, text=True, timeout=200, check=True
    )
    accuracy = re.search(r"([\d.]+) % \[", result.stdout)
    assert accuracy
    assert float(accuracy[1]) > 35  # untrained 31, raw pixels 22, chance 5
