"""cpgc from end to end: what it leaves, killed and resumed, what it says of pairs kept out and of other towers."""

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
from contrapose.encoders.perturbations import ReplacedWord, load_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.evaluation.led_astray import attack_success
from contrapose.methods.pairing_attack.effect import (
    BOTH,
    CLEAN,
    DELTA,
    NOISE,
    ROWS,
    WORD,
    AskedPairs,
    Change,
    lines_of,
)
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same

QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 6,
    "width": 2,
    "scales": (1.0, 0.5),
    "radius": 0.1,
    "quiet": True,
    "log_steps": 1,
    "checkpoint_steps": 1,
}
PAIRS = 30


def towers(seed: int, encoder: str = "tiny_conv", text: str = "bag_of_words", size: int = 16) -> Any:
    pairs = open_pairs("made:scenes?captions=2", limit=PAIRS)
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16)
    return build_towers(encoder, text, channels=3, image_size=size, tokenizer=tokenizer, width=8, seed=seed)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Towers to attack, and others."""
    folder = tmp_path_factory.mktemp("towers")
    save_encoder(towers(0), folder / "towers")
    save_encoder(towers(5, "micro_conv", size=20), folder / "others")
    return folder


@pytest.fixture(scope="module")
def attacked(place: Path) -> Any:
    given = {"data": "made:scenes?captions=2", "limit": PAIRS, "others": (str(place / "others"),)}
    return contrapose.attack("cpgc", place / "towers", out=str(place / "run"), **given, **QUICK)


def test_it_leaves_a_delta_and_a_word_that_name_their_victim(attacked: Any, place: Path) -> None:
    assert attacked.outcome.finished
    saved, victim = load_perturbation(attacked.path), load_encoder(place / "towers")
    assert (saved.kind, saved.victims[0].fingerprint) == ("pair", fingerprint_of(victim))
    assert len(saved.victims) == 1  # the others had no part in it
    assert saved.bound == {"norm": "linf", "radius": 0.1, "words": 1}
    assert bool(saved.tensors["delta"].abs().max() <= torch.tensor(0.1))
    words = ReplacedWord(victim)
    assert saved.arguments["word"] == words.nearest(saved.tensors["word"])
    lengths = words.table.detach().norm(dim=1)
    assert lengths.min() - 1e-5 <= saved.tensors["word"].norm() <= lengths.max() + 1e-5
    assert (attacked.path / "pictures" / "before-and-after.png").is_file()
    assert not (attacked.path / "encoder").exists()
    state, _ = load_newest(RunFolder(attacked.path).checkpoints)
    assert not any("victim" in name or "towers" in name for name in state["learner"])
    assert state["learner"]["conditions"].shape == (2, 2 * 6, 8)
    assert state["learner"]["encoder.maps.codes"].shape[0] == 12


def test_the_delta_is_added_to_pictures(attacked: Any) -> None:
    pictures = open_pairs("made:scenes", limit=5).pictures
    perturber = contrapose.load_perturber(attacked.path)
    made = perturber.perturb(pictures).astype(int)
    was = pictures.batch(torch.arange(5)).numpy().astype(int)
    assert 0 < np.abs(made - was).max() <= 25
    delta = load_perturbation(attacked.path).tensors["delta"]
    grey = torch.full((2, 3, 16, 16), 0.5)
    torch.testing.assert_close(perturber.changed(grey), grey + delta)
    word = load_perturbation(attacked.path).arguments["word"]
    assert f'and the word "{word}" in texts' in perturber.in_words()


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


def test_the_same_seed_gives_the_same_delta_and_another_one_another(attacked: Any, place: Path, tmp_path: Path) -> None:
    given = {"data": "made:scenes?captions=2", "limit": PAIRS, **QUICK}
    found = []
    for seed in (0, 1):
        run = contrapose.attack("cpgc", place / "towers", out=str(tmp_path / f"{seed}"), seed=seed, **given)
        found.append(load_perturbation(run.path))
    before = load_perturbation(attacked.path).tensors["delta"]
    assert torch.equal(found[0].tensors["delta"], before)
    assert not torch.equal(found[1].tensors["delta"], before)


def test_it_says_what_it_took_away_of_pairs_that_were_kept_out(attacked: Any, place: Path) -> None:
    told = json.loads((attacked.path / "attack.json").read_text())
    assert (told["pairs"], told["radius"]) == (6, 0.1)
    assert told["word"] == load_perturbation(attacked.path).arguments["word"]
    assert [one["fingerprint"] for one in told["towers"]] == [
        fingerprint_of(load_encoder(place / name)) for name in ("towers", "others")
    ]
    for one in told["towers"]:
        assert list(one["table"]) == [CLEAN, *ROWS]
        assert {"TR@1", "IR@1", "TR@5", "IR@5"} <= set(one["table"][BOTH])


class _Sides:
    """Towers that see whether a picture is bright, and read whether a text says so."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.image = self.text = self
        self.channels, self.image_size = 1, 4

    def to(self, device: Any) -> _Sides:
        return self

    def eval(self) -> _Sides:
        return self

    def embed_images(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean(dim=(1, 2, 3))  # (B,)
        return torch.stack([bright, 1 - bright], dim=1)

    def prepare(self, texts: list[str]) -> torch.Tensor:
        said = {"bright": [1.0, 0.0], "dark": [0.0, 1.0]}
        return torch.tensor([said.get(text.split()[-1], [0.5, 0.5]) for text in texts])

    def embed_texts(self, view: torch.Tensor) -> torch.Tensor:
        return view


class _Last:
    """A word in the place of the last one."""

    words = ("bright", "dark")

    def located(self, texts: list[str]) -> list[tuple[int, int]]:
        return [(text.rindex(" ") + 1, len(text)) for text in texts]

    put = ReplacedWord.put


def asked(delta: float, word: str) -> dict[str, dict[str, float]]:
    pixels = np.full((8, 1, 4, 4), 50, dtype=np.uint8)
    pixels[::2] = 205
    pairs = contrapose.data.pairs.Pairs(contrapose.data.Images(pixels), [["it is bright"], ["it is dark"]] * 4)
    words: Any = _Last()
    change = Change(torch.full((1, 4, 4), delta), abs(delta), word, words)
    return AskedPairs(pairs, change).table(_Sides())


def test_the_table_is_that_of_answers_that_were_right() -> None:
    found = asked(0.7, "bright")
    assert list(found) == [CLEAN, *ROWS]
    assert found[CLEAN]["TR@1"] == found[CLEAN]["IR@1"] == 1
    assert found[DELTA]["TR@1"] == 0.5  # all are bright now: those that were dark have lost their text
    assert found[WORD]["TR@1"] + found[WORD]["IR@1"] > 0  # all texts are one now, and which is first is chance
    assert found[NOISE]["TR@1"] == 0  # of noise the mean stays
    small = asked(0.01, "dull")
    assert small[DELTA]["TR@1"] == small[DELTA]["IR@1"] == 0
    assert small[WORD]["TR@1"] > 0


def test_what_was_wrong_before_plays_no_part() -> None:
    assert attack_success([1, 1, 0, 0], [1, 0, 0, 1]) == 0.5
    assert attack_success([1, 1], [1, 1]) == 0
    assert np.isnan(attack_success([0, 0], [1, 0]))
    with pytest.raises(ArgumentError, match="before and after"):
        attack_success([1], [1, 0])


@pytest.mark.parametrize("changed", [{"contrast": 0.0, "condition": "none"}, {"positives": "random"}, {"shift": 0.0}])
def test_parts_can_be_left_out(place: Path, tmp_path: Path, changed: dict[str, Any]) -> None:
    run = contrapose.attack(
        "cpgc", place / "towers", data="made:scenes", limit=PAIRS, out=str(tmp_path / "run"), **QUICK, **changed
    )
    logged = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    assert ("contrast_loss" in logged) == (changed.get("contrast") != 0)
    assert ("shift" in logged) == (changed.get("shift") != 0)


def test_the_second_batch_is_another_one(place: Path) -> None:
    kind: Any = contrapose.methods.METHODS["cpgc"]
    method = kind(init=str(place / "towers"), batch_size=6, width=2)
    assert method.views_seen() == 5
    from contrapose.methods.assemble import assemble
    from contrapose.training.device import make_accelerator
    from contrapose.training.stages import Context

    pairs = open_pairs("made:scenes?captions=2", limit=PAIRS)
    context = Context(method, make_accelerator("cpu"), samples=pairs, assemble=assemble)
    source: Any = method.stages(context)[0].job(context).source
    batch = source.batch(0, 0, generator=torch.Generator().manual_seed(0))
    other = batch.others["targets"]
    assert (len(batch.views), len(other.views)) == (5, 2)
    assert other.size == 6
    assert other.indices.tolist() != batch.indices.tolist()
    assert other.views[0].second.values.tolist() != other.views[1].second.values.tolist()


def test_bad_input(place: Path, tmp_path: Path) -> None:
    save_encoder(build("small_conv", channels=3, image_size=16, widths=[4], seed=0), tmp_path / "conv")
    given = {"data": "made:scenes", "limit": PAIRS, "out": str(tmp_path / "run"), **QUICK}
    with pytest.raises(ArgumentError, match="pairs need two towers"):
        contrapose.attack("cpgc", tmp_path / "conv", **given)
    with pytest.raises(ArgumentError, match="encoder of image data"):
        contrapose.attack("cpgc", place / "towers", **given, others=(str(tmp_path / "conv"),))
    for options, told in (
        ({"radius": -0.1}, "radius"),
        ({"radius": 2.0}, "radius"),
        ({"temperature": 0.0}, "temperature"),
        ({"scales": (0.5, 1.0)}, "scales"),
        ({"scales": (1.0, -1.0)}, "scales"),
        ({"contrast": 0.0, "shift": 0.0}, "contrast"),
        ({"captions": 0}, "captions"),
        ({"positives": "nearest"}, "positives"),
        ({"condition": "all"}, "condition"),
        ({"holdout": 1.0}, "holdout"),
        ({"batch_size": 1}, "batch_size"),
        ({"views": {"count": 2}}, "views"),
    ):
        with pytest.raises(ArgumentError, match=told):
            contrapose.attack("cpgc", place / "towers", **{**given, **options})
    assert not (tmp_path / "run").exists()


def test_apply_puts_the_word_into_texts_and_beside_pictures(attacked: Any, place: Path, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    words = ReplacedWord(load_encoder(place / "towers"))
    word = str(load_perturbation(attacked.path).arguments["word"])
    texts = ["a photo of a red seven", "this is a nine in blue", "of the"]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
    contrapose.apply(attacked.path, str(tmp_path / "texts.txt"), out=tmp_path / "told.csv", quiet=True)
    told = polars.read_csv(tmp_path / "told.csv")["text"].to_list()
    assert told == words.replaced(texts, word)
    assert told[2] == "of the"
    assert all(word in text for text in told[:2])
    pairs = open_pairs("made:scenes?captions=2", limit=4)
    contrapose.apply(attacked.path, pairs, out=tmp_path / "pairs", device="auto", quiet=True)  # as on the command line
    written = open_pairs(tmp_path / "pairs")
    made = contrapose.load_perturber(attacked.path).perturb(pairs.pictures)
    told = [tuple(words.replaced(list(own), word)) for own in pairs.captions]
    expected = dict(zip(told, made, strict=True))
    assert len(written) == 4
    for row, own in enumerate(written.captions):
        assert (written.pictures.batch([row])[0].numpy() == expected[tuple(own)]).all()
    shutil.copytree(attacked.path / "perturbation", tmp_path / "alone")
    with pytest.raises(contrapose.errors.RunError, match="does not hold them"):
        contrapose.apply(tmp_path / "alone", str(tmp_path / "texts.txt"), out=tmp_path / "more.csv", quiet=True)


def test_where_nothing_was_right_nothing_is_taken_away() -> None:
    table = {CLEAN: {"TR@1": 0.5, "IR@1": 0.0}, BOTH: {"TR@1": 0.25, "IR@1": float("nan")}}
    _, _, clean, both, _ = lines_of({"victim": table}, "red", 4)
    assert clean.split()[-2:] == ["50.0", "0.0"]
    assert both.split()[-2:] == ["25.0", "-"]
