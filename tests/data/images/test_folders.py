from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contrapose.data import open_data
from contrapose.data.images.folders import list_folder, list_glob
from contrapose.errors import DataError

WritePictures = Callable[..., Path]


def test_sub_folders_are_the_classes(write_pictures: WritePictures) -> None:
    listing = list_folder(write_pictures("dog/2.png", "cat/deep/1.jpg", "cat/3.png"))
    assert listing.identifiers == ["cat/3.png", "cat/deep/1.jpg", "dog/2.png"]
    assert listing.labels.numbers.tolist() == [0, 0, 1]
    assert listing.labels.names == ("cat", "dog")


def test_a_flat_folder_has_no_labels(write_pictures: WritePictures) -> None:
    listing = list_folder(write_pictures("b.png", "a.png"))
    assert listing.identifiers == ["a.png", "b.png"]
    assert listing.labels is None


def test_pictures_beside_sub_folders_mean_no_labels_and_a_note(write_pictures: WritePictures) -> None:
    listing = list_folder(write_pictures("a.png", "x/b.png", "y/c.png"))
    assert listing.labels is None
    assert "1 of the pictures lie beside them" in listing.notes[0]


@pytest.mark.parametrize("held_out", ["test", "val", "valid", "Validation"])
def test_train_is_taken_where_there_is_also_a_held_out_part(write_pictures: WritePictures, held_out: str) -> None:
    folder = write_pictures("train/a/1.png", "train/b/1.png", f"{held_out}/a/2.png")
    listing = list_folder(folder)
    assert listing.identifiers == ["train/a/1.png", "train/b/1.png"]
    assert listing.labels.names == ("a", "b")
    assert f"its sibling {held_out} is left alone" in listing.origin
    assert len(list_folder(folder / held_out)) == 1


def test_held_out_parts_alone_must_be_named(write_pictures: WritePictures) -> None:
    with pytest.raises(DataError, match="no train: name the one to open"):
        list_folder(write_pictures("test/1.png", "val/2.png"))


def test_classes_that_happen_to_be_called_train_are_classes(write_pictures: WritePictures) -> None:
    assert list_folder(write_pictures("train/1.png", "bus/2.png")).labels.names == ("bus", "train")


def test_a_folder_in_a_folder_stands_for_it(write_pictures: WritePictures) -> None:
    folder = write_pictures("images/all/train/a/1.png", "images/all/train/b/2.png", "images/all/test/a/3.png")
    assert list_folder(folder).labels.names == ("a", "b")
    assert list_folder(write_pictures("x/y/only.png") / "x").labels is None


def test_hidden_and_other_files_are_passed_over_and_counted(write_pictures: WritePictures) -> None:
    folder = write_pictures("a.png", ".hidden.png", ".git/b.png", "__MACOSX/c.png")
    (folder / "notes.txt").write_text("x")
    (folder / "photo.HEIC").write_text("x")
    listing = list_folder(folder)
    assert listing.identifiers == ["a.png"]
    assert "2 other files were passed over (1 .txt, 1 .heic)" in sorted(listing.notes)[0].replace(
        "1 .heic, 1 .txt", "1 .txt, 1 .heic"
    )


def test_suffixes_in_capitals_count(write_pictures: WritePictures) -> None:
    folder = write_pictures("a.png")
    (folder / "a.png").rename(folder / "A.PNG")
    assert list_folder(folder).identifiers == ["A.PNG"]


def test_links_in_a_circle_end(write_pictures: WritePictures) -> None:
    folder = write_pictures("x/a.png", "y/b.png")
    try:
        (folder / "x/up").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    assert list_folder(folder).identifiers == ["x/a.png", "y/b.png"]


def test_a_folder_that_holds_only_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(DataError, match="holds no pictures"):
        list_folder(tmp_path)


def test_linked_folders_are_followed(write_pictures: WritePictures, tmp_path: Path) -> None:
    folder = write_pictures("a/1.png", "b/2.png")
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("a", "b"):
        (linked / name).symlink_to(folder / name, target_is_directory=True)
    assert list_folder(linked).labels.names == ("a", "b")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no pictures, no files\. Known suffixes: .*\.png"):
        list_folder(tmp_path)


def test_a_folder_of_other_files_says_which(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(DataError, match=r"only other files \(1 \.txt\)"):
        list_folder(tmp_path)
    (tmp_path / "b.parquet").touch()
    with pytest.raises(DataError, match=r"but b\.parquet: open one of these files"):
        list_folder(tmp_path)


def test_a_pattern_takes_what_matches_with_classes_from_where_it_starts(
    write_pictures: WritePictures,
) -> None:
    folder = write_pictures("a/1.png", "a/2.jpg", "b/1.png", "c.png")
    listing = list_glob(f"{folder}/*/*.png")
    assert listing.identifiers == ["a/1.png", "b/1.png"]
    assert listing.labels.names == ("a", "b")
    assert list_glob(f"{folder}/a/*").labels is None
    assert len(list_glob(f"{folder}/**/*.png")) == 3
    assert len(open_data(f"{folder}/**/*.png", progress=False)) == 3


def test_a_pattern_without_matches_is_an_error(write_pictures: WritePictures) -> None:
    folder = write_pictures("a.png")
    (folder / "b.txt").touch()
    with pytest.raises(DataError, match=r"No picture matches .*\.gif'\. Quote"):
        open_data(f"{folder}/*.gif")
    with pytest.raises(DataError, match=r"1 other files or folders do"):
        open_data(f"{folder}/*.txt")


def test_a_limit_keeps_all_classes(write_pictures: WritePictures) -> None:
    folder = write_pictures(*(f"{name}/{number}.png" for name in "abcd" for number in range(5)))
    images = open_data(folder, limit=8, progress=False)
    assert images.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert images.class_names == ("a", "b", "c", "d")
