"""The benchmark of the max-margin solvers runs, compares like with like, and writes what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def solver_benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mmcl_solver

    monkeypatch.setattr(mmcl_solver, "peak_bytes", mmcl_solver.peak_bytes_here)  # no new process for it
    monkeypatch.setattr(mmcl_solver, "LEAST_SECONDS", 0.001)
    return mmcl_solver


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_quick_run(solver_benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results" / "mmcl_solver.json"
    solver_benchmark.main(["--quick", "--out", str(out)])
    printed = capsys.readouterr().out
    report = json.loads(out.read_text())
    assert set(report["environment"]) == {"commit", "versions", "machine", "time"}
    assert report["environment"]["versions"]["torch"] == torch.__version__
    assert {row["B"] for row in report["rows"]} == {16, 32, 64}
    assert len(report["rows"]) == 13
    for row in report["rows"]:
        assert row["contender"] in printed
        assert row["seconds"] > 0
        if row["B"] == 64:
            assert row["contender"] == "inverse"
            assert row["peak_bytes"] >= 0
        else:
            assert row["difference"] < (1e-4 if "float32" in row["contender"] else 1e-9)


def test_the_literal_matrices_are_those_of_the_definition(solver_benchmark) -> None:
    K = solver_benchmark.kernel_matrix(5)
    delta = solver_benchmark.literal_delta(K)
    for t in range(5):
        rest = [j for j in range(5) if j != t]
        for a, i in enumerate(rest):
            for b, j in enumerate(rest):
                expected = K[t, t] + K[i, j] - K[t, i] - K[t, j] + (0.1 if i == j else 0)
                assert delta[t, a, b].item() == pytest.approx(expected.item())
