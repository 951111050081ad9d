"""The verbs besides train: each method has its own, a wrong one teaches the right one; what an attack leaves behind."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import contrapose
from contrapose.cli import main
from contrapose.commands.export import export
from contrapose.commands.report import report
from contrapose.commands.report_attack import collect_attack
from contrapose.data import Images
from contrapose.encoders import build, fingerprint_of, frozen, load_encoder, save_encoder
from contrapose.encoders.perturbations import SavedPerturbation, Victim, load_perturbation, save_perturbation
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.methods import METHODS, VERBS, methods_of
from contrapose.methods.verbs import check_verb, verb_of
from contrapose.report.attacked import Shown
from contrapose.report.course import Absent
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same

QUICK: dict[str, Any] = {"epochs": 3, "batch_size": 8, "width": 2, "blocks": 1, "quiet": True, "log_steps": 1}
RADIUS = 16 / 255


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and two encoders to attack."""
    folder = tmp_path_factory.mktemp("victims")
    random = np.random.default_rng(0)
    np.savez(
        folder / "pictures.npz",
        images=random.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8),
        labels=np.array(["ant", "bee"])[np.arange(24) % 2],
    )
    for seed, name in enumerate(("contrast", "hidden")):
        save_encoder(build("vit_micro", channels=3, image_size=8, patch_size=4, seed=seed), folder / name)
    return folder


@pytest.fixture(scope="module")
def attacked(place: Path) -> Any:
    return contrapose.attack(
        "dsva",
        place / "contrast",
        base=str(place / "hidden"),
        data=str(place / "pictures.npz"),
        out=str(place / "run"),
        radius=RADIUS,
        **QUICK,
    )


def test_every_method_has_a_verb() -> None:
    assert all(method.verb in VERBS for method in METHODS.values())
    assert sum(len(methods_of(verb)) for verb in VERBS) == len(METHODS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "train dsva --data x",
            "dsva measures how fragile a trained encoder is: contrapose attack dsva RUN --data DATA.",
        ),
        (
            "attack simclr RUN --data x",
            "simclr trains an encoder: contrapose train simclr --data DATA. To attack there",
        ),
        ("repair simclr RUN --data x", "simclr trains an encoder: contrapose train simclr --data DATA."),
        ("repair dsva RUN --data x", "dsva measures how fragile a trained encoder is: contrapose attack dsva RUN"),
        ("attack dvsa RUN --data x", "No method of `attack` is called 'dvsa'. Did you mean 'dsva'?"),
        ("attack dsva --data x", "Name the trained encoder behind the method: contrapose attack dsva RUN --data DATA."),
        ("attack --data x dsva RUN", "The method comes first: contrapose attack advclip RUN"),
        ("attack dsva nowhere", "Say what it is to work on: contrapose attack dsva RUN --data DATA."),
    ],
)
def test_a_wrong_word_teaches_the_right_one(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words.split())
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", ["attack advclip", "attack cpgc", "repair invertune", "repair patch-training"])
def test_the_column_of_captions_may_be_named(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts are a side of what these methods are for: a table is of pairs to them, whichever column is named."""
    (tmp_path / "pairs.csv").write_text("image,said,title\na.png,a red three,x\nb.png,a green four,y\n")
    with pytest.raises(SystemExit):
        main([*words.split(), "nowhere", "--data", str(tmp_path / "pairs.csv"), "--text-column", "said"])
    said = capsys.readouterr().err
    assert "these are texts" not in said
    assert "nowhere" in said or "patch" in said


def test_in_python_too(place: Path) -> None:
    with pytest.raises(ArgumentError, match="contrapose attack dsva RUN"):
        contrapose.train("dsva", data=str(place / "pictures.npz"))
    with pytest.raises(ArgumentError, match="contrapose train simclr"):
        contrapose.attack("simclr", place / "contrast", data=str(place / "pictures.npz"))
    with pytest.raises(ArgumentError, match="contrapose attack dsva RUN"):
        contrapose.repair(METHODS["dsva"](data=str(place / "pictures.npz")), place / "contrast")
    check_verb(METHODS["dsva"], "attack")
    with pytest.raises(ArgumentError, match="dsva needs a trained encoder"):
        METHODS["dsva"]().new_learner(load_encoder(place / "contrast"))


def test_a_run_knows_its_verb() -> None:
    assert verb_of({"method": "dsva"}) == "attack"
    assert verb_of({"method": "gone"}) == verb_of({}) == "train"


@pytest.mark.parametrize("verb", ["attack", "repair"])
def test_help_says_what_there_is(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([verb, "--help"])
    said = capsys.readouterr().out
    assert f"contrapose {verb} METHOD RUN --data DATA" in said
    for name in methods_of(verb):  # each with what it is for, in a line of its own
        assert re.search(rf"^  {name} +{re.escape(METHODS[name].about.purpose)}$", said, re.MULTILINE)


def test_an_attack_names_its_victims_its_bound_and_its_purpose(attacked: Any, place: Path) -> None:
    assert attacked.outcome.finished
    assert not (attacked.path / "encoder").exists()
    saved = load_perturbation(attacked.path)
    victims = [frozen(place / name).fingerprint for name in ("contrast", "hidden")]
    assert [victim.fingerprint for victim in saved.victims] == victims
    assert saved.bound == {"norm": "linf", "radius": RADIUS}
    assert "measure" in saved.purpose
    record = RunFolder(attacked.path).read_record()
    assert record["init"]["fingerprint"] == victims[0]
    assert record["base"]["fingerprint"] == victims[1]
    assert fingerprint_of(load_encoder(place / "contrast")) == victims[0]  # it stays as it was
    assert (attacked.path / "pictures" / "before-and-after.png").is_file()
    state, _ = load_newest(RunFolder(attacked.path).checkpoints)
    assert not any("frozen" in name or "backbone" in name for name in state["learner"])


def test_it_resumes_bit_for_bit_by_its_own_copy_of_the_victim(attacked: Any, place: Path, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    shutil.copytree(attacked.path, stopped)
    for path in list_checkpoints(stopped / "checkpoints"):
        if load_checkpoint(path)["step"] > 3:
            path.unlink()
    shutil.rmtree(stopped / "perturbation")
    (place / "contrast").rename(place / "moved")
    try:
        resumed = contrapose.resume(stopped, quiet=True)
    finally:
        (place / "moved").rename(place / "contrast")
    states = [load_newest(RunFolder(run).checkpoints)[0] for run in (attacked.path, resumed.path)]
    assert_same(*states)
    one, other = (load_perturbation(run).tensors for run in (attacked.path, resumed.path))
    assert_same(dict(one), dict(other))


def test_pictures_keep_their_names_behind_their_numbers(attacked: Any, place: Path, tmp_path: Path) -> None:
    with np.load(place / "pictures.npz") as held:
        pixels = next(value for value in held.values() if value.ndim == 4)[:3]
    (tmp_path / "mine").mkdir()
    for name, picture in zip(("b cat.png", "a.png", "c.png"), pixels, strict=True):
        Image.fromarray(picture).save(tmp_path / "mine" / name)
    images = contrapose.apply(attacked.path, str(tmp_path / "mine"), out=tmp_path / "out")
    assert len(images) == 3
    written = sorted(path.name for path in (tmp_path / "out" / "perturbed").iterdir())
    assert written == ["0-a.png", "1-b_cat.png", "2-c.png"]


def test_it_is_put_on_pictures_within_its_bound(attacked: Any, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    images = contrapose.apply(attacked.path, str(place / "pictures.npz"), out=out)
    assert sorted(path.name for path in out.iterdir()) == ["ant", "bee", "sheet.png"]
    files = sorted([*(out / "ant").iterdir(), *(out / "bee").iterdir()], key=lambda path: path.name)
    made = np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2).astype(int)
    change = made - images.pixels.astype(int)
    assert 0 < np.abs(change).max() <= 16
    again = contrapose.load_perturber(attacked.path)
    assert np.array_equal(again.perturb(str(place / "pictures.npz")), made)
    assert np.array_equal(again.perturb(images.subset(np.arange(5))), made[:5])  # alone or beside others
    assert "at most 16/255 of white" in images.notes[-1]
    with pytest.raises(ArgumentError, match="is there already"):
        contrapose.apply(attacked.path, str(place / "pictures.npz"), out=out)
    with pytest.raises(ArgumentError, match="A perturbation writes pictures into a folder"):
        contrapose.apply(attacked.path, str(place / "pictures.npz"), out=tmp_path / "x.csv")
    with pytest.raises(ArgumentError, match="--classes plays no part"):
        contrapose.apply(attacked.path, str(place / "pictures.npz"), out=tmp_path / "x", classes=["ant"])


def test_what_reads_encoders_says_that_there_is_none(attacked: Any, place: Path) -> None:
    with pytest.raises(RunError, match="holds no encoder but the perturbation that an attack has found"):
        contrapose.load(attacked.path)
    with pytest.raises(RunError, match="holds no encoder but the perturbation that an attack has found"):
        export(attacked.path, to="folder", out=place / "exported")


def test_its_page_shows_what_the_encoder_answers_before_and_after(attacked: Any, tmp_path: Path) -> None:
    found = collect_attack(RunFolder.open(attacked.path))
    assert isinstance(found.shown, Shown)
    assert [name for name, _ in found.shown.numbers.rows][1:] == ["with noise of the same size", "with the generator"]
    assert {answer.question for one in found.shown.asked for answer in one.answers} == {"class"}
    assert "The attack has learned from most of these" in found.shown.numbers.sentence
    assert found.measured == ()  # it measures nothing by itself
    assert found.head.finished
    assert "dsva against the encoder of" in found.head.lead
    file = report(attacked.path, out=tmp_path / "page.html", quiet=True)
    said = file.read_text()
    assert "no value of a picture changes by more than 16 of 255" in said
    assert "measure and repair the encoder that it names" in said


def test_its_page_says_what_it_lacks(attacked: Any, place: Path, tmp_path: Path) -> None:
    stopped = shutil.copytree(attacked.path, tmp_path / "stopped")
    shutil.rmtree(stopped / "initial")
    np.savez(tmp_path / "others.npz", images=np.zeros((12, 8, 8, 3), np.uint8))
    folder = RunFolder.open(stopped)
    assert isinstance(collect_attack(folder).shown, Absent)
    others = collect_attack(RunFolder.open(attacked.path), data=str(tmp_path / "others.npz"))
    assert isinstance(others.shown, Shown)
    assert "others.npz" in others.shown.numbers.sentence
    with pytest.raises(DataError):
        collect_attack(RunFolder.open(attacked.path), data=str(tmp_path / "nowhere"))
    shutil.rmtree(stopped / "perturbation")
    with pytest.raises(RunError, match=r"stopped before its first checkpoint. Go on: contrapose attack --resume"):
        collect_attack(folder)


def test_the_command_line_does_the_same(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["attack", "dsva", str(place / "contrast"), "--data", str(place / "pictures.npz"), "--epochs", "1"]
    main([*words, "--batch-size", "8", "--width", "2", "--out", str(tmp_path / "run")])
    said = capsys.readouterr().out
    assert f"contrapose apply {tmp_path / 'run'} PICTURES --out perturbed" in said
    main(["apply", str(tmp_path / "run"), str(place / "pictures.npz"), "--limit", "4", "--out", str(tmp_path / "out")])
    assert "Wrote 4 pictures with the perturbation" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["attack", "--resume", str(tmp_path / "run")])
    assert "is finished" in capsys.readouterr().err


def test_another_encoder_is_refused_before_there_is_a_folder(place: Path, tmp_path: Path) -> None:
    save_encoder(build("small_conv", channels=3, image_size=8, widths=[4], seed=0), tmp_path / "conv")
    with pytest.raises(ArgumentError, match="is a small_conv and has no attention whose key could be read"):
        contrapose.attack(
            "dsva", tmp_path / "conv", data=str(place / "pictures.npz"), out=str(tmp_path / "run"), **QUICK
        )
    for options, told in (
        ({"layer": 7}, "layer must be a block or stage of .*, 0 to 1, got 7"),
        ({"attention": "row"}, "has no class token"),
        ({"radius": 0.0}, "radius"),
        ({"facet": "keys"}, "facet"),
        ({"init": None}, "dsva needs a trained encoder"),
    ):
        given = {"init": str(place / "contrast"), **options}
        with pytest.raises(ArgumentError, match=told):
            contrapose.train(
                "dsva", verb="attack", data=str(place / "pictures.npz"), out=str(tmp_path / "run"), **QUICK, **given
            )
    assert not (tmp_path / "run").exists()


def saved(kind: str, **changes: Any) -> SavedPerturbation:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(1, 8, 8)
    mask[:, 5:, 5:] = 1
    tensors = {
        "patch": {"patch": torch.rand(3, 8, 8, generator=generator), "mask": mask},
        "delta": {"delta": (torch.rand(3, 8, 8, generator=generator) - 0.5) / 10},
    }[kind]
    bound: dict[str, Any] = {"area": 9 / 64} if kind == "patch" else {"norm": "linf", "radius": 0.05}
    given: dict[str, Any] = {"victims": [Victim("runs/x", "vit_micro", "ab" * 32)], "bound": bound, "tensors": tensors}
    return SavedPerturbation(kind=kind, channels=3, image_size=8, **{**given, **changes})


@pytest.mark.parametrize("kind", ["patch", "delta"])
def test_a_patch_and_a_delta_come_back_as_they_went(kind: str, tmp_path: Path) -> None:
    save_perturbation(saved(kind, extra={"step": 3}), tmp_path / "perturbation")
    found = load_perturbation(tmp_path)
    assert_same(dict(found.tensors), dict(saved(kind).tensors))
    assert (found.kind, found.extra, found.victims) == (kind, {"step": 3}, saved(kind).victims)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)
    made = contrapose.load_perturber(tmp_path).perturb(Images(pixels))
    change = made.astype(int) - pixels
    assert np.abs(change).max() > 0
    if kind == "patch":
        assert (change[:, :, :5] == 0).all()
        assert (made[:, :, 5:, 5:] == made[:1, :, 5:, 5:]).all()
    else:
        assert np.abs(change).max() <= 12  # 0.05 of 255, rounded down


def test_a_perturbation_is_put_on_pictures_and_says_so_of_other_data(tmp_path: Path) -> None:
    save_perturbation(saved("patch"), tmp_path / "perturbation")
    words = tmp_path / "words.txt"
    words.write_text("a dog\ntwo cats\n")
    for data, told in (
        ("python-docs", "python-docs stands for texts that come with the package, .* name pictures, by a folder"),
        (str(words), r"words\.txt holds texts, .* name pictures, by a folder"),
    ):
        with pytest.raises(DataError, match=told):
            contrapose.apply(tmp_path, data, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no perturbation"):
        load_perturbation(tmp_path)
    save_perturbation(saved("delta"), tmp_path)
    file = tmp_path / "perturbation.json"
    whole = json.loads(file.read_text())
    for changes, told in (
        ({"format": 99}, "Update contrapose"),
        ({"kind": "encoder"}, "is damaged"),
        ({"perturbation": "patch"}, r"is damaged \(A patch is made of"),
        ({"victims": []}, "names whom it was made against"),
        ({"bound": {}}, "names whom it was made against"),
    ):
        file.write_text(json.dumps({**whole, **changes}))
        with pytest.raises(RunError, match=told):
            load_perturbation(tmp_path)
    file.write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        load_perturbation(tmp_path)
