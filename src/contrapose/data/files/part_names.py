"""What the names of folders say: which are the parts of a set (train, test), and which hold no photographs of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TRAINING = {"train", "training", "trn", "trainset", "traindata", "trainval"}
HELD_OUT = {
    *("test", "testing", "tst", "testset", "testdata", "val", "valid", "validation", "valset", "valdata"),
    *("minival", "eval", "evaluation", "dev", "devset", "holdout"),
}
OTHER_PARTS = {
    *("unlabeled", "unlabelled", "extra", "pred", "prediction", "predictions", "predict", "inference"),
    *("query", "gallery", "probe"),
}
PICTURES = {"image", "images", "img", "imgs", "jpegimages", "pictures", "pics", "photo", "photos", "rgb"}
BESIDE_PICTURES = {
    *("label", "labels", "mask", "masks", "annotation", "annotations", "annots", "anno", "gt", "groundtruth"),
    *("segmentation", "segmentations", "segmentationclass", "segmentationobject", "boxes", "bbox", "depth"),
}
SAYING_NOTHING = PICTURES | {
    *("picture", "pic", "data", "dataset", "set", "sets", "folder", "split", "part", "full", "final", "raw"),
    *("orig", "original", "x", "px", "jpg", "jpeg", "png", "new"),
}

JUNK = {
    *("__macosx", "@eadir", "@__thumb", "#recycle", "@recycle", "@recently-snapshot", "#snapshot", "~snapshot"),
    *("$recycle.bin", "system volume information", "lost+found", "@tmp", "@sharebin", "#trash", "@sharesnap"),
}
"""Folders that macOS archives, NAS systems (Synology, QNAP, NetApp), Windows and Linux make of their own accord."""

MOST_PARTS = 32
"""A folder of more folders than this holds classes, whatever their names are."""


def is_junk(name: str) -> bool:
    """Whether a folder of this name holds thumbnails, deleted files or the like: nothing that a person put there."""
    return name.startswith(".") or name.lower() in JUNK or name == "RECYCLER"


@dataclass(frozen=True)
class Layout:
    """How the sub-folders of a folder belong together.

    Arguments:
        used: those that are opened, which are one set; `classes`: which are classes.
        aside: those that are left alone.
        why: what those are, for people.
    """

    used: tuple[str, ...]
    aside: tuple[str, ...]
    why: str = "held-out or other parts of the set"
    classes: bool = False


class OnlyHeldOutError(Exception):
    """There are held-out parts and nothing to train on."""


def layout(names: Sequence[str]) -> Layout | None:
    """The parts that sub-folders of these names (those with pictures in them) are; `None`: they are no parts.

    Parts are told by a word of their name, in any spelling (`train2017`, `TRAIN`, `seg_test`, `val_images`), when all
    that is left of the name of one with `train` and of one that is held out is the same: `train_station` and
    `test_tube` are classes. Names with different rests that have their held-out parts (`trainA`, `trainB`, `testA`,
    `testB`) are classes of the training part. Two or more folders that are no part make all of them classes: one that
    is called `test` beside `cat` and `dog` is a class.

    Errors:
        OnlyHeldOutError: parts, but none for training.
    """
    if not 1 < len(names) <= MOST_PARTS:
        return None
    parts = {name: _part(name) for name in names}
    train = {name: rest for name, (kind, rest) in parts.items() if kind == "train"}
    held_out = {name: rest for name, (kind, rest) in parts.items() if kind in ("held out", "other")}
    others = [name for name, (kind, _) in parts.items() if kind is None]
    if train and not held_out and not others and len(set(train.values())) == 1:
        return Layout(tuple(train), ())  # train1, train2
    if not train and not others and len(set(held_out.values())) == 1 and _tested(parts):
        raise OnlyHeldOutError
    shared = set(train.values()) & set(held_out.values())
    if shared and len(others) < (2 if _tested(parts) else 1):
        used = tuple(name for name, rest in train.items() if rest in shared)
        return Layout(used, tuple(name for name in names if name not in used), classes=len(shared) > 1)
    return _beside_pictures(names)


def classes_like_parts(names: Sequence[str]) -> list[str]:
    """Classes that are called what held-out parts are called, which a person may have meant to be such."""
    return [name for name in names if _part(name) == ("held out", ())]


def _tested(parts: dict[str, tuple[str | None, tuple[str, ...]]]) -> bool:
    return any(kind == "held out" for kind, _ in parts.values())


def _beside_pictures(names: Sequence[str]) -> Layout | None:
    """`images` beside `labels`, `masks` or the like."""
    pictures = [name for name in names if _plain(name) in PICTURES]
    beside = [name for name in names if _plain(name) in BESIDE_PICTURES]
    if len(pictures) == 1 and len(beside) == len(names) - 1:
        return Layout((pictures[0],), tuple(beside), "what belongs to the pictures, not pictures of the set")
    return None


def _part(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Which kind of part a folder is by its name, and the rest of the name. Masks of a part belong to no set."""
    if _plain(name) in BESIDE_PICTURES:
        return "beside", ()
    words = _words(name)
    rest = tuple(word for word in words if word not in TRAINING | HELD_OUT | OTHER_PARTS | SAYING_NOTHING)
    if set(words) & BESIDE_PICTURES and set(words) & (TRAINING | HELD_OUT):
        return "beside", rest
    for kind, known in (("other", OTHER_PARTS), ("train", TRAINING), ("held out", HELD_OUT)):
        if set(words) & known:  # "train_extra" is extra, "train_val" is for training
            return kind, rest
    return None, rest


def _words(name: str) -> list[str]:
    """`trainA` -> train, a; `seg_train` -> seg, train; `ILSVRC2012_img_val` -> ilsvrc, img, val; no numbers."""
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
