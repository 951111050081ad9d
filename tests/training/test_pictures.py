"""Pictures that a job leaves: written and read back to the pixel, listed last, and refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError, DataError
from contrapose.training.pictures import in_grid, open_picture, read_pictures, write_pictures


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_what_is_written_is_read_back_pixel_for_pixel(tmp_path: Path) -> None:
    colour, grey, one = noise(5, 7, 3), noise(4, 6), torch.from_numpy(noise(3, 2, 1))
    write_pictures(tmp_path, [(colour, "Colour", "First."), (grey, "Grey", "Second."), (one, "One channel", "Third.")])
    found = read_pictures(tmp_path)
    assert [(p.title, p.caption) for p in found] == [
        ("Colour", "First."),
        ("Grey", "Second."),
        ("One channel", "Third."),
    ]
    assert np.array_equal(open_picture(found[0]), colour)
    assert np.array_equal(open_picture(found[1]), np.repeat(grey[..., None], 3, axis=2))
    assert np.array_equal(open_picture(found[2]), np.repeat(one.numpy(), 3, axis=2))
    listed = json.loads((tmp_path / "pictures" / "pictures.json").read_text())
    assert listed[0] == {"file": "colour.png", "title": "Colour", "caption": "First."}
    assert listed[2]["file"] == "one-channel.png"


def test_a_folder_without_pictures_has_none(tmp_path: Path) -> None:
    assert read_pictures(tmp_path) == []


def test_a_later_call_replaces_what_was_there_or_adds_to_it(tmp_path: Path) -> None:
    write_pictures(tmp_path, [(noise(2, 2), "A", "old"), (noise(2, 2), "B", "old")])
    write_pictures(tmp_path, [(noise(2, 2, seed=1), "B", "new")])
    assert [(p.title, p.caption) for p in read_pictures(tmp_path)] == [("B", "new")]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["b.png", "pictures.json"]
    write_pictures(tmp_path, [(noise(2, 2), "C", "added")], add=True)
    write_pictures(tmp_path, [(noise(3, 3), "B", "newest")], add=True)
    assert [(p.title, p.caption) for p in read_pictures(tmp_path)] == [("C", "added"), ("B", "newest")]


def test_titles_that_look_alike_have_files_of_their_own(tmp_path: Path) -> None:
    first, second, third = (noise(2, 2, 3, seed=seed) for seed in range(3))
    write_pictures(tmp_path, [(first, "To green", ""), (second, "to: green!", ""), (third, "по-русски", "")])
    for picture, pixels in zip(read_pictures(tmp_path), (first, second, third), strict=True):
        assert np.array_equal(open_picture(picture), pixels)


def test_a_kill_before_the_list_is_written_leaves_the_list_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contrapose.training import pictures

    write_pictures(tmp_path, [(noise(2, 2), "A", "whole")])
    real = pictures.write_atomically

    def killed(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(pictures, "write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        write_pictures(tmp_path, [(noise(2, 2), "B", "half")])
    assert [p.title for p in read_pictures(tmp_path)] == ["A"]


@pytest.mark.parametrize(
    "pixels", [noise(3, 4, 4), noise(3), np.zeros((3, 4, 3)), torch.rand(3, 4), np.zeros((0, 4), dtype=np.uint8)]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, pixels: np.ndarray | torch.Tensor) -> None:
    with pytest.raises(ArgumentError, match=r"'Bad' is .* of shape .*uint8 of shape \(H, W\)"):
        write_pictures(tmp_path, [(noise(2, 2), "Good", ""), (pixels, "Bad", "")])
    assert not (tmp_path / "pictures").exists(), "nothing is written where one of them cannot be"


def test_titles_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="Two pictures are called 'A'"):
        write_pictures(tmp_path, [(noise(2, 2), "A", ""), (noise(2, 2), "A", "")])
    with pytest.raises(ArgumentError, match="has a title"):
        write_pictures(tmp_path, [(noise(2, 2), " ", "")])


@pytest.mark.parametrize("listed", ["{", "[1]", '[{"file": "../a.png", "title": "", "caption": ""}]'])
def test_a_damaged_list_is_said(tmp_path: Path, listed: str) -> None:
    write_pictures(tmp_path, [(noise(2, 2), "A", "")])
    (tmp_path / "a.png").write_bytes(b"")  # a file outside of the room that the list may name
    (tmp_path / "pictures" / "pictures.json").write_text(listed)
    with pytest.raises(DataError, match=r"pictures\.json"):
        read_pictures(tmp_path)


def test_a_damaged_picture_is_said(tmp_path: Path) -> None:
    write_pictures(tmp_path, [(noise(2, 2), "A", "")])
    (picture,) = read_pictures(tmp_path)
    picture.file.write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"a\.png is no picture"):
        open_picture(picture)


def test_a_grid_keeps_every_pixel_where_it_belongs() -> None:
    tiles = torch.from_numpy(noise(2, 3, 3, 4, 5))  # (R, K, C, H, W)
    grid = in_grid(tiles, gap=1, scale=2)
    assert grid.shape == (2 * 9 - 1, 3 * 11 - 1, 3)
    for row in range(2):
        for column in range(3):
            shown = grid[row * 9 : row * 9 + 8 : 2, column * 11 : column * 11 + 10 : 2]  # (H, W, C)
            assert np.array_equal(shown, tiles[row, column].permute(1, 2, 0).numpy())
    assert (grid[8] == 255).all()
    assert (grid[:, 10] == 255).all()


def test_a_shorter_row_ends_in_white_and_grey_becomes_three_channels() -> None:
    rows = [torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(1, 1, 3, 3, dtype=torch.uint8)]
    grid = in_grid(rows, gap=0)
    assert grid.shape == (6, 6, 3)
    assert (grid[:3] == 0).all()
    assert (grid[3:, :3] == 0).all()
    assert (grid[3:, 3:] == 255).all()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [torch.zeros(2, 1, 3, 3)],
        [torch.zeros(2, 1, 3, 3, dtype=torch.uint8), torch.zeros(2, 1, 4, 4, dtype=torch.uint8)],
    ],
)
def test_a_grid_of_what_does_not_fit_is_refused(rows: list[torch.Tensor]) -> None:
    with pytest.raises(ArgumentError, match="rows of uint8 pictures"):
        in_grid(rows)
