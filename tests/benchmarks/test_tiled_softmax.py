from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tiled_softmax.py"


def test_it_runs_and_both_contenders_agree(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "--quick", "--threads", "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert {"commit", "versions", "machine"} <= set(report["environment"])
    tiled, dense = report["rows"]
    assert (tiled["contender"], dense["contender"]) == ("tiled", "dense")
    assert tiled["difference"] < 1e-4
    assert tiled["seconds"] > 0
    assert dense["seconds"] > 0
