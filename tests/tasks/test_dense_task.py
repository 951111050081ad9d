"""The task dense: masks of any origin, void, floors, what becomes of copies, and pictures for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import contrapose
from contrapose.cli import main
from contrapose.data import Images
from contrapose.data.samples import MASK
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, build
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import TASKS, Given, Targets, task_for

HALVES = np.array([0, 1])[:, None, None]


def scenes(count: int = 20, seed: int = 0, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(N, 3, S, S)` of a bright patch on a dark ground, and where it is: class 4, the ground 7."""
    random = np.random.default_rng(seed)
    masks = np.full((count, side, side), 7)
    for mask in masks:
        top, left = random.integers(0, side - 8, 2)
        mask[top : top + 8, left : left + 8] = 4
    level = np.where(masks == 4, 200, 50)[:, None] + random.integers(-30, 30, (count, 3, side, side))
    return level.astype(np.uint8), masks


@pytest.fixture
def images() -> Images:
    pixels, masks = scenes()
    return Images(pixels).with_target(MASK, masks)


@pytest.fixture
def fine() -> Encoder:
    """A map with a cell for every two pixels."""
    return build(
        "small_conv", channels=3, image_size=16, seed=0, widths=[8, 8], strides=[2, 1], pool=1, embedding=0
    ).eval()


def measured(given: Given, encoder: Encoder) -> dict[str, Any]:
    measurement = TASKS["dense"].prepare(given)
    return measurement(measurement.embed_with(Embedder(encoder)))[0]


def test_an_easy_scene_is_told_and_the_floors_stand_beside_it(
    given: Callable[..., Given], images: Images, fine: Encoder
) -> None:
    measurement = TASKS["dense"].prepare(given(fine, images))
    metrics, pooled = measurement(measurement.embed_with(Embedder(fine)))
    assert metrics["mIoU"].value > 0.75
    assert pooled.shape == (4, 8)
    raw, _ = measurement(measurement.floor(given(fine, images)))
    assert raw["mIoU"].value > 0.95  # brightness is all there is to it
    (majority,) = measurement.floors().values()
    share = (images.targets[MASK] == 7).mean()
    assert majority["mIoU"].value == pytest.approx(share / 2)
    assert "tested on 4 of 20 held out" in measurement.data
    assert measurement.notes == ()


def test_void_is_neither_learned_nor_asked(given: Callable[..., Given], images: Images, fine: Encoder) -> None:
    masks = images.targets[MASK].copy()
    masks[:, :3] = 255
    usual = TASKS["dense"].prepare(given(fine, images.with_target(MASK, masks)))
    assert any(
        "18.8 % of the pixels to learn from and 18.8 % of the tested ones are void" in note for note in usual.notes
    )
    assert usual.parts.classes == ("4", "7")  # type: ignore[attr-defined]
    assert (usual.parts.wanted[:, :3] == -1).all()  # type: ignore[attr-defined]
    masks[:, :3] = 11
    own = TASKS["dense"].prepare(given(fine, images.with_target(MASK, masks), targets=Targets(void=(11,))))
    assert (own.parts.wanted == usual.parts.wanted).all()  # type: ignore[attr-defined]
    third = TASKS["dense"].prepare(given(fine, images.with_target(MASK, masks)))
    assert third.parts.classes == ("4", "7", "11")  # type: ignore[attr-defined]
    masks[:2] = 255
    left = TASKS["dense"].prepare(given(fine, images.with_target(MASK, masks)))
    assert any("2 of 20 pictures have no mask, or nothing on it" in note for note in left.notes)


def test_copies_stay_together_and_shared_pictures_are_told(
    given: Callable[..., Given], images: Images, fine: Encoder
) -> None:
    twice = images.subset(np.repeat(np.arange(10), 2))
    parts = TASKS["dense"].prepare(given(fine, twice)).parts  # type: ignore[attr-defined]
    test, bank = ({one.tobytes() for one in part.contents()} for part in (parts.test, parts.bank))
    assert not test & bank
    measurement = TASKS["dense"].prepare(given(fine, images, images.subset(np.arange(3))))
    assert measurement.leaked == 3
    assert any("also in --data, as exact copies" in note for note in measurement.notes)


def test_names_of_classes_and_unknown_ones(given: Callable[..., Given], images: Images, fine: Encoder) -> None:
    named = images.with_classes(MASK, images.targets[MASK], [f"class {k}" for k in range(8)])
    asked = given(fine, named, full=True)
    assert {"IoU of class 4", "IoU of class 7"} < set(measured(asked, fine))
    pixels, masks = scenes(4, seed=1)
    masks[:, 0] = 9
    test = Images(pixels).with_target(MASK, masks)
    measurement = TASKS["dense"].prepare(given(fine, images, test))
    assert any("1 test class nobody could learn: 9" in note for note in measurement.notes)


def test_it_is_found_where_there_are_masks_and_no_labels(
    given: Callable[..., Given], images: Images, fine: Encoder, tmp_path: Path
) -> None:
    assert task_for(given(fine, images)).name == "dense"
    labelled = images.with_labels(np.arange(20) % 2)
    assert task_for(given(fine, labelled)).name == "labelled-table"
    assert task_for(given(fine, labelled), "dense").name == "dense"
    with pytest.raises(DataError, match=r"The task dense needs masks .*\(--masks NAME\); an ndarray has"):
        task_for(given(fine, images.pixels), "dense")
    with pytest.raises(DataError, match="one class only"):
        TASKS["dense"].prepare(given(fine, images.with_target(MASK, np.full((20, 16, 16), 3))))
    with pytest.raises(DataError, match="2 to learn from and 2 to be tested on"):
        TASKS["dense"].prepare(given(fine, images.subset([0, 1])))
    flat = build("vit_micro", channels=3, image_size=16, seed=0, patch_size=8).eval()
    with pytest.raises(ArgumentError, match="no feature maps"):
        measured(given(flat, images), flat)


@pytest.mark.parametrize("how", ["folder", "table", "archive"])
def test_evaluate_measures_and_leaves_pictures(
    how: str, tmp_path: Path, pictures: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    run = contrapose.train(
        "pixpro", data=pictures[:32], out=str(tmp_path / "run"), epochs=1, batch_size=16, quiet=True
    ).path
    pixels, masks = scenes()
    masks[:, :2] = 255
    data, named = tmp_path / "set", []
    if how == "folder":
        for name, arrays in (("images", pixels.transpose(0, 2, 3, 1)), ("masks", masks.astype(np.uint8))):
            (data / name).mkdir(parents=True)
            for number, array in enumerate(arrays):
                Image.fromarray(array).save(data / name / f"{number:02d}.png")
    elif how == "table":
        polars = pytest.importorskip("polars")
        files = []
        for kind, arrays in (("p", pixels.transpose(0, 2, 3, 1)), ("m", masks.astype(np.uint8))):
            for number, array in enumerate(arrays):
                Image.fromarray(array).save(tmp_path / f"{kind}{number}.png")
            files.append([(tmp_path / f"{kind}{number}.png").read_bytes() for number in range(20)])
        polars.DataFrame({"image": files[0], "mask": files[1]}).write_parquet(data := tmp_path / "set.parquet")
    else:
        np.savez(data := tmp_path / "set.npz", images=pixels, shown=masks)
        named = ["--masks", "shown"]
    main(["evaluate", str(run), "--data", str(data), *named, "--void", "255"])
    said = capsys.readouterr().out
    assert "Task: dense" in said
    arms = json.loads((run / "evaluation.json").read_text())["arms"]
    assert list(arms) == ["trained", "untrained", "raw pixels", "majority class"]
    assert arms["raw pixels"]["mIoU"]["value"] > 0.9
    assert "over untrained" in said
    assert "over raw pixels" in said
    listed = json.loads((run / "pictures" / "pictures.json").read_text())
    assert listed[0]["title"] == "Predicted maps beside the true ones"
    with Image.open(run / "pictures" / listed[0]["file"]) as sheet:
        shown = np.asarray(sheet.convert("RGB"))
    assert shown.shape[1] == 3 * 96 + 2 * 2
    first = shown[:96, 98:194]  # the true map of the first row
    assert {tuple(pixel) for pixel in first.reshape(-1, 3).tolist()} > {(0, 0, 0)}
    assert len({tuple(pixel) for pixel in first.reshape(-1, 3).tolist()}) == 3  # void, patch, ground


def test_a_claim_measures_by_it(images: Images) -> None:
    from contrapose.claims.ground import Ground
    from contrapose.claims.measures import by_task, floor_of, subject_of
    from contrapose.methods import PixPro
    from contrapose.methods.assemble import assemble

    pixels, masks = scenes(6, seed=2)
    test = Images(pixels).with_target(MASK, masks)
    ground = Ground({"pretraining": images}, images, test, test)
    learner, views = assemble(PixPro(), images)
    measure = by_task("dense")
    found = measure(subject_of(learner.eval(), views, ground, test, 0))
    floor = measure(floor_of(ground, test, 0))
    assert found.keys() == floor.keys() == {"mIoU", "pixel accuracy"}
    assert floor["mIoU"] > 0.95
    assert found["mIoU"] > 0.5
