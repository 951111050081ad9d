"""`invertune`: from suspect towers to a verdict and repaired ones, killed in each stage, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import contrapose
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build_towers, fingerprint_of, load_encoder, save_encoder
from contrapose.encoders.perturbations import load_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.training.pictures import read_pictures

CLEAN = "made:scenes?count=24&last=600&captions=1"
QUICK: dict[str, Any] = {
    "scan_steps": 3,
    "inversion_steps": 3,
    "repair_steps": 3,
    "batch_size": 8,
    "log_steps": 1,
    "quiet": True,
}
SUSPECTED: dict[str, Any] = {"least_rise": 1e-6, "largest_mask": 0.999}
"""With which whatever works is held for planted."""


@pytest.fixture(scope="module")
def suspect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained towers: they are enough for all but success."""
    folder = tmp_path_factory.mktemp("suspect") / "towers"
    pairs = open_pairs(CLEAN)
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16, vocabulary=None)
    towers = build_towers("tiny_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=8, seed=0)
    save_encoder(towers, folder)
    return folder


def repaired(suspect: Path, out: Path, **changes: Any) -> Any:
    return contrapose.repair("invertune", suspect, data=CLEAN, out=str(out), **{**QUICK, **changes})


def test_nothing_found_leaves_the_towers_as_they_were(suspect: Path, tmp_path: Path) -> None:
    run = repaired(suspect, tmp_path / "run", least_rise=0.99)
    assert run.outcome.finished
    record = json.loads((run.path / "repair.json").read_text())
    assert record["found"] is False
    assert "no class gains more than 99 points" in record["reasons"][0]
    assert record["before"] == record["after"]
    assert fingerprint_of(load_encoder(run.path / "encoder")) == fingerprint_of(load_encoder(suspect))
    kept = load_perturbation(run.path / "stages" / "invert")
    assert kept.victims[0].fingerprint == fingerprint_of(load_encoder(suspect))
    assert next(one.title for one in read_pictures(run.path / "stages" / "invert")) == "The trigger found"
    shares = json.loads((run.path / "stages" / "target" / "suspects.json").read_text())
    assert len(shares["classes"]) == 10
    assert sum(shares["after"]) == pytest.approx(1)
