"""advclip from end to end: what it leaves behind, killed and resumed, and what it says of pairs that were kept out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build, fingerprint_of, load_encoder, save_encoder
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import load_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, DataError
from contrapose.methods.patching.defences import pruned_towers, to_learn_against
from contrapose.methods.patching.effect import Effect, Ground, table_of
from contrapose.methods.patching.trainer import kept_out
from contrapose.robustness import patch_mask
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same

QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 8,
    "width": 2,
    "codes": 2,
    "quiet": True,
    "log_steps": 1,
    "checkpoint_steps": 1,
}
PAIRS = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Towers to attack."""
    folder = tmp_path_factory.mktemp("towers")
    pairs = open_pairs("made:scenes", limit=PAIRS)
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16)
    towers = build_towers(
        "tiny_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=8, seed=0
    )  # fmt: skip
    save_encoder(towers, folder / "towers")
    return folder


@pytest.fixture(scope="module")
def attacked(place: Path) -> Any:
    return contrapose.attack(
        "advclip", place / "towers", data="made:scenes", limit=PAIRS, out=str(place / "run"), **QUICK
    )


def test_it_leaves_a_patch_that_names_its_victim(attacked: Any, place: Path) -> None:
    assert attacked.outcome.finished
    saved = load_perturbation(attacked.path)
    towers = load_encoder(place / "towers")
    assert (saved.kind, saved.victims[0].fingerprint) == ("patch", fingerprint_of(towers))
    assert saved.bound == {"area": 4 / 256, "defence": "none"}
    assert torch.equal(saved.tensors["mask"], patch_mask(16, 16))
    assert not (attacked.path / "encoder").exists()
    assert (attacked.path / "pictures" / "before-and-after.png").is_file()
    state, _ = load_newest(RunFolder(attacked.path).checkpoints)
    assert not any("victim" in name or "given" in name for name in state["learner"])
    pictures = open_pairs("made:scenes", limit=5).pictures
    made = contrapose.load_perturber(attacked.path).perturb(pictures)
    inside = saved.tensors["mask"].bool().expand(3, 16, 16).numpy()
    assert (made[:, ~inside] == pictures.batch(torch.arange(5)).numpy()[:, ~inside]).all()
    assert (made[:, inside] == made[:1, inside]).all()


def test_killed_and_resumed_it_is_the_same_bit_for_bit(attacked: Any, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    shutil.copytree(attacked.path, stopped)
    for path in list_checkpoints(stopped / "checkpoints"):
        if load_checkpoint(path)["step"] > 1:
            path.unlink()
    shutil.rmtree(stopped / "perturbation")
    (stopped / "attack.json").unlink()
    resumed = contrapose.resume(stopped, quiet=True)
    states = [load_newest(RunFolder(run).checkpoints)[0] for run in (attacked.path, resumed.path)]
    assert_same(*states)
    one, other = (load_perturbation(run).tensors for run in (attacked.path, resumed.path))
    assert_same(dict(one), dict(other))
    assert (stopped / "attack.json").read_bytes() == (attacked.path / "attack.json").read_bytes()


def test_it_says_what_it_did_to_pairs_that_were_kept_out(attacked: Any) -> None:
    told = json.loads((attacked.path / "attack.json").read_text())
    assert (told["learned against"], told["pairs"]) == ("none", 6)
    assert list(told["tables"]) == ["none", "noise", "blur", "levels", "pruning"]
    plain = told["tables"]["none"]
    assert list(plain) == [
        "no patch",
        "grey patch",
        "noise patch",
        "noise patch, least",
        "noise patch, most",
        "the patch",
    ]
    assert list(told["tables"]["blur"]) == ["no patch", "the patch"]
    clean, patched = plain["no patch"], plain["the patch"]
    for name, mean in plain["noise patch"].items():
        ends = [plain[f"noise patch, {end}"][name] for end in ("least", "most")]
        assert None in (mean, *ends) or ends[0] <= mean + 1e-9 <= ends[1] + 2e-9, name
    assert {"label probe fooled", "colour probe decline"} <= set(patched)
    assert clean["fooled"] == clean["label fooled"] == 0
    assert {"found by picture", "found by words", "fooled", "label right", "label fooled"} <= set(patched)
    was, now = clean["found by picture"], patched["found by picture"]
    decline = patched["found by picture decline"]
    assert decline == (None if was == 0 else pytest.approx(100 * (was - now) / was))


def test_pairs_are_kept_out_the_same_each_time() -> None:
    pairs = open_pairs("made:scenes", limit=PAIRS)
    one, other = (kept_out(pairs, 0.2, torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert [len(part) for part in one] == [24, 6]
    assert list(one[1].identifiers) == list(other[1].identifiers)
    assert not set(one[0].identifiers) & set(one[1].identifiers)
    with pytest.raises(DataError, match="5 pairs, of which 4 are kept out"):
        kept_out(pairs.subset(np.arange(5)), 0.2, torch.Generator())


class _Brightness(torch.nn.Module):
    """Towers that see only how bright the corner of a picture is."""

    def embed_images(self, x: torch.Tensor) -> torch.Tensor:
        bright = x[:, 0, -1, -1]  # (B,)
        return torch.stack([bright, 1 - bright], dim=1)

    def prepare(self, texts: list[str]) -> torch.Tensor:
        return torch.tensor([[1.0, 0.0] if text == "bright" else [0.0, 1.0] for text in texts])

    def embed_texts(self, view: torch.Tensor) -> torch.Tensor:
        return view


def test_the_table_is_that_of_answers() -> None:
    pixels = np.zeros((8, 1, 4, 4), dtype=np.uint8)
    pixels[::2, :, -1, -1] = 255
    images = contrapose.data.Images(pixels, np.arange(8) % 2, class_names=("high", "low"))
    pairs = contrapose.data.pairs.Pairs(images, [["bright"], ["dark"]] * 4)
    ground = Ground.of(pairs, pairs)
    mask = torch.zeros(1, 4, 4)
    mask[:, -1, -1] = 1
    found = table_of(Effect(_Brightness(), ground), mask.clone(), mask)
    assert found["no patch"]["found by picture"] == found["no patch"]["label right"] == 1
    for name, value in (("fooled", 0.5), ("found by picture", 0.5), ("label right", 0.5), ("label decline", 50.0)):
        assert found["the patch"][name] == value, name
    assert found["the patch"]["label fooled"] == 0.5
    dark = table_of(Effect(_Brightness(), ground, before=lambda x: 0 * x), mask, mask, beside=False)
    assert dark["the patch"]["fooled"] == 0
    assert list(dark) == ["no patch", "the patch"]


def test_a_patch_that_knows_of_the_defence_is_learned_against_it(place: Path) -> None:
    towers: Any = load_encoder(place / "towers")
    fragile = pruned_towers(towers, 0.5)
    assert fingerprint_of(fragile) != fingerprint_of(towers) == fingerprint_of(load_encoder(place / "towers"))
    assert fingerprint_of(fragile.text) == fingerprint_of(towers.text)
    options = {"init": str(place / "towers"), "defence": "pruning", "prune": 0.5}
    learner: Any = contrapose.methods.METHODS["advclip"](**options).new_learner(towers)
    assert fingerprint_of(learner.victim.network) == fingerprint_of(fragile)
    assert fingerprint_of(learner.given.network) == learner.victim.fingerprint == fingerprint_of(towers)


def test_a_patch_that_knows_of_noise_sees_other_noise_at_every_step(place: Path) -> None:
    options = {"init": str(place / "towers"), "defence": "noise"}
    learner: Any = contrapose.methods.METHODS["advclip"](**options).new_learner(load_encoder(place / "towers"))
    x = torch.full((2, 3, 16, 16), 0.5)
    torch.manual_seed(0)
    first, second = learner.before(x), learner.before(x)
    torch.manual_seed(0)
    assert torch.equal(learner.before(x), first)
    assert not torch.equal(first, second)
    assert 0.08 < float((first - x).std()) < 0.12
    assert to_learn_against("none") is None


def test_bad_input(place: Path, tmp_path: Path) -> None:
    save_encoder(build("small_conv", channels=3, image_size=16, widths=[4], seed=0), tmp_path / "conv")
    given = {"data": "made:scenes", "limit": PAIRS, "out": str(tmp_path / "run"), **QUICK}
    with pytest.raises(ArgumentError, match="pairs need two towers"):
        contrapose.attack("advclip", tmp_path / "conv", **given)
    for options, told in (
        ({"area": 0.0}, "area"),
        ({"area": 1.0}, "area"),
        ({"area": 0.9, "margin": 3}, "do not fit into 16 x 16"),
        ({"batch_size": 1}, "batch_size"),
        ({"defence": "prayer"}, "defence"),
        ({"holdout": 1.0}, "holdout"),
        ({"codes": 1}, "codes"),
    ):
        with pytest.raises(ArgumentError, match=told):
            contrapose.attack("advclip", place / "towers", **{**given, **options})
    assert not (tmp_path / "run").exists()
