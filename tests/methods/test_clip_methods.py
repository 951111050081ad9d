"""`clip` and `clip-rocket`: from the data to the run, what is refused, and that they learn."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import contrapose
from contrapose.commands.embed import embed
from contrapose.commands.evaluate import evaluate
from contrapose.commands.report import report
from contrapose.commands.search import SearchOptions, search
from contrapose.commands.search_sheet import sheet_of
from contrapose.data.pairs import open_pairs
from contrapose.data.texts import Texts
from contrapose.errors import ArgumentError
from contrapose.methods import CLIP, METHODS
from contrapose.modalities import MODALITIES
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same

pytest.importorskip("tokenizers")
SCENES = "made:scenes?count=64&last=600"
FEW = "made:scenes?count=32&last=600"
SMALL: dict[str, Any] = {
    "encoder": "micro_conv",
    "text_encoder": "bag_of_words",
    "batch_size": 32,
    "projection_hidden": 16,
    "projection_dimension": 16,
    "quiet": True,
}


def test_the_kind_is_settled_by_the_method_and_refused_by_others(tmp_path: Path) -> None:
    with pytest.raises(
        ArgumentError, match=r"^simclr learns from pictures or texts, and these are pairs with both sides"
    ):
        contrapose.train("simclr", data=SCENES, out=str(tmp_path / "a"), quiet=True)
    with pytest.raises(ArgumentError, match=r"add --modality image .* or take a method for pairs: clip, clip-rocket"):
        contrapose.train("swav", data=SCENES, out=str(tmp_path / "a"), quiet=True)
    with pytest.raises(ArgumentError, match=r"^clip is for pairs, for it compares two sides .*; these are texts"):
        METHODS["clip"].on("text")
    one_side = contrapose.train(
        "simclr",
        data=SCENES,
        modality="image",
        out=str(tmp_path / "b"),
        epochs=1,
        encoder="micro_conv",
        quiet=True,
        batch_size=32,
    )
    assert one_side.load().encoder.modality == "image"


def test_captions_that_are_names_of_classes_are_told_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), np.uint8)
    options = {**SMALL, "batch_size": 16, "epochs": 1, "quiet": False}
    for own, said in ((3, True), (32, False)):
        data = {"image": list(pixels), "caption": [f"class {row % own}" for row in range(32)]}
        contrapose.train("clip", data=data, out=str(tmp_path / f"of-{own}"), **options)
        told = "".join(capsys.readouterr())
        assert ("note: 3 different captions for 32 pictures: in a batch of 16, " in told) is said


def test_options_of_towers_that_are_brought_along_are_said_to_play_no_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = contrapose.train("clip", data=FEW, out=str(tmp_path / "first"), epochs=1, **SMALL)
    own: dict[str, Any] = {"data": FEW, "init": str(first.path), "epochs": 1, "batch_size": 32}
    told = f"note: --text-encoder word_conv, --vocabulary 50 play no part: {first.path} brings its towers along"
    contrapose.train("clip", out=str(tmp_path / "a"), text_encoder="word_conv", vocabulary=50, **own)
    assert told in "".join(capsys.readouterr())
    contrapose.train("clip", out=str(tmp_path / "b"), **own)
    assert "no part" not in "".join(capsys.readouterr())
    pairs = MODALITIES["pairs"]
    assert len(pairs.unused(CLIP(init="runs/x", max_length=20), first.load().encoder)) == 1
    assert pairs.unused(CLIP(init="hf:NAME", max_length=20), first.load().encoder) == []  # which it cuts


def test_a_group_within_a_group_keeps_the_defaults_of_the_method() -> None:
    from contrapose.training.config_file import from_dictionary, to_dictionary

    config = from_dictionary(METHODS["clip-rocket"], {"views": {"texts": {"swap": 0.0}}})
    assert (config.views.count, config.views.texts.stop_words, config.views.texts.swap) == (3, 0.8, 0.0)
    assert from_dictionary(METHODS["clip-rocket"], to_dictionary(config)) == config
    assert CLIP().views.count == 1


def test_a_slow_copy_and_its_predictors_resume_bit_for_bit(tmp_path: Path) -> None:
    own = {"companion": "byolip", "companion_hidden": 8, "companion_dimension": 8, "text_dropout": 0.2}
    options = {**SMALL, **own, "batch_size": 16, "epochs": 2, "log_steps": 1, "checkpoint_steps": 1}
    whole = contrapose.train("clip-rocket", data=FEW, out=str(tmp_path / "whole"), **options)
    shutil.copytree(whole.path, tmp_path / "stopped")
    for path in list_checkpoints(tmp_path / "stopped" / "checkpoints"):
        if load_checkpoint(path)["step"] > 2:
            path.unlink()
    resumed = contrapose.resume(tmp_path / "stopped", quiet=True)
    assert_same(*(load_newest(RunFolder(run.path).checkpoints)[0] for run in (whole, resumed)))


def test_it_learns_and_can_be_asked_both_ways(tmp_path: Path) -> None:
    run = contrapose.train(
        "clip", data=SCENES, out=str(tmp_path / "run"), epochs=12, learning_rate=0.01, **{**SMALL, "loss": "softmax"}
    )
    found = evaluate(run.path, data=SCENES, quiet=True)
    assert found.task == "pair-retrieval"
    trained, untrained = found.arms["trained"], found.arms["untrained"]
    assert trained["recall@10 by words"].value > untrained["recall@10 by words"].value + 0.2
    assert set(found.arms) == {"trained", "untrained", "pixels beside word counts"}
    named = evaluate(run.path, data=SCENES, label_column="colour", prompts=["a photo of a {} three"], quiet=True)
    assert named.task == "prompts"
    assert named.arms["trained"]["accuracy"].value > 0.3
    report(run.path, quiet=True)
    text = (run.path / "report.html").read_text()
    assert "data:image/svg+xml" in text
    assert "Captions look for their picture" in text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One epoch of `clip`."""
    place = str(tmp_path_factory.mktemp("clip") / "run")
    return contrapose.train("clip", data=FEW, out=place, epochs=1, **{**SMALL, "batch_size": 16})


def test_what_retrieval_prints_is_what_the_embeddings_give(run: Any) -> None:
    """Recall and gap once more, by hand, from both sides; and that these very pairs were learned from."""
    towers, pairs = run.load(), open_pairs(FEW)
    found = evaluate(run.path, data=FEW, quiet=True)
    pictures = towers.embed(pairs.pictures, normalize=True).astype(float)  # (N, D)
    said = list(dict.fromkeys(text for some in pairs.captions for text in some))
    words = towers.embed(Texts(said), normalize=True).astype(float)  # (T, D)
    of = np.array([[text in set(some) for text in said] for some in pairs.captions])  # (N, T)
    scores = pictures @ words.T
    for name, values, right in (("by picture", scores, of), ("by words", scores.T, of.T)):
        best = np.where(right, values, -np.inf).max(axis=1, keepdims=True)
        rank = 1 + (values > best + 1e-9).sum(axis=1)
        for count in (1, 5, 10):
            assert found.arms["trained"][f"recall@{count} {name}"].value == pytest.approx(
                (rank <= count).mean(), abs=0.05
            )
    first = words[[said.index(some[0]) for some in pairs.captions]]
    gap = np.linalg.norm(pictures.mean(axis=0) - first.mean(axis=0))
    assert found.arms["trained"]["modality gap"].value == pytest.approx(gap, abs=1e-5)
    assert any("trained on these very pairs" in note for note in found.notes)
    assert not any("trained on these" in note for note in evaluate(run.path, data=SCENES, quiet=True).notes)


def test_words_look_among_pictures_and_a_picture_among_words(run: Any, tmp_path: Path) -> None:
    towers, pairs = run.load(), open_pairs(FEW)
    pictures, words = towers.embed(pairs.pictures, normalize=True), towers.embed(pairs.texts, normalize=True)
    asked = towers.embed(["a red three"], normalize=True)
    by_words = search(run.path, "a red three", data=FEW, k=3, quiet=True)
    assert by_words.rows[0].tolist() == np.argsort(-(asked @ pictures.T)[0])[:3].tolist()
    Image.fromarray(pairs.pictures.pixels[5].transpose(1, 2, 0)).save(tmp_path / "five.png")
    by_picture = search(run.path, tmp_path / "five.png", data=FEW, k=64, quiet=True)
    assert by_picture.similarity[0] == pytest.approx(np.sort(pictures[5] @ words.T)[::-1], abs=1e-4)
    assert {hit.excerpt for hit in by_picture[0]} == set(pairs.texts.texts)
    options = SearchOptions(run=str(run.path), query=str(tmp_path / "five.png"), data=FEW, out=str(tmp_path / "f.html"))
    sheet_of(options, by_picture)
    html = (tmp_path / "f.html").read_text()
    assert all(text in html for text in pairs.texts.texts[:3])


def test_texts_can_be_embedded_from_a_file(run: Any, tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("a red three\nan unheard zebra\n")
    assert len(embed(run.path, tmp_path / "said.txt", out=tmp_path / "said.npz", quiet=True)) == 2
