"""The bake-off in small: equal time becomes epochs, the best trial is tuned to, and a unit that is done stays done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
which_method = pytest.importorskip("which_method")
from which_method_data import Ground  # noqa: E402

from contrapose.data import Images  # noqa: E402


def record(arm: str, seed: int, test: float, validation: float = 0.0, **options: Any) -> dict[str, Any]:
    known = {"ground": "cifar10", "arm": arm, "options": options, "seed": seed, "epochs": 4}
    return {**known, "test": test, "validation": validation}


def test_equal_time_is_epochs_by_cost() -> None:
    assert which_method.epochs_for(0.1, 6_400, 60.0) == 6  # 100 steps of a tenth of a second are 10 s an epoch
    assert which_method.epochs_for(0.2, 6_400, 60.0) == 3
    assert which_method.epochs_for(100.0, 6_400, 60.0) == 1


def test_an_arm_is_tuned_to_its_best_trial_and_paired_by_seed() -> None:
    records = [
        *(record("simclr", seed, 0.30 + 0.01 * seed, validation=0.5) for seed in range(3)),
        *(record("mmcl, pgd", seed, 0.35 + 0.01 * seed, validation=0.4) for seed in range(3)),
        *(record("mmcl, pgd", seed, 0.40 + 0.01 * seed, validation=0.6, sigma=1.0) for seed in range(3)),
        record("mmcl, pgd", 0, 0.90, validation=0.3, sigma=10.0),  # best on test, and not chosen by it
    ]
    baseline, rival = which_method.summary(records, {"cifar10": 0.2}, {})
    assert baseline["tuned_to"] == {}
    assert "over_simclr" not in baseline["default"]
    assert rival["tuned_to"] == {"sigma": 1.0}
    assert rival["default"]["over_simclr"] == pytest.approx([0.05, 0.05, 0.05])
    assert rival["tuned"]["over_simclr"] == pytest.approx([0.10, 0.10, 0.10])
    assert rival["tuned"]["mean"] == pytest.approx(0.41)


def test_a_unit_trains_scores_and_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (130, 3, 16, 16), dtype=np.uint8)
    score = lambda embed: float(len(embed(Images(pixels[:2]))))  # noqa: E731
    small = Ground(Images(pixels), "rows", score, score)
    monkeypatch.setattr(which_method, "ground", lambda name, data: small)
    monkeypatch.setattr(which_method, "WORK", tmp_path)
    monkeypatch.setattr(which_method, "NAMES", ("cifar10", "omniglot"))  # what all arms cost is timed on each
    monkeypatch.setattr(which_method, "ROUNDS", 1)
    unit = which_method.Unit("nowhere", "cifar10", "moco, weak view", {"temperature": 0.1}, 1, "tiny_conv", 0.001)
    done = which_method.work(unit)
    assert (done["test"], done["validation"], done["epochs"]) == (2.0, 2.0, 1)
    monkeypatch.setattr(which_method, "parts_of", None)  # nothing is trained again
    assert which_method.work(unit) == done
