from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import growth


def test_memory_is_watched_and_pictures_are_made(tmp_path: Path) -> None:
    growth.make_pictures(tmp_path / "pictures.npy", 50)
    pixels = np.load(tmp_path / "pictures.npy", mmap_mode="r")
    assert (pixels.shape, pixels.dtype) == ((50, 3, 32, 32), np.uint8)
    with growth.PeakMemory() as before:
        growth.time.sleep(0.1)
    with growth.PeakMemory() as after:
        held = np.ones(10_000_000)
        growth.time.sleep(0.2)
    assert after.peak - before.peak > 0.8 * held.nbytes


def test_a_figure_comes_from_the_work_itself(tmp_path: Path) -> None:
    growth.make_pictures(tmp_path / "pictures.npy", 300)
    row = growth.measured_here("embed", 300, tmp_path / "pictures.npy", 1)
    assert row["milliseconds_each"] * 300 == 1e3 * row["seconds"] > 0
    assert "300" in growth.line({**row, "flat": 1.0})
