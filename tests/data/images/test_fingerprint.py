"""What identifies pictures from run to run: their content and names, however often they were copied."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_pictures import colour_picture, png_bytes

import contrapose
from contrapose.data import Images, open_data
from contrapose.errors import RunError

NAMES = ("a/1.png", "a/2.png", "b/1.png", "b/2.png")
OTHER_TIME = (10**9, 10**9)


def opened(data: object, **options: object) -> Images:
    return open_data(data, progress=False, **options)


def copied(folder: Path, target: Path) -> Path:
    """The same bytes elsewhere, with other times."""
    shutil.copytree(folder, target)
    for path in target.rglob("*"):
        os.utime(path, ns=OTHER_TIME)
    return target


def formerly(folder: Path, names: list[str], shape: tuple[int, ...]) -> str:
    """The fingerprint that the first version gave to a folder."""
    files = [(folder / name).stat() for name in names]
    stamps = [[name, file.st_size, file.st_mtime_ns] for name, file in zip(names, files, strict=True)]
    return hashlib.sha256(json.dumps([stamps, names, [shape]]).encode()).hexdigest()


@pytest.mark.parametrize("kind", ["folder", "pattern", "list", "table of paths", "encoded table", "npz", "npy"])
def test_copied_pictures_are_the_same_pictures(write_pictures: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    folder = write_pictures(*NAMES)
    pictures = [colour_picture(seed) for seed in range(4)]
    pl.DataFrame({"path": NAMES}).write_csv(folder / "paths.csv")
    pl.DataFrame({"image": [png_bytes(picture) for picture in pictures]}).write_parquet(folder / "encoded.parquet")
    np.savez(folder / "x.npz", images=np.stack([np.asarray(picture) for picture in pictures]))
    np.save(folder / "x.npy", np.stack([np.asarray(picture) for picture in pictures]))
    specs: dict[str, Callable[[Path], object]] = {
        "folder": lambda root: root,
        "pattern": lambda root: f"{root}/*/*.png",
        "list": lambda root: [root / name for name in NAMES],
        "table of paths": lambda root: root / "paths.csv",
        "encoded table": lambda root: root / "encoded.parquet",
        "npz": lambda root: root / "x.npz",
        "npy": lambda root: root / "x.npy",
    }
    spec = specs[kind]
    copy = copied(folder, tmp_path / "copy")
    assert opened(spec(folder)).fingerprint == opened(spec(copy)).fingerprint
    assert opened(spec(folder), cache=False).fingerprint == opened(spec(copy), cache=False).fingerprint
    assert opened(spec(folder), limit=3).fingerprint == opened(spec(copy), limit=3).fingerprint
    assert opened(spec(folder), limit=3).fingerprint != opened(spec(folder)).fingerprint


def test_other_pixels_names_or_sizes_are_other_pictures(write_pictures: Callable[..., Path]) -> None:
    folder = write_pictures(*NAMES)
    prints = {opened(folder).fingerprint, opened(folder, image_size=10).fingerprint}
    pixels = np.array(colour_picture(0))
    pixels[0, 0, 0] ^= 1
    contents = (folder / "a/1.png").read_bytes()
    (folder / "a/1.png").write_bytes(png_bytes(colour_picture(7)))
    prints.add(opened(folder).fingerprint)
    (folder / "a/1.png").write_bytes(contents)
    (folder / "a/1.png").rename(folder / "a/0.png")
    prints.add(opened(folder).fingerprint)
    assert len(prints) == 4


def test_a_fingerprint_of_an_earlier_version_is_known(write_pictures: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_pictures(*NAMES)
    former = formerly(folder, list(NAMES), (3, 20, 20))
    images = opened(folder)
    assert images.recorded_as(former)
    assert images.recorded_as(images.fingerprint)
    assert images.with_labels(None).recorded_as(former)
    part = images.subset([0, 2])
    assert part.recorded_as(hashlib.sha256(former.encode() + np.array([0, 2]).tobytes()).hexdigest())
    assert not part.recorded_as(former)
    assert not opened(copied(folder, tmp_path / "copy")).recorded_as(former)  # it held the times of the files


def test_a_run_of_an_earlier_version_continues(
    write_pictures: Callable[..., Path], tmp_path: Path, monkeypatch
) -> None:
    folder = write_pictures(*(f"{number:02}.png" for number in range(16)))
    names = [f"{number:02}.png" for number in range(16)]
    options = {"data": str(folder), "epochs": 1, "batch_size": 8, "image_size": 16, "quiet": True}
    with monkeypatch.context() as patch:
        former = property(lambda _: formerly(folder, names, (3, 16, 16)))
        patch.setattr(Images, "fingerprint", former)
        run = contrapose.train("simclr", out=str(tmp_path / "run"), **options)
    assert contrapose.resume(run.path, epochs=2, quiet=True).outcome.steps == 4
    assert contrapose.resume(run.path, epochs=3, quiet=True).outcome.steps == 6  # and now by the new one
    colour_picture(99).save(folder / "00.png")
    with pytest.raises(RunError, match="data has changed"):
        contrapose.resume(run.path, epochs=4, quiet=True)


def test_a_run_continues_after_its_pictures_were_copied_in_place(
    write_pictures: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_pictures(*(f"{number:02}.png" for number in range(16)))
    run = contrapose.train(
        "simclr",
        data=str(folder),
        out=str(tmp_path / "run"),
        epochs=1,
        batch_size=8,
        image_size=16,
        quiet=True,
    )
    copied(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    assert contrapose.resume(run.path, epochs=2, quiet=True).outcome.steps == 4
