"""A picture that was replaced is read anew, whatever names it, even by one of the same size and with the old time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from contrapose.data import open_data

NAMES = [f"{number}.bmp" for number in range(4)]  # uncompressed: files of one size


def write(path: Path, level: int) -> None:
    Image.fromarray(np.full((16, 16, 3), level, dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    for number, name in enumerate(NAMES):
        write(tmp_path / "p" / name, number)
    return tmp_path / "p"


def in_parquet(folder: Path) -> object:
    rows = [{"bytes": None, "path": str(folder / name)} for name in NAMES]
    pl.DataFrame({"image": rows}, schema={"image": pl.Struct({"bytes": pl.Binary, "path": pl.String})}).write_parquet(
        folder / "x.parquet"
    )
    return folder / "x.parquet"


def in_table(folder: Path) -> object:
    pl.DataFrame({"path": NAMES}).write_csv(folder / "x.csv")
    return folder / "x.csv"


def in_saved_data_set(folder: Path) -> object:
    """Saved with the paths of its pictures, not with their bytes, as `datasets` did for long."""
    datasets = pytest.importorskip("datasets")
    cell = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    rows = [{"bytes": None, "path": str(folder / name)} for name in NAMES]
    dataset = datasets.Dataset.from_dict({"image": rows}, features=datasets.Features({"image": cell}))
    saved = folder.parent / "saved"
    dataset.save_to_disk(saved)
    about = json.loads((saved / "dataset_info.json").read_text())
    about["features"] = {"image": {"_type": "Image"}}
    (saved / "dataset_info.json").write_text(json.dumps(about))
    return saved


def in_data_set(folder: Path) -> object:
    datasets = pytest.importorskip("datasets")
    options = {"data_dir": str(folder), "split": "train", "drop_labels": True}
    return datasets.load_dataset("imagefolder", cache_dir=str(folder.parent / "hf"), **options)


NAMED = {
    "folder": lambda folder: folder,
    "pattern": lambda folder: f"{folder}/*.bmp",
    "list": lambda folder: [folder / name for name in NAMES],
    "table": in_table,
    "parquet": in_parquet,
    "saved data set": in_saved_data_set,
    "data set": in_data_set,
}


def levels(data: object, **options: object) -> list[int]:
    return open_data(data, progress=False, **options).pixels[:, 0, 0, 0].tolist()


def in_place(path: Path) -> None:
    write(path, 200)


def by_renaming(path: Path) -> None:
    write(path.with_name("new.tmp.bmp"), 200)
    shutil.copystat(path, path.with_name("new.tmp.bmp"))
    path.with_name("new.tmp.bmp").replace(path)


@pytest.mark.parametrize("replace", [in_place, by_renaming])
@pytest.mark.parametrize("named", NAMED)
def test_same_size_and_same_time(
    folder: Path, named: str, replace: Callable[[Path], None], decoded: list[object]
) -> None:
    spec = NAMED[named](folder)
    path = folder / NAMES[2]
    assert levels(spec) == levels(spec) == [0, 1, 2, 3]
    assert len(decoded) == 4
    assert levels(spec, limit=2) == [0, 2]
    before = path.stat()
    replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert levels(spec) == [0, 1, 200, 3]
    assert levels(spec, limit=2) == [0, 200]
    path.unlink()
    assert levels(spec) == [0, 1, 3]


def test_a_saved_data_set_of_the_same_name_and_fingerprint(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for level in (10, 20):
        pictures = [Image.fromarray(np.full((16, 16), level + number, dtype=np.uint8)) for number in range(3)]
        features = datasets.Features({"image": datasets.Image()})
        dataset = datasets.Dataset.from_dict({"image": pictures}, features=features)
        dataset._fingerprint = "0123456789abcdef"
        shutil.rmtree(tmp_path / "saved", ignore_errors=True)
        dataset.save_to_disk(tmp_path / "saved")
        assert levels(tmp_path / "saved") == [level, level + 1, level + 2]


def test_a_link_that_points_elsewhere(folder: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for name in NAMES[:2]:
        (links / name).symlink_to(folder / name)
    assert levels(links) == [0, 1]
    (links / NAMES[1]).unlink()
    (links / NAMES[1]).symlink_to(folder / NAMES[3])
    assert levels(links) == [0, 3]
