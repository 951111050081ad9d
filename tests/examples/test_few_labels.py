"""The comparison runs as it stands, and tells both arms and their difference."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "few_labels.py"


def test_it_compares_both_arms_in_pairs() -> None:
    quick = ["--table", "wine", "--draws", "3", "--epochs", "5", "--labels", "5"]
    result = subprocess.run(
        [sys.executable, str(EXAMPLE), *quick], capture_output=True, text=True, timeout=200, check=True
    )
    row = re.search(r"^ +5 \| +([\d.]+) \[.*\| +([\d.]+) \[.*\| +(-?[\d.]+) \[", result.stdout, re.MULTILINE)
    assert row, result.stdout
    raw, features, difference = map(float, row.groups())
    assert raw > 80  # wine is easy; chance is 40
    assert features > 50
    assert abs(features - raw - difference) < 0.2
