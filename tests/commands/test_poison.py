"""`contrapose poison` and `contrapose analyse backdoor`: a set that says what it carries, and a verdict on towers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.cli import main
from contrapose.commands.analyse_backdoor import AnalyseBackdoorOptions, analyse_backdoor, in_words
from contrapose.commands.poison import poison_data
from contrapose.data import Images, open_data
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build_towers, load_encoder, save_encoder
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation.backdoor import backdoor
from contrapose.robustness import TRIGGERS, named_trigger, read_poison, trigger
from contrapose.tasks.backdoor import measure_backdoor

SCENES = "made:scenes?count=60&captions=2"
OPTIONS: dict[str, Any] = {"target": "three", "share": 0.1, "modality": "pairs"}


@pytest.mark.parametrize("name", TRIGGERS)
def test_pairs_are_written_as_train_reads_them_and_the_record_says_which_carry_it(name: str, tmp_path: Path) -> None:
    found: Any = poison_data(SCENES, tmp_path / "set", trigger=name, **OPTIONS)
    read, clean = open_pairs(tmp_path / "set"), open_pairs(SCENES)
    assert len(read) == len(clean) == 60
    row_of = {one.rpartition("/")[2]: row for row, one in enumerate(read.identifiers)}
    order = [row_of[f"{row:02}.png"] for row in range(60)]
    assert np.array_equal(read.pictures.pixels[order], found.samples.pictures.pixels)
    assert [list(read.captions[row]) for row in order] == [list(words) for words in found.samples.captions]
    names: Any = read.class_names
    assert [names[read.labels[row]] for row in order] == [clean.class_names[label] for label in clean.labels]
    record = read_poison(tmp_path / "set")
    assert record["poisoned"] == [read.identifiers[order[row]] for row in found.rows]
    assert len(record["poisoned"]) == 6
    again = named_trigger(tmp_path / "set", channels=3, image_size=16)
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again(x), trigger(name, channels=3, image_size=16)(x))
    with pytest.raises(ArgumentError, match="for 3 x 16 x 16 pictures, and these are 3 x 8 x 8"):
        named_trigger(tmp_path / "set", channels=3, image_size=8)


def test_pictures_lie_in_the_folder_of_the_target(tmp_path: Path) -> None:
    found: Any = poison_data(
        "made:scenes?count=60",
        tmp_path / "set",
        trigger="badnets?side=5&corner=upper left",
        target=3,
        share=0.1,
        modality="image",
    )
    read = open_data(str(tmp_path / "set"))
    record = read_poison(tmp_path / "set")
    assert record["target"] == "three"
    assert all(name.startswith("three/") for name in record["poisoned"])
    rows = [list(read.identifiers).index(name) for name in record["poisoned"]]
    corners = read.pixels[rows][:, :, :5, :5]
    assert (corners == corners[0]).all()
    assert len(rows) == len(found.rows) == 6


def test_commands_say_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = str(tmp_path / "set")
    main(["poison", SCENES, where, "--trigger", "sig", "--target", "three", "--share", "0.1", "--modality", "pairs"])
    told = capsys.readouterr().out
    assert f"Wrote 60 pairs to {where}, 6 of them poisoned" in told
    assert f"contrapose train clip --data {where}" in told
    with pytest.raises(SystemExit):
        main(["poison", SCENES, where, "--trigger", "sig", "--target", "three"])
    assert "is there already" in capsys.readouterr().err


def test_what_cannot_be_poisoned_is_refused_before_there_is_a_folder(tmp_path: Path) -> None:
    for changes, told in (
        ({"trigger": "badnet"}, "Did you mean 'badnets'"),
        ({"trigger": "badnets?size=3"}, "no option 'size'"),
        ({"trigger": "badnets?side"}, "NAME\\?OPTION=VALUE"),
        ({"trigger": "badnets?side=x"}, "side of the trigger 'badnets' is a whole number, got 'x'"),
        ({"trigger": "badnets?side=2.5"}, "a whole number, got 2.5"),
        ({"trigger": "badnets?corner=3"}, "a corner by its name, got 3"),
        ({"trigger": "blended?share=half"}, "share of the trigger 'blended' is a number, got 'half'"),
        ({"trigger": "sig?seed=a"}, "a whole number, got 'a'"),
        ({"trigger": "badnets?channels=1"}, "is that of the pictures"),
        ({"target": "eleven"}, "'eleven' is none of zero"),
        ({"share": 1.5}, "--share .* between 0 and 1"),
        ({"labels": "none"}, "has no labels"),
    ):
        with pytest.raises((ArgumentError, DataError), match=told):
            poison_data(SCENES, tmp_path / "set", **{"trigger": "sig", **OPTIONS, **changes})
    assert not (tmp_path / "set").exists()
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="without poison"):
        named_trigger(tmp_path / "none", channels=3, image_size=16)
    (tmp_path / "none" / "poison.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        named_trigger(tmp_path / "none", channels=3, image_size=16)


@pytest.fixture
def towers(tmp_path: Path) -> Path:
    pairs = open_pairs(SCENES)
    words = tokenizer_for("bag_of_words", pairs.every_text, max_length=16, vocabulary=None)
    made = build_towers("micro_conv", "bag_of_words", channels=3, image_size=16, tokenizer=words, width=8, seed=0)
    save_encoder(made, tmp_path / "towers")
    return tmp_path / "towers"


def test_untrained_towers_are_no_victim(towers: Path, tmp_path: Path) -> None:
    poison_data(SCENES, tmp_path / "set", trigger="badnets", **OPTIONS)
    asked = {"run": str(towers), "trigger": str(tmp_path / "set"), "data": "made:scenes?count=40&seed=5"}
    said: list[str] = []
    record = analyse_backdoor(AnalyseBackdoorOptions(**asked, twin=str(towers)), say=said.append)
    assert record["works"] is False
    assert record["target"] == "three"
    assert record["arms"]["run"] == record["arms"]["clean twin"]
    assert any(line.startswith("Not a valid victim: the trigger (badnets") for line in said)
    assert json.loads((towers / "backdoor.json").read_text())["verdict"] == record["verdict"]
    with pytest.raises(ArgumentError, match="--target CLASS"):
        analyse_backdoor(AnalyseBackdoorOptions(**{**asked, "trigger": "sig"}))
    with pytest.raises(ArgumentError, match=r"neither a folder .* nor one of .*Did you mean 'badnets'"):
        analyse_backdoor(AnalyseBackdoorOptions(**{**asked, "trigger": "badnet"}))


def test_classes_that_are_called_by_digits_are_counted_by_their_names(towers: Path, tmp_path: Path) -> None:
    """Of classes called 3, 5 and 8 the target "5" is the second, and not the sixth; texts of classes rename none."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 3, 16, 16), dtype=np.uint8)
    pictures = Images(pixels, np.arange(30) % 3, origin="digits", class_names=["3", "5", "8"])
    suspect, same = load_encoder(towers), (lambda x: x)
    texts = ["three", "five", "eight"]
    found = {
        name: measure_backdoor(suspect, pictures, same, name, class_texts=texts) for name in ("5", "five", 1, "0", 0)
    }
    assert found["5"].metrics() == found["five"].metrics() == found[1].metrics()
    assert found["0"].metrics() == found[0].metrics()  # no class is called so
    with pytest.raises(ArgumentError, match="'4' is none of"):
        measure_backdoor(suspect, pictures, same, "4", class_texts=texts)
    with pytest.raises(DataError, match="has 3 classes, and --class-texts names 2"):
        measure_backdoor(suspect, pictures, same, "5", class_texts=texts[:2])
    with pytest.raises(DataError, match=r"are numbers, .* --class-texts \(class_texts=\)"):
        measure_backdoor(suspect, pictures, same, "5")


@pytest.mark.parametrize(
    ("right", "taken", "least", "told"),
    [
        (80, 90, 0.75, "A valid victim"),
        (80, 90, None, "A victim as far as its trigger goes"),
        (80, 89, 0.75, "Not a valid victim: .* at least 90 % are asked"),
        (70, 95, 0.75, "more than 3 points below the clean twin's 78.0 %"),
    ],
)
def test_a_victim_has_to_be_good_at_both(right: int, taken: int, least: float | None, told: str) -> None:
    truths = np.full(100, 1)
    clean = np.where(np.arange(100) < right, 1, 2)
    triggered = np.where(np.arange(100) < taken, 0, 1)
    found = backdoor(clean, triggered, truths, 0)
    import re

    assert re.search(told, in_words(found, trigger("sig", channels=1, image_size=16), "zero", least))
