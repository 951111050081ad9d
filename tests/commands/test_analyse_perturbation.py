"""`contrapose analyse perturbation`: what strangers lose, beside noise of the same size, and who is no stranger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.commands.analyse_perturbation import AnalysePerturbationOptions, analyse_perturbation
from contrapose.encoders import build, fingerprint_of, load_encoder, save_encoder
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.errors import ArgumentError, DataError, RunError

DARK, BRIGHT = 60, 180


def write(path: Path, count: int, seed: int) -> Path:
    """Pictures of one brightness each, with a little noise: half of them dark, half bright."""
    random = np.random.default_rng(seed)
    bright = np.arange(count) % 2
    pixels = np.where(bright, BRIGHT, DARK)[:, None, None, None] + random.integers(-9, 10, (count, 8, 8, 3))
    np.savez(path, images=pixels.astype(np.uint8), labels=np.array(["dark", "bright"])[bright])
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, an encoder, and a classifier that learned from others of them."""
    folder = tmp_path_factory.mktemp("strangers")
    write(folder / "learned.npz", 60, 0)
    write(folder / "asked.npz", 40, 1)
    save_encoder(build("vit_micro", channels=3, image_size=8, patch_size=4, seed=0), folder / "vit")
    save_encoder(build("micro_conv", channels=3, image_size=8, widths=[4], seed=1), folder / "conv")
    options: dict[str, Any] = {"base": str(folder / "conv"), "epochs": 60, "batch_size": 20, "quiet": True}
    contrapose.train("classifier", data=str(folder / "learned.npz"), out=str(folder / "classifier"), **options)
    save_perturbation(delta(0.5, folder / "vit"), folder / "delta" / "perturbation")
    return folder


def delta(value: float, against: Path, **changes: Any) -> SavedPerturbation:
    """Everything brighter by half of white: what was dark is bright."""
    given: dict[str, Any] = {
        "kind": "delta",
        "bound": {"norm": "linf", "radius": value},
        "tensors": {"delta": torch.full((3, 8, 8), value)},
    }
    victim = Victim(str(against), "vit_micro", fingerprint_of(load_encoder(against)))
    return SavedPerturbation(channels=3, image_size=8, victims=[victim], **{**given, **changes})


def analysed(run: Path, on: Any, place: Path, **options: Any) -> tuple[dict[str, Any], str]:
    said: list[str] = []
    given = {"data": str(place / "asked.npz"), **options}
    record = analyse_perturbation(AnalysePerturbationOptions(run=str(run), on=on, **given), say=said.append)
    return record, "\n".join(said)


def test_what_a_known_change_takes_from_a_classifier(place: Path, tmp_path: Path) -> None:
    record, said = analysed(place / "delta", (str(place / "classifier"),), place, levels=(0, 127), out=tmp_path)
    none, all_of_it = record["rows"]
    assert (none["clean"], none["levels"], none["by"], none["asked"]) == (1.0, 0, "its own heads", 40)
    assert none["changed"] == none["noise"] == none["clean"]  # a radius of 0: the clean accuracy exactly
    assert none["lost"][0] == none["beyond"][0] == 0
    assert all_of_it["changed"] == 0.5  # all that was dark is named bright
    assert all_of_it["lost"][0] == pytest.approx(0.5)
    assert (all_of_it["norm"], all_of_it["at_most"]) == ("linf", "127/255")
    assert "127/255  100.0" in said
    assert "100.0" in said
    assert json.loads((tmp_path / "victims.json").read_text())["rows"] == record["rows"]
    assert record["surrogates"][0]["fingerprint"] == fingerprint_of(load_encoder(place / "vit"))
    again, _ = analysed(place / "delta", (str(place / "classifier"),), place, levels=(0, 127), out=tmp_path)
    assert again["rows"] == record["rows"]


def test_an_encoder_without_heads_is_asked_by_a_probe_and_neighbours(place: Path, tmp_path: Path) -> None:
    given = {"data": str(place / "learned.npz"), "test_data": str(place / "asked.npz"), "out": tmp_path}
    record, _ = analysed(place / "delta", (str(place / "conv"), str(place / "classifier")), place, **given)
    assert [(row["by"], row["levels"]) for row in record["rows"]] == [
        *((by, level) for level in (63, 127, 254) for by in ("linear probe", "kNN")),
        *((by, level) for level in (63, 127, 254) for by in ("its own heads", "kNN")),
    ]
    assert all(row["clean"] == 1 and row["asked"] == 40 for row in record["rows"])
    assert all(row["changed"] == 0.5 for row in record["rows"] if row["levels"] == 127)
    assert all(len(row["lost"]) == len(row["beyond"]) == 3 for row in record["rows"])


def test_who_is_no_stranger_is_told(place: Path, tmp_path: Path) -> None:
    vit, found = str(place / "vit"), {}
    record, said = analysed(place / "delta", (vit, str(place / "classifier")), place, levels=(8,), out=tmp_path)
    for row in record["rows"]:
        found[row["victim"], row["by"]] = (row["same_weights"], row["same_data"])
    assert found[vit, "kNN"] == (True, None)
    assert found[str(place / "classifier"), "its own heads"] == (
        False,
        None,
    )  # nobody knows what the other learned from
    assert f"{vit} is one of the encoders that it was made against: that is no unseen victim" in said
    known = delta(0.5, place / "conv", extra={"learned_from": {"pictures": "x", "surrogates": ["y"]}})
    save_perturbation(known, tmp_path / "other")
    record, said = analysed(tmp_path / "other", (str(place / "classifier"),), place, levels=(8,), out=tmp_path)
    assert (record["rows"][0]["same_weights"], record["rows"][0]["same_data"]) == (True, False)  # it stands on it
    learned = json.loads((place / "classifier" / "config.json").read_text())["data"]["fingerprint"]
    shared = delta(0.5, place / "vit", extra={"learned_from": {"pictures": learned, "surrogates": [None]}})
    save_perturbation(shared, tmp_path / "shared")
    record, said = analysed(tmp_path / "shared", (str(place / "classifier"),), place, levels=(8,), out=tmp_path)
    assert (record["rows"][0]["same_weights"], record["rows"][0]["same_data"]) == (False, True)
    assert "learned from the same data as the perturbation or one of its surrogates" in said


def test_a_patch_is_set_beside_patches_of_noise(place: Path, tmp_path: Path) -> None:
    tensors = {"patch": torch.ones(3, 8, 8), "mask": torch.ones(1, 8, 8)}
    whole = delta(0.5, place / "vit", kind="patch", bound={"area": 1.0}, tensors=tensors)
    save_perturbation(whole, tmp_path / "patch")
    record, _ = analysed(tmp_path / "patch", (str(place / "classifier"),), place, out=tmp_path)
    (row,) = record["rows"]
    assert (row["at_most"], row["norm"], row["changed"]) == ("100 % of the picture", "area", 0.5)  # all is white
    with pytest.raises(ArgumentError, match="A patch is bound by its area and not by grey levels"):
        analysed(tmp_path / "patch", (str(place / "classifier"),), place, levels=(8,))


def test_the_command_line_on_a_run_of_dsva(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, words = tmp_path / "run", ["--epochs", "1", "--batch-size", "20", "--width", "2", "--blocks", "0"]
    main(["attack", "dsva", str(place / "vit"), "--data", str(place / "learned.npz"), *words, "--out", str(run)])
    words = ["analyse", "perturbation", str(run), "--on", str(place / "classifier"), "--levels", "0", "24"]
    main([*words, "--data", str(place / "asked.npz"), "--draws", "2"])
    said = capsys.readouterr().out
    assert f"{run} holds a generator, at most 10/255" in said
    rows = json.loads((run / "victims.json").read_text())["rows"]
    assert rows[0]["changed"] == rows[0]["noise"] == rows[0]["clean"] == 1
    assert rows[1]["same_data"] is True  # the generator and the classifier learned from the same pictures
    assert f"{place / 'classifier'} learned from the same data as the perturbation" in said


def test_mistakes_are_one_sentence(place: Path, tmp_path: Path) -> None:
    save_encoder(build("micro_conv", channels=1, image_size=8, widths=[4], seed=1), tmp_path / "grey")
    np.savez(tmp_path / "bare.npz", images=np.zeros((8, 8, 8, 3), np.uint8))
    np.savez(tmp_path / "other.npz", images=np.zeros((8, 8, 8, 3), np.uint8), labels=["a", "b"] * 4)
    classifier = str(place / "classifier")
    for run, on, options, kind, told in (
        (place / "vit", classifier, {}, RunError, "holds no perturbation"),
        (place / "delta", str(tmp_path / "no"), {}, RunError, "no"),
        (place / "delta", str(tmp_path / "grey"), {}, ArgumentError, "pictures of 8 pixels in 1 channel"),
        (place / "delta", classifier, {"levels": (300,)}, ArgumentError, "--levels are grey levels of 255"),
        (place / "delta", classifier, {"draws": 0}, ArgumentError, "--draws must be at least 1"),
        (place / "delta", classifier, {"data": str(tmp_path / "bare.npz")}, DataError, "has no labels"),
        (place / "delta", classifier, {"data": str(tmp_path / "other.npz")}, DataError, "knows none of the classes"),
    ):
        with pytest.raises(kind, match=told):
            analysed(run, (on,), place, **options)
