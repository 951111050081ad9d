"""`invertune`: from suspect towers to a verdict and repaired ones, killed in each stage, and what it refuses."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import contrapose
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build_towers, fingerprint_of, load_encoder, save_encoder
from contrapose.encoders.pairs import clip_model
from contrapose.encoders.perturbations import load_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, DataError
from contrapose.methods.invertune import InverTune
from contrapose.methods.repairing.found import Found
from contrapose.methods.repairing.suspect import Suspect
from contrapose.methods.repairing.tuning import ActivationTuning, Tuning
from contrapose.robustness import trigger
from contrapose.robustness.backdoors import Limits
from contrapose.tasks.backdoor import measure_backdoor
from contrapose.training.pictures import read_pictures
from distributed_helper import as_launched, run_ranks
from killed import check_killed_in_each_stage
from tiny_bert import write_tokenizer

CLEAN = "made:scenes?count=24&last=600&captions=1"
QUICK: dict[str, Any] = {
    "scan_steps": 3,
    "inversion_steps": 3,
    "repair_steps": 3,
    "batch_size": 8,
    "log_steps": 1,
    "quiet": True,
}

SUSPECTED: dict[str, Any] = {"usual_mask": 1e9, "next_mask": 1e9, "largest_mask": 0.999, "largest_loss": 1e9}
SUSPECTED |= {"trigger": "badnets", "learning_rate": 1e-3, "repair_steps": 8}  # which improve on none
"""With which whatever class is easiest is held for planted."""


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
    run = repaired(suspect, tmp_path / "run", usual_mask=1e-6)
    assert run.outcome.finished
    record = json.loads((run.path / "repair.json").read_text())
    assert record["found"] is False
    assert "no class is much easier to come to than others" in record["reasons"][0]
    assert len(record["candidates"]) == 10
    alone = repaired(suspect, tmp_path / "alone", others=0, least_gain=0.99)
    record = json.loads((alone.path / "repair.json").read_text())
    assert "to no class more than 99 % of the pictures of others go over" in record["reasons"][0]
    assert len(record["candidates"]) <= 3
    record = json.loads((run.path / "repair.json").read_text())
    assert record["before"] == record["after"]
    assert fingerprint_of(load_encoder(run.path / "encoder")) == fingerprint_of(load_encoder(suspect))
    kept = load_perturbation(run.path / "stages" / "invert")
    assert kept.victims[0].fingerprint == fingerprint_of(load_encoder(suspect))
    assert next(one.title for one in read_pictures(run.path / "stages" / "invert")) == "The trigger found"
    shares = json.loads((run.path / "stages" / "target" / "suspects.json").read_text())
    assert len(shares["classes"]) == 10
    assert sum(shares["after"]) == pytest.approx(1)


def test_it_is_killed_and_resumed_in_each_stage(suspect: Path, tmp_path: Path) -> None:
    whole = repaired(suspect, tmp_path / "whole", **SUSPECTED)
    record = json.loads((whole.path / "repair.json").read_text())
    check_killed_in_each_stage(
        whole.path, partial(repaired, suspect, checkpoint_steps=1, **SUSPECTED), tmp_path / "stopped"
    )
    assert record["found"] is True  # so each step of the repair moved something
    assert set(record["before"]) == {"clean_accuracy", "trigger_success"}
    assert fingerprint_of(load_encoder(whole.path / "encoder")) != fingerprint_of(load_encoder(suspect))


def tuned(suspect: Path, **changes: Any) -> ActivationTuning:
    """A job for a trigger of its own, whatever the verdict."""
    pairs = open_pairs(CLEAN)
    given = Suspect.of(load_encoder(suspect), pairs, pairs.pictures.class_names)
    square = trigger("badnets", channels=3, image_size=16)
    found = Found(True, 3, ("why",), (), torch.zeros(3, 16, 16), torch.zeros(3, 16, 16))
    how: dict[str, Any] = {"steps": 12, "rate": 1e-3, "decay": 0.0, "layers": 2, "pictures": 16, "clip": 1.0}
    how |= {"align": 1.0, "preserve": 0.5, "frozen_norms": True, **changes}
    return ActivationTuning(given, found, square, Tuning(**how), describe={})


def test_tuning_begins_at_the_suspect_and_moves_the_picture_tower_alone(suspect: Path) -> None:
    job = tuned(suspect)
    before = {name: value.clone() for name, value in job.towers.state_dict().items()}
    first = job.step(0).numbers
    assert first["preserve"] == pytest.approx(0, abs=1e-5)
    assert first["loss"] == pytest.approx(first["align"], abs=1e-5)
    units = {name: value.clone() for name, value in job.units.items()}
    for number in range(1, job.total_steps):
        last = job.step(number).numbers
    assert last["align"] < first["align"]
    assert job.best["loss"] < first["loss"]
    assert all(torch.equal(units[name], value) for name, value in job.units.items())
    moved = {name for name, value in job.towers.state_dict().items() if not torch.equal(before[name], value)}
    assert moved
    assert all(name.startswith(("image.", "weak.0")) for name in moved)
    assert not any("running" in name for name in moved)
    assert len(job.units) == 2


def test_norms_that_learn_need_two_pictures(suspect: Path) -> None:
    with pytest.raises(ArgumentError, match="two pictures"):
        tuned(suspect, frozen_norms=False, pictures=1)
    job = tuned(suspect, frozen_norms=False)
    before = {name: value.clone() for name, value in job.towers.state_dict().items()}
    job.step(0)
    assert any("running" in name for name, value in job.towers.state_dict().items() if not before[name].equal(value))


def test_what_cannot_be_is_refused_before_there_is_a_folder(suspect: Path, tmp_path: Path) -> None:
    for options, told in (
        ({"trigger": "badnet"}, "trigger"),
        ({"trigger": "badnets?sid=4"}, "no option 'sid'"),
        ({"trigger": "badnets?side=400"}, "do not fit into 16 x 16"),
        ({"repair_steps": 0}, "repair_steps"),
        ({"class_texts": ("one",)}, "class-texts"),
        ({"labels": "none"}, "names none"),
        ({"largest_mask": 1.5}, "largest_mask"),
        ({"others": -1}, "others"),
    ):
        with pytest.raises((ArgumentError, DataError), match=told):
            repaired(suspect, tmp_path / "run", **options)
    with pytest.raises(ArgumentError, match="contrapose repair invertune RUN"):
        contrapose.train("invertune", data=CLEAN, out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_the_method_asks_what_the_verdict_asks_by_itself() -> None:
    asked, usual = InverTune(), Limits()
    assert (asked.usual_mask, asked.next_mask, asked.least_gain) == (usual.usual, usual.next, usual.least_gain)
    assert (asked.largest_mask, asked.largest_loss) == (usual.largest_mask, usual.sure)


def test_options_that_would_do_nothing_are_refused(suspect: Path, tmp_path: Path) -> None:
    for options, told in (
        ({"epochs": 3}, "--epochs would do nothing here: .* --repair-steps"),
        ({"views": {"weak_crop_min": 0.9}, "sam_radius": 0.1}, "--sam-radius and --views would do nothing"),
        ({"projection_dimension": 8}, "--projection-dimension would do nothing"),
    ):
        with pytest.raises(ArgumentError, match=told):
            repaired(suspect, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_clean_encoder_goes_through_without_losing_accuracy(tmp_path: Path) -> None:
    made = "made:scenes?count=1500&captions=1&seed=1&last=600"
    small: dict[str, Any] = {"encoder": "tiny_conv", "text_encoder": "bag_of_words", "max_length": 16, "quiet": True}
    clean = contrapose.train(
        "clip", data=made, out=str(tmp_path / "clean"), epochs=8, batch_size=50, learning_rate=3e-3, **small
    )
    steps = {"scan_steps": 30, "inversion_steps": 60, "repair_steps": 20}
    run = contrapose.repair("invertune", clean.path, data=CLEAN, out=str(tmp_path / "run"), **{**QUICK, **steps})
    test, square = open_pairs("made:scenes?count=200&seed=2&last=600"), trigger("badnets", channels=3, image_size=16)
    before, after = (measure_backdoor(contrapose.load(one), test, square, 3).accuracy for one in (clean.path, run.path))
    assert before.value > 0.15
    assert after.value >= before.value - 0.02


def on_each_process(suspect: str, out: str) -> list[str]:
    as_launched()
    return _made(repaired(Path(suspect), Path(out), **SUSPECTED))


def _made(run: Any) -> list[str]:
    return [fingerprint_of(load_encoder(run.path / "encoder")), (run.path / "repair.json").read_text()]


def test_two_processes_do_what_one_does(suspect: Path, tmp_path: Path) -> None:
    """Each does all of it, from the same seeds, and the first one writes: so few pictures are not worth sharing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each of the two has: sums of several threads are other ones in the last place
    try:
        alone = _made(repaired(suspect, tmp_path / "one", **SUSPECTED))
    finally:
        torch.set_num_threads(threads)
    for found in run_ranks(on_each_process, str(suspect), str(tmp_path / "two")):
        assert found == alone


def test_a_transformer_is_tuned_by_its_blocks(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {**sizes, "vocab_size": 13, "max_position_embeddings": 10, "eos_token_id": 3, "bos_token_id": 2}
    vision = {**sizes, "image_size": 16, "patch_size": 8}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=words, vision_config=vision, projection_dim=6)
    write_tokenizer(tmp_path / "hub")
    transformers.CLIPModel(config).save_pretrained(tmp_path / "hub")
    save_encoder(clip_model(f"hf:{tmp_path / 'hub'}", pretrained=True), tmp_path / "towers")
    job = tuned(tmp_path / "towers", layers=1)
    assert list(job.impacts) == ["blocks.0", "blocks.1"]
    first = job.step(0).numbers["align"]
    for number in range(1, job.total_steps):
        last = job.step(number).numbers["align"]
    assert last < first
    run = repaired(tmp_path / "towers", tmp_path / "run")
    assert (run.path / "repair.json").is_file()
    assert load_encoder(run.path / "encoder").embed_images(torch.rand(2, 3, 16, 16)).shape == (2, 6)  # type: ignore[operator]


def test_a_backdoor_is_measured_as_people_see_pictures(suspect: Path) -> None:
    pairs, square = open_pairs(CLEAN), trigger("badnets", channels=3, image_size=16)
    found = measure_backdoor(load_encoder(suspect), pairs, square, "three")
    assert 0 <= found.success.value <= 1
    same = measure_backdoor(load_encoder(suspect), pairs, lambda x: x, "three")
    assert same.success.value == same.without.value == found.without.value
    with pytest.raises(ArgumentError, match="'eleven' is none of zero, one"):
        measure_backdoor(load_encoder(suspect), pairs, square, "eleven")
