"""The model card says what the run's files say, no more, and the hub's own library reads it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest

import contrapose
from contrapose.commands.card_facts import changed_options, without_folders
from contrapose.commands.export import export
from contrapose.errors import RunError
from contrapose.methods import METHODS
from contrapose.views import ImageViews

OPTIONS = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "learning_rate": 0.004}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on a file of pictures in a folder that nobody else should read of."""
    root = tmp_path_factory.mktemp("private of jane doe")
    pictures = np.random.default_rng(0).integers(0, 255, size=(64, 3, 16, 16), dtype=np.uint8)
    np.save(root / "birds.npy", pictures)
    views = ImageViews(rotation_degrees=20.0)
    run = contrapose.train(
        "simclr", data=root / "birds.npy", epochs=1, out=str(root / "run"), quiet=True, views=views, **OPTIONS
    )
    return run.path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def edit(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def card(run: Path, name: str = "birds-encoder") -> str:
    return (export(run, out=run.parent / "out" / name, quiet=True) / "README.md").read_text(encoding="utf-8")


def metric(value: float, low: float, high: float, name: str = "kNN") -> dict[str, Any]:
    return {"name": name, "value": value, "low": low, "high": high, "protocol": "k = 20", "count": 40, "percent": True}


def evaluated(run: Path, **arms: dict[str, Any]) -> None:
    named = {arm.replace("_", " "): {found["name"]: found} for arm, found in arms.items()}
    result = {"contrapose": "0.1.0", "data": "folder /home/jane/labelled, tested on 40", "notes": ["seen | twice"]}
    (run / "evaluation.json").write_text(json.dumps({**result, "arms": named}))


def test_the_hub_library_reads_the_front_matter(run: Path) -> None:
    card(run, "birds-encoder")
    read = huggingface_hub.ModelCard.load(run.parent / "out" / "birds-encoder" / "README.md")
    found = read.data.to_dict()
    assert found["library_name"] == "contrapose"
    assert found["license"] == "unknown"
    assert found["pipeline_tag"] == "image-feature-extraction"
    assert "simclr" in found["tags"]
    assert "datasets" not in found
    assert "# birds-encoder" in read.text


def test_training_is_told_from_the_run(run: Path) -> None:
    text = card(run)
    record = json.loads((run / "config.json").read_text())
    assert "trained without labels by `simclr` on 64 pictures: birds.npy." in text
    assert METHODS["simclr"].about.paper in text
    assert record["data"]["fingerprint"] in text
    assert "epochs: 1, batch size 16; adamw, peak learning rate 0.004; seed 0" in text
    changed = next(line for line in text.splitlines() if line.startswith("- Options that differ"))
    assert "`learning_rate=0.004`" in changed
    assert "`views.rotation_degrees=20.0`" in changed
    assert "weight_decay" not in changed
    assert "out=" not in changed
    encoder = contrapose.load(run).encoder
    assert f"{sum(p.numel() for p in encoder.parameters()):,} parameters" in text
    assert ", ".join(f"{value:.4g}" for value in encoder.mean.tolist()) in text


def test_no_folder_of_the_machine_is_told(run: Path, finished: Path) -> None:
    evaluated(run, trained=metric(0.5, 0.4, 0.6))
    text = card(run)
    assert "jane" not in text
    assert str(finished.parent) not in text
    assert "Folder labelled, tested on 40." in text


def test_not_evaluated_is_said(run: Path) -> None:
    text = card(run)
    assert "## Evaluation\n\nNot evaluated.\n" in text
    assert "nothing is known of how well it does" in text
    assert "was not finished" not in text


def test_numbers_come_with_intervals_and_floors(run: Path) -> None:
    evaluated(run, trained=metric(0.5, 0.4, 0.6), untrained=metric(0.3, 0.25, 0.45), raw_pixels=metric(0.2, 0.1, 0.3))
    text = card(run)
    assert "| trained    | 50.0 % [40.0, 60.0] |" in text
    assert "| raw pixels | 20.0 % [10.0, 30.0] |" in text
    assert "kNN: k = 20; n = 40" in text
    assert "Note: seen | twice" in text
    assert "In kNN it is not clearly better than untrained" in text
    assert "raw pixels (" not in text  # beaten beyond the intervals
    assert "Not evaluated" not in text


def test_the_task_of_the_numbers_is_named_where_it_is_known(run: Path) -> None:
    evaluated(run, trained=metric(0.5, 0.4, 0.6))
    assert "Folder labelled, tested on 40. The rows" in card(run, "of-an-earlier-version")
    edit(run / "evaluation.json", task="labelled-table")
    text = card(run)
    assert "Folder labelled, tested on 40, task labelled-table. The rows" in text
    assert "evaluated on nothing but this: folder labelled, tested on 40, task labelled-table." in text


def test_a_floor_that_is_not_beaten_is_a_limit(run: Path) -> None:
    evaluated(run, trained=metric(0.2, 0.1, 0.3), raw_pixels=metric(0.5, 0.4, 0.6))
    assert "In kNN it does not beat raw pixels (20.0 % [10.0, 30.0] against 50.0 % [40.0, 60.0])." in card(run)


def test_of_an_error_the_floor_that_is_lower_is_not_beaten(run: Path) -> None:
    def error(value: float) -> dict[str, Any]:
        return {**metric(value, value - 0.1, value + 0.1), "percent": False, "better": "lower"}

    evaluated(run, trained=error(0.5), untrained=error(0.45), raw_pixels=error(0.9))
    text = card(run)
    assert "In kNN it does not beat untrained (0.5 [0.4, 0.6] against 0.45 [" in text
    assert "beat raw pixels" not in text


def test_a_half_finished_run_says_so_twice(run: Path) -> None:
    edit(run / "encoder" / "encoder.json", extra={"step": 1_200, "total_steps": 3_000})
    text = card(run)
    assert "**Its training was not finished**: these are the weights of step 1,200 of 3,000." in text
    assert "Training had not finished when these weights were written (step 1,200 of 3,000)." in text


def test_an_evaluation_of_earlier_weights_is_doubted(run: Path) -> None:
    evaluated(run, trained=metric(0.5, 0.4, 0.6))
    assert "older than the weights" not in card(run, "after")
    weights = run / "encoder" / "encoder.safetensors"
    later = (run / "evaluation.json").stat().st_mtime + 10
    os.utime(weights, (later, later))
    assert "older than the weights" in card(run, "before")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("hub:jane/birds:train", ["jane/birds"]),
        ("hub:jane/birds", ["jane/birds"]),
        ("hub:/home/jane/birds", None),
        ("hub:local/birds", None),
        ("birds/", None),
    ],
)
def test_data_of_the_hub_is_linked(
    data: str, expected: list[str] | None, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    Path("local/birds").mkdir(parents=True)
    record = json.loads((run / "config.json").read_text())
    edit(run / "config.json", config={**record["config"], "data": data}, data={**record["data"], "origin": data})
    card(run)
    read = huggingface_hub.ModelCard.load(run.parent / "out" / "birds-encoder" / "README.md")
    assert read.data.to_dict().get("datasets") == expected
    assert "/home" not in read.text


def test_an_encoder_without_its_run(run: Path) -> None:
    text = card(run / "encoder")
    assert "exported without its run" in text
    assert "data, method and options of its training are not stated" in text
    assert "Not evaluated." in text


@pytest.mark.parametrize("name", ['say "birds"', "vögel: #1", "yes", "a'b"])
def test_any_folder_name_is_a_title(name: str, run: Path) -> None:
    text = card(run, name)
    assert huggingface_hub.ModelCard(text).data.library_name == "contrapose"
    code = text.split("```python\n")[1].split("```")[0]
    called = next(line for line in code.splitlines() if line.startswith("encoder = "))
    assert eval(called.removeprefix("encoder = contrapose.load")) == name


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("evaluation.json", "{", "evaluation.json is damaged .*contrapose evaluate"),
        ("evaluation.json", '{"arms": {"trained": {"kNN": {"value": 1}}}, "data": "", "notes": []}', "is damaged"),
        ("evaluation.json", "[]", "is damaged"),
        ("config.json", "{", "config.json is damaged"),
        ("config.json", '{"format": 1}', "config.json is damaged"),
    ],
)
def test_damaged_files_are_named(file: str, content: str, message: str, run: Path) -> None:
    (run / file).write_text(content)
    with pytest.raises(RunError, match=message):
        card(run)
    assert not (run.parent / "out" / "birds-encoder").exists()


@pytest.mark.parametrize("name", list(METHODS))
def test_options_of_every_method(name: str) -> None:
    """What is named differs from the defaults; what changes nothing in the result is not named."""
    kind = METHODS[name].modality
    own: dict[str, Any] = {"workers": 1} if kind == "image" else {}
    config = METHODS[name](epochs=3, out="x", device="cpu", **own)
    assert changed_options(config) == {"epochs": 3}
    options = {"image": "blur_probability", "text": "swap", "items": "mask", "graph": "share", "pairs": "weak_crop_min"}
    option = options[kind]
    views = dataclasses.replace(config.views, **{option: 0.25})
    both = changed_options(dataclasses.replace(config, views=views))
    assert both == {"epochs": 3, f"views.{option}": 0.25}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("folder /home/jane/my photos/birds (train)", "folder birds (train)"),
        ("/a/b.npy (64), tested on /c/d/e.npy (10)", "b.npy (64), tested on e.npy (10)"),
        ("files ~/birds/*.png", "files *.png"),
        (r"C:\Users\jane\birds.csv", "birds.csv"),
        ("hub:jane/birds and https://example.org/a/b", "hub:jane/birds and https://example.org/a/b"),
        ("hub:/home/jane/birds", "hub:birds"),
        ("20 runs x 20, 1/2 of photos/birds", "20 runs x 20, 1/2 of photos/birds"),
    ],
)
def test_paths_are_cut_to_their_last_part(text: str, expected: str) -> None:
    assert without_folders(text) == expected
