"""`contrapose analyse patch`: a saved patch before its victim, before others, and one sentence for a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.commands.analyse_patch import AnalysePatchOptions, analyse_patch
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build, save_encoder
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, DataError, RunError

PAIRS = 40
TEST = "made:scenes?count=24&seed=3"


def save_towers(folder: Path, *, seed: int = 0, size: int = 16) -> None:
    pairs = open_pairs("made:scenes", limit=PAIRS)
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16)
    save_encoder(
        build_towers(
            "micro_conv", "bag_of_words", channels=3, image_size=size, tokenizer=tokenizer, width=8, seed=seed
        ),
        folder,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A victim, its attack, the victim repaired, other towers, towers for larger pictures, and one encoder."""
    folder = tmp_path_factory.mktemp("patch")
    for name, options in (("victim", {}), ("other", {"seed": 1}), ("larger", {"size": 24})):
        save_towers(folder / name, **options)
    save_encoder(build("micro_conv", channels=3, image_size=16, seed=0), folder / "single")
    quick: dict[str, Any] = {"epochs": 1, "batch_size": 8, "quiet": True, "limit": PAIRS, "data": "made:scenes"}
    attack = str(folder / "attack")
    contrapose.attack("advclip", folder / "victim", out=attack, width=2, codes=2, holdout=0.3, seed=4, **quick)
    contrapose.repair("patch-training", folder / "victim", out=str(folder / "repaired"), patch=attack, **quick)
    return folder


def measured(place: Path, *on: str, **options: Any) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    places = tuple(str(place / name) for name in on)
    given = {"run": str(place / "attack"), "on": places, "device": "cpu", "out": place / "out", **options}
    return analyse_patch(AnalysePatchOptions(**given), say=said.append), said


def test_of_its_victim_it_says_what_the_attack_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the pairs that the attack kept out: nothing is tested that the patch was learned on."""
    main(["analyse", "patch", str(place / "attack"), "--device", "cpu", "--out", str(place / "by-hand")])
    said = capsys.readouterr().out
    assert "made against it" in said
    assert "Of 12 pairs, 28 others known" in said
    record = json.loads((place / "by-hand" / "patch.json").read_text())
    (found,) = record["encoders"].values()
    assert found["tables"] == json.loads((place / "attack" / "attack.json").read_text())["tables"]
    assert record["patch"]["learned against"] == "none"
    assert record["patch"]["victims"][0]["fingerprint"] == found["fingerprint"]
    assert not (place / "attack" / "patch.json").exists()


def test_of_others_it_is_a_transfer_and_of_the_victim_trained_on_it_is_stale(place: Path) -> None:
    record, said = measured(place, "other", "repaired", data=TEST)
    other, repaired = record["encoders"].values()
    assert other["relation"].startswith("a transfer: made against towers of")
    assert repaired["relation"].startswith("stale: ")
    assert other["samples"] == {"known": 19, "test": 5}
    assert other["tables"]["none"]["no patch"] != repaired["tables"]["none"]["no patch"]
    rows = other["tables"]["none"]
    assert {"fooled", "label fooled", "label probe fooled", "colour probe decline", "found by words"} <= set(
        rows["the patch"]
    )
    for name, mean in rows["noise patch"].items():
        if mean is not None:
            assert rows["noise patch, least"][name] <= mean + 1e-9
            assert mean <= rows["noise patch, most"][name] + 1e-9
    assert any("blur: the patch (stale)" in line for line in said)


def test_an_encoder_of_pictures_is_asked_for_classes(place: Path) -> None:
    pictures = open_pairs("made:scenes", limit=PAIRS).pictures
    np.savez(place / "pictures.npz", images=pictures.pixels.transpose(0, 2, 3, 1), labels=pictures.labels)
    record, said = measured(place, "single", data=str(place / "pictures.npz"))
    (found,) = record["encoders"].values()
    rows = found["tables"]["none"]
    assert {"label fooled", "label probe right"} <= set(rows["the patch"])
    assert not any("found" in name for name in rows["the patch"])
    assert found["tables"]["pruning"]["no patch"]["label right"] <= 1
    assert any("Of 8 pictures, 32 others known" in line for line in said)


def test_test_data_of_their_own(place: Path) -> None:
    record, _ = measured(place, data="made:scenes?count=30", test_data=TEST)
    (found,) = record["encoders"].values()
    assert found["samples"] == {"known": 30, "test": 24}


def test_bad_input(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"for pictures of 16 x 16 pixels .* takes 24 x 24"):
        measured(place, "other", "larger")
    with pytest.raises(RunError, match="holds no encoder"):
        measured(place, "nowhere")
    with pytest.raises(RunError, match="holds no perturbation"):
        measured(place, run=str(place / "victim"))
    with pytest.raises(ArgumentError, match="--prune must lie in"):
        measured(place, prune=1.0)
    alone = place / "attack" / "perturbation"
    with pytest.raises(ArgumentError, match="say whom to put it before, --on RUN"):
        measured(place, run=str(alone), data=TEST)
    with pytest.raises(DataError, match="names no data: give them with --data"):
        measured(place, "victim", run=str(alone))
    record, _ = measured(place, "victim", run=str(alone), data=TEST)
    assert next(iter(record["encoders"].values()))["relation"] == "made against it"
    delta = SavedPerturbation(
        kind="delta",
        channels=3,
        image_size=16,
        victims=[Victim("runs/x", "towers", "f" * 64)],
        bound={"radius": 0.1},
        tensors={"delta": torch.zeros(3, 16, 16)},
    )
    save_perturbation(delta, tmp_path / "delta")
    with pytest.raises(ArgumentError, match="holds a delta, and this is about patches"):
        measured(place, "victim", run=str(tmp_path / "delta"), data=TEST)
