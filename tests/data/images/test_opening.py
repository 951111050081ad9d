from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contrapose.data import Images, open_data
from contrapose.errors import ArgumentError, DataError


def test_a_missing_path_names_the_nearest_sibling(write_pictures: Callable[..., Path]) -> None:
    folder = write_pictures("cats/a.png")
    with pytest.raises(DataError, match=r"has no 'cat'\. Did you mean 'cats'\?"):
        open_data(folder / "cat" / "deeper")
    with pytest.raises(DataError, match=r"Did you mean 'omniglot'\?"):
        open_data("omniglott")
    with pytest.raises(DataError) as error:
        open_data(folder / "zzz")
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.png", "is one picture: give its folder"),
        ("x.zip", "unpack it"),
        ("x.pt", "pickle, which could run any code"),
        ("x.docx", r"unknown kind \(\.docx\)"),
        ("x", "no suffix"),
    ],
)
def test_files_of_other_kinds_say_what_to_do(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=text):
        open_data(tmp_path / name)


@pytest.mark.parametrize("name", ["image_size", "channels", "limit", "workers"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "8"])
def test_options_that_are_no_positive_number_are_errors(pictures: np.ndarray, name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=name):
        open_data(pictures, **{name: value})


def test_photos_have_one_or_three_channels(write_pictures: Callable[..., Path]) -> None:
    with pytest.raises(ArgumentError, match=r"1 \(grey\) or 3 \(RGB\)"):
        open_data(write_pictures("a.png"), channels=4)


def test_images_can_be_opened_again_in_another_form(pictures: np.ndarray) -> None:
    images = Images(pictures, np.arange(96) % 3, class_names=["a", "b", "c"], origin="here")
    assert open_data(images) is images
    small = open_data(images, image_size=8, channels=1, limit=10)
    assert small.pixels.shape == (10, 1, 8, 8)
    assert small.class_names == ("a", "b", "c")
    assert small.fingerprint != images.fingerprint
    assert open_data(images, labels=False).labels is None
    assert open_data(images, labels=np.zeros(96, int)).labels.max() == 0
    with pytest.raises(DataError, match="3 labels for 96 pictures"):
        open_data(images, labels=[0, 1, 2])


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(ArgumentError, match="name of the data is empty"):
        open_data("")


def test_a_home_folder_is_expanded(write_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pictures("a.png", "b.png")
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(open_data("~/pictures", progress=False)) == 2
    assert len(open_data("~/pictures/*.png", progress=False)) == 2


@pytest.mark.slow
def test_importing_the_room_loads_no_extra() -> None:
    unwanted = ("polars", "datasets", "sklearn", "scipy", "torchvision", "rich")
    program = f"import sys, contrapose.data; print([name for name in {unwanted} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
