"""The benchmark of the tiles runs, compares like with like, and writes what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark, which measures peaks in this process: that takes no new one for each."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import tiled_softmax

    monkeypatch.setattr(tiled_softmax, "peak_bytes", tiled_softmax.peak_bytes_here)
    return tiled_softmax


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_it_runs_and_its_contenders_agree(benchmark: Any, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    benchmark.main(["--quick", "--out", str(out)])
    report = json.loads(out.read_text())
    assert {"commit", "versions", "machine"} <= set(report["environment"])
    assert [row["contender"] for row in report["rows"]] == 3 * ["tiled", "masked", "dense"]
    assert [row["loss"] for row in report["rows"]] == 3 * ["nt_xent"] + 3 * ["dcl"] + 3 * ["sup_con"]
    for row in report["rows"]:
        assert row["seconds"] > 0
        if row["contender"] == "tiled":
            assert row["difference"] < 1e-5
            assert row["share_of_products"] > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_peak_is_told_as_a_number_of_bytes(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["--peak", "dcl", "masked", "64"])
    assert int(capsys.readouterr().out) >= 0
