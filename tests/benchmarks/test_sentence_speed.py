"""The benchmark beside sentence-transformers runs, compares like with like, and writes what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_quick_run(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    out = tmp_path / "speed.json"
    words = ["cat", "dog", "mat", "log"]
    texts = [" ".join(f"{word}{number % 7}" for word in (words * 6)[: 2 + number % 19]) for number in range(80)]
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    sizes = {"sentences": 40, "steps": 1, "blocks": 1, "batch": 8, "limit": 64}
    command = [sys.executable, str(BENCHMARKS / "sentence_speed.py"), "--models", "transformer", "--out", str(out)]
    command += ["--data", str(tmp_path / "texts.txt"), *(f"--{name}={value}" for name, value in sizes.items())]
    subprocess.run(command, check=True, capture_output=True)
    record = json.loads(out.read_text())
    assert record["environment"]["versions"]["sentence-transformers"]
    assert str(tmp_path) not in out.read_text()
    embed, train = record["rows"]
    assert (embed["what"], train["what"]) == ("embed", "train")
    assert embed["largest_difference"] < 1e-5
    losses = train["losses_without_dropout"]
    assert losses["ours"] == pytest.approx(losses["theirs"], abs=1e-5)
    for row in record["rows"]:
        assert 0 <= row["padding"]["ours"] <= row["padding"]["theirs"]
        assert row["ahead"] == pytest.approx(row["ratios"][0], abs=1e-3)
        assert row["a_second"]["ours"] == pytest.approx(row["ahead"] * row["a_second"]["theirs"])
