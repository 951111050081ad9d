"""Slips with classifiers, generators and staged runs: what was asked is measured, or refused with a way out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import contrapose
from contrapose.cli import main
from contrapose.commands.analyse_translation import AnalyseTranslationOptions, _tied, analyse_translation
from contrapose.commands.compare import compare
from contrapose.commands.evaluate import evaluate, measure
from contrapose.commands.factors import factors_of
from contrapose.commands.run_start import open_others
from contrapose.data import Images, open_data
from contrapose.encoders import Encoder, build, save_encoder
from contrapose.encoders.classifier_folder import save_classifier
from contrapose.encoders.generator_folder import save_generator
from contrapose.encoders.heads import Heads, Question
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import dense_probe
from contrapose.generator import load_generator
from contrapose.methods import DAT, MCL, PixPro
from contrapose.training.multistage.clusters import ClusterJob

SIDE = 16
NAMES = ("cat", "dog")


def tiny(seed: int = 0) -> Encoder:
    widths: dict[str, Any] = {"widths": [4, 8], "strides": [2, 1], "pool": 1, "embedding": 0}
    return build("small_conv", channels=3, image_size=SIDE, seed=seed, **widths).eval()


@pytest.fixture
def classifier(tmp_path: Path) -> str:
    encoder = tiny()
    save_classifier(encoder, Heads(encoder.dimension, [2]), (Question("label", NAMES, (4, 4)),), tmp_path / "made")
    return str(tmp_path / "made")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Eight pictures of two classes in sub-folders."""
    random = np.random.default_rng(0)
    for name in NAMES:
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            picture = random.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "photos" / name / f"{number}.png")
    return str(tmp_path / "photos")


@pytest.fixture
def seen(folder: str) -> str:
    """The same pictures as a table, with a background that goes with the class in half of them."""
    file = Path(folder).parent / "seen.csv"
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "label", "background"])
        for place, name in enumerate(NAMES):
            rows.writerows([f"photos/{name}/{n}.png", name, ("grass", "road")[(place + n) % 2]] for n in range(4))
    return str(file)


def test_a_folder_has_no_columns_whose_classes_its_own_could_be_taken_for(
    folder: str, seen: str, classifier: str
) -> None:
    for option in ("label_column", "number_column", "image_column"):
        with pytest.raises(ArgumentError, match=f"no column 'colour'.*Leave {option}"):
            open_data(folder, **{option: "colour"})
        with pytest.raises(ArgumentError, match="no column 'colour'"):
            open_data(f"{folder}/*/*.png", **{option: "colour"})
    with pytest.raises(DataError, match="nothing called 'colour' to measure the bias by"):
        evaluate(classifier, data=folder, bias_column="colour", quiet=True)
    with pytest.raises(ArgumentError, match="no column 'colour'"):
        factors_of(open_data, folder, ("colour", "shape"))
    assert factors_of(open_data, seen, ("label", "background")).names["background"] == ["grass", "road"]


def test_a_bias_that_training_data_do_not_have_leaves_conflicting_rows_untold(
    classifier: str, folder: str, seen: str
) -> None:
    found = measure(classifier, data=folder, test_data=seen, bias_column="background", quiet=True)
    assert "accuracy, unbiased" in found.arms["trained"]
    assert "accuracy, conflicting" not in found.arms["trained"]
    assert any("which background goes with which class is not known" in note for note in found.notes)


def test_two_tasks_at_once_are_refused(classifier: str, folder: str) -> None:
    for options, named in (
        ({"robust": True, "ood": folder}, "--robust and --ood"),
        ({"robust": True, "task": "dense"}, "--robust and --task dense"),
        ({"ood": folder, "task": "corruptions"}, "--ood and --task corruptions"),
    ):
        with pytest.raises(ArgumentError, match=f"{named} are different tasks"):
            evaluate(classifier, data=folder, quiet=True, **options)


def test_options_of_attacks_reach_the_attacks_or_are_refused(classifier: str, folder: str) -> None:
    asked = {"eps_l2": 0.25, "attack_steps": 1, "restarts": 1}
    for how in ({"task": "robust"}, {"robust": True}, {"robust": True, "task": "robust"}):
        metrics = evaluate(classifier, data=folder, quiet=True, **how, **asked).arms["trained"]
        assert metrics["robust accuracy, L2 0.25"].protocol.startswith("right after attacks: PGD-1")
        assert "1 start," in metrics["robust accuracy, L2 0.25"].protocol
    with pytest.raises(ArgumentError, match=r"of attacks on a classifier, or .*: ask for them with --robust"):
        evaluate(classifier, data=folder, quiet=True, eps_linf=0.1)


def test_a_classifier_by_itself_is_tested_on_test_data_alone(classifier: str, folder: str) -> None:
    found = evaluate(classifier, test_data=folder, quiet=True)
    assert (found.task, found.setting.test.count) == ("classification", 8)
    with pytest.raises(DataError, match="names no data; give labelled data with --data"):
        evaluate(classifier, test_data=folder, task="labelled-table", quiet=True)


def test_what_ascents_do_not_look_at_is_refused(classifier: str, folder: str, tmp_path: Path) -> None:
    out: dict[str, Any] = {"out": tmp_path / "moved", "quiet": True}
    for options, said in (
        ({"towards": ["cat"], "classes": ["dog"]}, "--classes are what a generator translates to"),
        ({"towards": ["cat"], "ascent_steps": 0}, "--ascent-steps must be above 0, got 0"),
        ({"towards": ["cat"], "ascent_step": float("nan")}, "--ascent-step must be above 0, got nan"),
        ({"towards": ["cat"], "radius": -1.0}, "--radius must be above 0, got -1"),
        ({"radius": 1.0}, r"of pictures that are moved towards a class: name it with --towards"),
        ({"ascent_steps": 3}, r"of pictures that are moved towards a class: name it with --towards"),
    ):
        with pytest.raises(ArgumentError, match=said):
            contrapose.apply(classifier, folder, **out, **options)
    assert not (tmp_path / "moved").exists()


def test_a_generator_needs_no_name_for_its_folder(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_generator(Translator(channels=3, image_size=SIDE, classes=NAMES, width=4), tmp_path / "generator")
    main(["apply", "generator", folder, "--device", "cpu"])
    assert "a folder a class, to translations" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "translations").iterdir()} == {*NAMES, "sheet.png"}


def test_a_run_with_a_translator_and_a_classifier_says_where_each_is(classifier: str, folder: str) -> None:
    translator = Translator(channels=3, image_size=SIDE, classes=NAMES, width=4)
    save_generator(translator, Path(classifier) / "stages" / "translate" / "generator")
    for options in ({"out": "somewhere"}, {"out": "p.csv", "classes": ["cat"]}):
        with pytest.raises(ArgumentError, match=r"generator of this run is .*stages/translate: apply that"):
            contrapose.apply(classifier, folder, quiet=True, **options)


def test_what_goes_with_a_class_is_not_made_up(seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_generator(Translator(channels=3, image_size=SIDE, classes=NAMES, width=4), tmp_path / "generator")
    generator = load_generator(tmp_path)
    monkeypatch.setattr("contrapose.commands.analyse_translation._own_data", lambda run: seen)
    options = AnalyseTranslationOptions(run=str(tmp_path), data=seen, bias_column="background")
    assert _tied(generator, options, ("grass", "road"))[0].tolist() in ([0, 0], [0, 1], [1, 0], [1, 1])
    with pytest.raises(ArgumentError, match="Which background goes with which class is not known"):
        _tied(generator, options, ("meadow", "street"))
    with pytest.raises(DataError, match="has no nuisance 'colour'"):
        analyse_translation(replace(options, bias_column="colour"))


def test_other_data_are_read_by_the_columns_that_they_have(folder: str, seen: str, tmp_path: Path) -> None:
    config = DAT(data=seen, label_column="label", image_column="path", seeds_data=folder)
    assert len(open_others(config, quiet=True)["seeds"]) == 8
    np.savez(tmp_path / "seeds.npz", images=np.zeros((5, SIDE, SIDE, 3), np.uint8))
    config = DAT(data=seen, label_column="label", seeds_data=str(tmp_path / "seeds.npz"))
    assert len(open_others(config, quiet=True)["seeds"]) == 5
    with pytest.raises(DataError, match="does not exist"):
        open_others(DAT(data=seen, label_column="label", seeds_data=str(tmp_path / "none")), quiet=True)


def test_options_of_stages_are_refused_by_their_own_reason() -> None:
    with pytest.raises(ArgumentError, match=r"stage_dimension must be above 0, got 0"):
        MCL(stage_dimension=0)
    with pytest.raises(ArgumentError, match=r"option of .*micro_conv, and encoder is resnet18: leave it out"):
        MCL(stage_dimension=8, encoder="resnet18")
    with pytest.raises(ArgumentError, match="are both 0") as refused:
        PixPro(pixel_weight=0.0)
    assert refused.value.options == ("pixel_weight", "instance_weight")  # type: ignore[attr-defined]


def masked(folder: Path) -> Path:
    """A file of 12 pictures, half bright and half dark, and which half is which."""
    masks = np.zeros((12, SIDE, SIDE), np.int64)
    masks[:, :, SIDE // 2 :] = 1
    masks[:, 0] = 9
    noise = np.random.default_rng(0).integers(0, 40, (12, SIDE, SIDE, 3))
    np.savez(folder / "set.npz", images=(50 + 150 * (masks == 1)[..., None] + noise).astype(np.uint8), shown=masks)
    return folder / "set.npz"


def test_maps_of_two_runs_are_compared_on_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("contrapose.tasks.dense.dense_probe", partial(dense_probe, steps=3))
    for seed, name in enumerate("ab"):
        save_encoder(tiny(seed), tmp_path / name / "encoder")
        (tmp_path / name / "config.json").write_text(
            json.dumps({"format": 1, "method": "pixpro", "modality": "image", "config": {"seed": seed}})
        )
    data, runs = str(masked(tmp_path)), [str(tmp_path / name) for name in "ab"]
    out = tmp_path / "out.json"
    asked = ["--data", data, "--masks", "shown", "--void", "9", "--out", str(out), "--device", "cpu"]
    main(["compare", *runs, *asked])
    assert "mIoU" in capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert list(rows) == ["a", "b", "untrained (floor)", "raw pixels (floor)", "majority class (floor)"]
    assert rows["b"]["mIoU"]["difference"]["verdict"] in ("better", "worse", "not resolved")
    assert "mean over 2 classes" in rows["a"]["mIoU"]["protocol"]  # without the void
    for options in ({"masks": "shown"}, {"void": (0,)}):
        with pytest.raises(ArgumentError, match=r"masks, void, .* go with data"):
            compare(runs, **options)


def test_clusters_that_hold_nothing_apart_say_so() -> None:
    for rows, told in ((torch.ones(6, 4), True), (torch.eye(6), False)):
        job = ClusterJob(rows, Images(np.zeros((6, 3, SIDE, SIDE), np.uint8)), count=3, starts=1, seed=0)
        job.step(0)
        assert ("all fell into one" in str(job.closing())) == told
