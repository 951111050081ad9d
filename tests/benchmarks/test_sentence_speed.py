"""The benchmark beside sentence-transformers runs, compares like with like, and writes what it says."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_quick_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    out = tmp_path / "speed.json"
    words = ["cat", "dog", "mat", "log"]
    texts = [" ".join(f"{word}{number % 7}" for word in (words * 6)[: 2 + number % 19]) for number in range(80)]
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    sizes = {"sentences": 40, "steps": 1, "blocks": 1, "batch": 8, "limit": 64}
    words = ["--models", "transformer", "--data", str(tmp_path / "texts.txt"), "--out", str(out)]
    monkeypatch.setattr(
        sys, "argv", ["sentence_speed", *words, *(f"--{name}={value}" for name, value in sizes.items())]
    )
    monkeypatch.setenv("RAYON_NUM_THREADS", "1")  # which it sets, and which is put back
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    importlib.import_module("sentence_speed").main()
    torch.set_num_threads(threads)
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
