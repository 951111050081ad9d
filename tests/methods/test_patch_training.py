"""patch-training from end to end: towers of any use, killed and resumed, what it says of each patch, bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import contrapose
from contrapose.data.pairs import open_pairs
from contrapose.encoders import fingerprint_of, load_encoder, save_encoder
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, RunError
from contrapose.methods.patching.saved import patches_for, relation
from contrapose.robustness import patch_mask
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same

QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 8, "quiet": True, "log_steps": 1, "checkpoint_steps": 1}
PAIRS = 30


def save_patch(folder: Path, *, size: int = 16, seed: int = 0, fingerprint: str = "f" * 64) -> str:
    patch = torch.rand(3, size, size, generator=torch.Generator().manual_seed(seed))
    saved = SavedPerturbation(
        kind="patch",
        channels=3,
        image_size=size,
        victims=[Victim("runs/x", "towers", fingerprint)],
        bound={"area": 0.03, "defence": "none"},
        tensors={"patch": patch, "mask": patch_mask(size, size)},
    )
    save_perturbation(saved, folder)
    return str(folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Towers, two patches for them, and one for larger pictures."""
    folder = tmp_path_factory.mktemp("towers")
    pairs = open_pairs("made:scenes", limit=PAIRS)
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16)
    towers = build_towers(
        "tiny_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=8, seed=0
    )  # fmt: skip
    save_encoder(towers, folder / "towers")
    save_patch(folder / "one", fingerprint=fingerprint_of(towers))
    save_patch(folder / "other", seed=1)
    save_patch(folder / "larger", size=24)
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> Any:
    return contrapose.repair(
        "patch-training",
        place / "towers",
        data="made:scenes",
        limit=PAIRS,
        out=str(place / "run"),
        patch=str(place / "one"),
        unseen_patch=(str(place / "other"),),
        **QUICK,
    )


def test_it_leaves_towers_as_any_other_run(trained: Any, place: Path) -> None:
    assert trained.outcome.finished
    towers = load_encoder(trained.path / "encoder")
    assert fingerprint_of(towers) != fingerprint_of(load_encoder(place / "towers"))
    rows = contrapose.load(trained.path).embed_texts(["a red three", "a blue one"])
    assert rows.shape == (2, 8)
    first = json.loads((trained.path / "metrics.jsonl").read_text().splitlines()[0])
    assert first["patched"] == 0.5
    again = contrapose.train("clip", data="made:scenes", limit=PAIRS, init=str(trained.path), out=str(place / "on"),
                             epochs=1, batch_size=8, quiet=True)  # fmt: skip
    assert again.outcome.finished


def test_it_says_what_patches_did_before_and_after(trained: Any, place: Path) -> None:
    told = json.loads((trained.path / "patches.json").read_text())
    one, other = str(place / "one"), str(place / "other")
    assert {name: patch["trained on"] for name, patch in told["patches"].items()} == {one: True, other: False}
    assert told["pairs"] == 6
    for when in ("before", "after"):
        rows = told["tables"][when]
        assert next(iter(rows)) == "no patch"
        assert list(rows)[-2:] == [f"{one} (trained on)", f"{other} (unseen)"]
        assert rows["no patch"]["fooled"] == 0
        least, mean, most = (rows[f"noise patch{end}"]["fooled"] for end in (", least", "", ", most"))
        assert least <= mean <= most
    assert told["tables"]["before"] != told["tables"]["after"]


def test_killed_and_resumed_it_is_the_same_bit_for_bit(trained: Any, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    shutil.copytree(trained.path, stopped)
    for path in list_checkpoints(stopped / "checkpoints"):
        if load_checkpoint(path)["step"] > 1:
            path.unlink()
    shutil.rmtree(stopped / "encoder")
    (stopped / "patches.json").unlink()
    resumed = contrapose.resume(stopped, quiet=True)
    states = [load_newest(RunFolder(run).checkpoints)[0] for run in (trained.path, resumed.path)]
    assert_same(*states)
    assert (stopped / "patches.json").read_bytes() == (trained.path / "patches.json").read_bytes()


def test_whose_patch_it_is(place: Path, trained: Any) -> None:
    towers, after = load_encoder(place / "towers"), load_encoder(trained.path / "encoder")
    (one,), (other,) = (patches_for(towers, [place / name]) for name in ("one", "other"))
    assert relation(one, towers) == "made against it"
    assert relation(one, after, fingerprint_of(towers)).startswith("stale: ")
    assert relation(one, after) == relation(other, towers) == "a transfer: made against towers of runs/x"


def test_bad_input(place: Path, tmp_path: Path) -> None:
    given = {"data": "made:scenes", "limit": PAIRS, "out": str(tmp_path / "run"), **QUICK}
    delta = SavedPerturbation(
        kind="delta",
        channels=3,
        image_size=16,
        victims=[Victim("runs/x", "towers", "f" * 64)],
        bound={"radius": 0.1},
        tensors={"delta": torch.zeros(3, 16, 16)},
    )
    save_perturbation(delta, tmp_path / "delta")
    one = str(place / "one")
    for options, error, told in (
        ({}, ArgumentError, "needs a patch to train with: --patch ATTACK_RUN"),
        (
            {"patch": str(place / "larger")},
            ArgumentError,
            "for pictures of 24 x 24 pixels .* this encoder takes 16 x 16",
        ),
        ({"patch": one, "unseen_patch": str(place / "larger")}, ArgumentError, "for pictures of 24 x 24"),
        ({"patch": str(tmp_path / "delta")}, ArgumentError, "holds a delta, and this is about patches"),
        ({"patch": str(place / "towers")}, RunError, "holds no perturbation"),
        ({"patch": one, "share": 0.0}, ArgumentError, "share"),
        ({"patch": one, "holdout": 1.0}, ArgumentError, "holdout"),
        ({"patch": one, "batch_size": 1}, ArgumentError, "batch_size"),
    ):
        with pytest.raises(error, match=told):
            contrapose.repair("patch-training", place / "towers", **{**given, **options})
    with pytest.raises(ArgumentError, match="contrapose repair patch-training RUN"):
        contrapose.train("patch-training", **given)
    assert not (tmp_path / "run").exists()
