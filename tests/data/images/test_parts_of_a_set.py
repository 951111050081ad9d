"""Which folders are classes, which are parts of a set, and which hold no photographs of it; all left out is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contrapose.data import open_data
from contrapose.data.files.part_names import is_junk, layout
from contrapose.data.images.folders import list_folder, list_glob
from contrapose.errors import DataError

WritePictures = Callable[..., Path]


@pytest.mark.parametrize(
    ("names", "used"),
    [
        ("train test", "train"),
        ("Train Test Valid", "Train"),
        ("TRAIN TEST", "TRAIN"),
        ("training validation", "training"),
        ("train2017 val2017 test2017 unlabeled2017", "train2017"),
        ("train_images test_images", "train_images"),
        ("train_images test", "train_images"),
        ("seg_train seg_test seg_pred", "seg_train"),
        ("trainset testset", "trainset"),
        ("train_set test_set", "train_set"),
        ("TrainSet ValSet", "TrainSet"),
        ("stage1_train stage1_test", "stage1_train"),
        ("ILSVRC2012_img_train ILSVRC2012_img_val", "ILSVRC2012_img_train"),
        ("train test1", "train"),
        ("train val train_extra", "train"),  # Cityscapes
        ("train test extra", "train"),  # SVHN
        ("train unlabeled", "train"),
        ("trainval test", "trainval"),
        ("bounding_box_train bounding_box_test query", "bounding_box_train"),  # Market-1501
        ("train test ground_truth", "train"),  # MVTec
        ("train_images test_images train_masks test_masks", "train_images"),
        ("train test background", "train"),
        ("train_1 train_2 test", "train_1 train_2"),
        ("train1 train2", "train1 train2"),
        ("images labels", "images"),
        ("JPEGImages SegmentationClass SegmentationObject", "JPEGImages"),
        ("Images Masks", "Images"),
        ("trainA trainB testA testB", "trainA trainB"),  # CycleGAN: two domains
        ("train_cat train_dog val_cat val_dog", "train_cat train_dog"),
    ],
)
def test_parts_are_told_by_their_names(names: str, used: str) -> None:
    found = layout(names.split())
    assert found is not None
    assert found.used == tuple(used.split())
    assert sorted(found.used + found.aside) == sorted(names.split())
    assert found.classes == (names in ("trainA trainB testA testB", "train_cat train_dog val_cat val_dog"))


@pytest.mark.parametrize(
    "names",
    [
        "train bus",
        "train bus car test",
        "test cat dog horse",
        "train_station test_tube",
        "trainA trainB",
        "mask no_mask",
        "images cat dog",
        "valley canyon",
        "contest protest",
        "extra plain",
        "strain trainer",
        "bus train extra",
        "validation_error training_shoe",
        "猫train 犬test",
    ],
)
def test_classes_stay_classes(names: str) -> None:
    assert layout(names.split()) is None


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found", ".Trash-1000"])
def test_system_folders(name: str) -> None:
    assert is_junk(name)
    assert is_junk(name.lower())


@pytest.mark.parametrize("name", ["#cat", "$5", "@home", "recycled", "thumbs_up", "snapshot", "~ten"])
def test_odd_names_of_classes(name: str) -> None:
    assert not is_junk(name)


def test_parts_left_aside_are_counted(write_pictures: WritePictures) -> None:
    folder = write_pictures(
        *(f"archive/scenes/seg_{part}/seg_{part}/{name}.png" for part in ("train", "test") for name in ("a/1", "b/2")),
        "archive/scenes/seg_pred/seg_pred/7.png",
    )
    listing = list_folder(folder)
    root = "archive/scenes"
    assert listing.identifiers == [f"{root}/seg_train/seg_train/a/1.png", f"{root}/seg_train/seg_train/b/2.png"]
    assert listing.labels.names == ("a", "b")
    assert listing.notes == (
        f"3 pictures left aside, held-out or other parts of the set: {root}/seg_pred (1), {root}/seg_test (2).",
    )
    assert "is left alone: name it to open it" in listing.origin
    assert list_folder(folder / root / "seg_test").labels.names == ("a", "b")


def test_the_folders_of_a_detector(write_pictures: WritePictures) -> None:
    folder = write_pictures("images/train/1.png", "images/train/2.png", "images/val/3.png")
    (folder / "labels/train").mkdir(parents=True)
    (folder / "labels/train/1.txt").write_text("0 .5 .5 .1 .1")
    listing = list_folder(folder)
    assert listing.identifiers == ["images/train/1.png", "images/train/2.png"]
    assert listing.labels is None
    assert "1 picture left aside, held-out or other parts of the set: images/val (1)." in listing.notes
    assert "1 folder without pictures: labels." in listing.notes
    other = write_pictures("r/train/images/1.png", "r/valid/images/2.png", "r/train/labels/1.png") / "r"
    listing = list_folder(other)
    assert listing.identifiers == ["train/images/1.png"]
    assert any("what belongs to the pictures" in note and "train/labels (1)" in note for note in listing.notes)


def test_masks_and_held_out_parts_inside_classes(write_pictures: WritePictures) -> None:
    folder = write_pictures("covid/images/1.png", "covid/masks/1.png", "normal/images/1.png", "normal/masks/1.png")
    listing = list_folder(folder)
    assert listing.identifiers == ["covid/images/1.png", "normal/images/1.png"]
    assert listing.labels.names == ("covid", "normal")
    assert "2 pictures left aside, what belongs to the pictures" in listing.notes[0]
    inner = write_pictures(
        *(
            f"m/{what}/{part}/1.png"
            for what in ("bottle", "cable")
            for part in ("train/good", "test/bad", "ground_truth")
        )
    )
    listing = list_folder(inner / "m")
    assert listing.identifiers == ["bottle/train/good/1.png", "cable/train/good/1.png"]
    assert listing.labels.names == ("bottle", "cable")


def test_shards_of_one_part_are_one_set(write_pictures: WritePictures) -> None:
    folder = write_pictures("train_1/a/1.png", "train_1/b/2.png", "train_2/a/3.png", "test/a/4.png")
    listing = list_folder(folder)
    assert listing.identifiers == ["train_1/a/1.png", "train_1/b/2.png", "train_2/a/3.png"]
    assert [listing.labels.names[number] for number in listing.labels.numbers] == ["a", "b", "a"]
    assert list_folder(write_pictures("n/train1/1.png", "n/train2/2.png") / "n").labels is None


def test_two_domains_are_two_classes_of_their_training_part(write_pictures: WritePictures) -> None:
    listing = list_folder(write_pictures("trainA/1.png", "trainB/2.png", "testA/3.png", "testB/4.png"))
    assert listing.labels.names == ("trainA", "trainB")
    assert "testA (1), testB (1)" in listing.notes[0]


def test_a_class_called_test_is_said(write_pictures: WritePictures) -> None:
    listing = list_folder(write_pictures("cat/1.png", "dog/2.png", "test/3.png"))
    assert listing.labels.names == ("cat", "dog", "test")
    assert "test: taken as a class like the folders beside it" in listing.notes[0]


def test_other_spellings_of_held_out_parts_alone_must_be_named(write_pictures: WritePictures) -> None:
    with pytest.raises(DataError, match="holds seg_pred, seg_test and no train: name the one"):
        list_folder(write_pictures("seg_test/1.png", "seg_pred/2.png"))


def test_junk_is_no_class_and_is_counted(write_pictures: WritePictures) -> None:
    folder = write_pictures(
        *("holiday/1.png", "family/2.png", "holiday/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "family/@eaDir/2.png"),
        *("#recycle/old.png", "$RECYCLE.BIN/x.png", "System Volume Information/a.png", "lost+found/1.png"),
        *(".thumbnails/t.png", "__MACOSX/holiday/._1.png", "holiday/._1.png", "holiday/.ipynb_checkpoints/1.png"),
    )
    listing = list_folder(folder)
    assert listing.identifiers == ["family/2.png", "holiday/1.png"]
    assert listing.labels.names == ("family", "holiday")
    (note,) = listing.notes
    assert note.startswith("10 pictures in hidden and system folders passed over: ")
    assert "@eaDir (2)" in note
    assert list_glob(f"{folder}/**/*.png").identifiers == listing.identifiers
    assert "passed over" in list_glob(f"{folder}/**/*.png").notes[0]


def test_a_folder_of_nothing_but_hidden_pictures_says_so(write_pictures: WritePictures) -> None:
    with pytest.raises(DataError, match=r"holds no pictures.*2 pictures in hidden and system folders"):
        list_folder(write_pictures(".cache/1.png", "@eaDir/2.png"))


def test_a_second_name_of_a_class_is_no_second_class(write_pictures: WritePictures) -> None:
    folder = write_pictures("cat/1.png", "dog/2.png")
    (folder / "alias").symlink_to(folder / "cat", target_is_directory=True)  # sorts before what it points to
    (folder / "dog/deeper").symlink_to(folder / "cat", target_is_directory=True)
    for listing in (list_folder(folder), list_glob(f"{folder}/*/*.png")):
        assert listing.identifiers == ["cat/1.png", "dog/2.png"]
        assert listing.labels.names == ("cat", "dog")
        assert "Links to folders that are in the set anyway, passed over: alias -> cat" in listing.notes[-1]


def test_two_links_to_one_folder_outside_are_one_class(write_pictures: WritePictures, tmp_path: Path) -> None:
    folder = write_pictures("x/1.png", "y/2.png")
    linked = tmp_path / "linked"
    linked.mkdir()
    for name, target in (("cat", "x"), ("dog", "y"), ("kitty", "x")):
        (linked / name).symlink_to(folder / target, target_is_directory=True)
    (linked / "loop").symlink_to("loop")
    listing = list_folder(linked)
    assert listing.labels.names == ("cat", "dog")
    assert any("kitty -> cat" in note for note in listing.notes)


def test_a_link_back_up_brings_no_held_out_part_in(write_pictures: WritePictures) -> None:
    folder = write_pictures("train/a/1.png", "train/b/2.png", "test/a/3.png")
    (folder / "train/a/up").symlink_to(folder, target_is_directory=True)
    assert list_folder(folder).identifiers == ["train/a/1.png", "train/b/2.png"]


def test_parts_in_a_pattern_are_no_classes(write_pictures: WritePictures) -> None:
    folder = write_pictures("train/a/1.png", "train/b/2.png", "test/a/3.png")
    listing = list_glob(f"{folder}/*/*/*.png")
    assert len(listing) == 3  # what a person has named is taken
    assert listing.labels.names == ("a", "b")
    assert listing.labels.numbers.tolist() == [0, 0, 1]
    assert list_glob(f"{write_pictures('n/train/1.png', 'n/test/2.png')}/n/*/*.png").labels is None


def test_class_folders_without_pictures_are_named(write_pictures: WritePictures) -> None:
    folder = write_pictures("cat/1.png", "dog/2.png")
    (folder / "horse").mkdir()
    assert list_folder(folder).notes == ("1 folder without pictures: horse.",)


def test_images_know_what_was_left_out(write_pictures: WritePictures) -> None:
    images = open_data(write_pictures("train2017/1.png", "val2017/2.png"), progress=False)
    assert len(images) == 1
    assert "val2017 (1)" in images.notes[0]
