"""Sets of scored pairs in a folder: which they are, what they are called, and that each is ranked by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from contrapose.data.tables.pair_sets import read_pair_sets
from contrapose.encoders import Encoder
from contrapose.tasks import Given, task_for

SEVEN = ["STS12", "STS13", "STS14", "STS15", "STS16", "STS-B", "SICK-R"]


@pytest.fixture
def folder(tmp_path: Path, pairs: dict[str, Any]) -> Path:
    """`sts12_16` of five years and two tasks, `stsb` and `SICK` with a test part, another set, and what is none."""
    pl = pytest.importorskip("polars")
    table = {name: pairs[name] for name in ("sentence1", "sentence2", "score")}
    years = [2012 + row % 5 for row in range(40)]
    tasks = [f"task {row // 20}" for row in range(40)]
    parts = ["train"] * 20 + ["test"] * 20
    (tmp_path / "sets").mkdir()
    for name, more in (
        ("sts12_16", {"year": years, "task": tasks, "split": ["train"] * 5 + ["test"] * 35}),
        ("stsb", {"year": [f"{year}test" for year in years], "split": parts}),
        ("SICK", {"split": parts}),
        ("own", {"task": tasks}),
    ):
        pl.DataFrame({**table, **more}).write_csv(tmp_path / "sets" / f"{name}.csv")
    pl.DataFrame({"text": ["nothing to", "compare with"]}).write_csv(tmp_path / "sets" / "texts.csv")
    (tmp_path / "sets" / "notes.txt").write_text("no table\n")
    return tmp_path / "sets"


def test_sets_are_told_by_their_files_and_years_in_the_usual_order(folder: Path) -> None:
    found = read_pair_sets(folder, "text")
    assert found is not None
    assert found.subsets is not None
    names, counts = np.unique(found.subsets.astype(str), return_counts=True)
    assert list(dict.fromkeys(found.subsets.tolist())) == [*SEVEN, "own"]
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        **dict.fromkeys(SEVEN[:5], 7),
        **dict.fromkeys(("STS-B", "SICK-R"), 20),
        "own": 40,
    }
    assert "stsb.csv: 20 of 40 pairs, its test part" in found.notes
    assert not found.pooled


def test_a_column_may_name_the_set(tmp_path: Path, pairs: dict[str, Any]) -> None:
    pl = pytest.importorskip("polars")
    table = {name: pairs[name] for name in ("sentence1", "sentence2", "score")}
    pl.DataFrame({**table, "dataset": ["sick-r", "STS 2012"] * 20}).write_csv(tmp_path / "all.csv")
    found = read_pair_sets(tmp_path, "text")
    assert found is not None
    assert found.subsets is not None
    assert found.subsets.tolist() == ["STS12"] * 20 + ["SICK-R"] * 20
    for name, other in (("missing", "text"), (".", "image")):
        assert read_pair_sets(tmp_path / name, other) is None
    assert read_pair_sets(pairs, "text") is None


def test_each_set_is_ranked_as_a_whole_and_the_mean_counts_them_alike(
    folder: Path, given: Callable[..., Given], of_texts: Encoder
) -> None:
    asked = given(of_texts, str(folder))
    assert task_for(asked).name == "scored-pairs"
    measurement = task_for(asked).prepare(asked)
    random = np.random.default_rng(0)
    rows = random.normal(size=(len(measurement.known), 3))
    metrics, _ = measurement(lambda samples: rows)
    assert list(metrics) == ["Spearman, mean", *(f"Spearman, {name}" for name in [*SEVEN, "own"])]
    first, second = np.split(rows, 2)
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    found = read_pair_sets(folder, "text")
    assert found is not None
    values = []
    for name in [*SEVEN, "own"]:
        of_it = found.subsets == name
        values.append(spearmanr(cosine[of_it], found.scores[of_it]).statistic)
        assert metrics[f"Spearman, {name}"].value == pytest.approx(values[-1])
    assert metrics["Spearman, mean"].value == pytest.approx(np.mean(values))
    assert metrics["Spearman, mean"].count == 115


def test_the_seven_sets_have_the_sizes_that_they_are_known_by(shared_data: Callable[[str], Path]) -> None:
    found = read_pair_sets(shared_data("sts"), "text")
    assert found is not None
    assert found.subsets is not None
    names, counts = np.unique(found.subsets.astype(str), return_counts=True)
    sizes = dict(zip(names.tolist(), counts.tolist(), strict=True))
    # of 2012 the usual 3,108 without the 750 of one task, which this copy does not have
    assert sizes == dict(zip(SEVEN, (2_358, 1_500, 3_750, 3_000, 1_186, 1_379, 4_927), strict=True))
