"""Sequences in every form that people have them in become the same samples; slips are told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import torch

from contrapose.data import kind_of
from contrapose.data.frames import SKELETONS, Frames, open_frames
from contrapose.data.ragged import Ragged
from contrapose.errors import ArgumentError, DataError

LENGTHS = (5, 1, 9, 3)
RANDOM = np.random.default_rng(0)
SEQUENCES = [RANDOM.normal(size=(length, 4, 3)).astype(np.float32) for length in LENGTHS]
POINTERS = np.cumsum([0, *LENGTHS])
LABEL, SUBJECT = np.array([1, 0, 1, 0]), np.array([7, 8, 7, 9])


def archive(folder: Path, **arrays: Any) -> Path:
    usual = {"joints": np.concatenate(SEQUENCES), "frame_ptr": POINTERS, "action": LABEL, "subject": SUBJECT}
    np.savez(folder / "s.npz", **{**usual, **arrays})
    return folder / "s.npz"


def folder_of(folder: Path) -> Path:
    for number, (sequence, label) in enumerate(zip(SEQUENCES, LABEL, strict=True)):
        place = folder / "set" / ("no", "yes")[label]
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{number}.npy", sequence)
    return folder / "set"


def parquet(folder: Path) -> Path:
    frame = polars.DataFrame({"name": list("abcd"), "moves": [one.tolist() for one in SEQUENCES], "action": LABEL})
    frame.write_parquet(folder / "s.parquet")
    return folder / "s.parquet"


def lines(folder: Path) -> Path:
    rows = [
        json.dumps({"moves": one.tolist(), "label": int(label)}) for one, label in zip(SEQUENCES, LABEL, strict=True)
    ]
    (folder / "s.jsonl").write_text("\n".join(rows))
    return folder / "s.jsonl"


FORMS: dict[str, Callable[[Path], Any]] = {
    "archive": archive,
    "folder": folder_of,
    "parquet": parquet,
    "lines": lines,
    "list": lambda _: SEQUENCES,
    "tensors": lambda _: tuple(torch.from_numpy(one) for one in SEQUENCES),
    "nested lists": lambda _: {"moves": [one.tolist() for one in SEQUENCES], "y": LABEL},
    "ragged": lambda _: Ragged.of(SEQUENCES),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_becomes_the_same_samples(form: str, tmp_path: Path) -> None:
    spec = FORMS[form](tmp_path)
    frames = open_frames(spec)
    order = [1, 3, 0, 2] if form == "folder" else range(4)  # of a folder, by class and name
    assert isinstance(frames, Frames)
    for row, number in enumerate(order):
        np.testing.assert_allclose(frames.sequence(row), SEQUENCES[number], rtol=1e-6)
    if form not in ("list", "tensors", "ragged"):
        assert frames.labels.tolist() == LABEL[list(order)].tolist()
    batch = frames.batch([2, 0])
    assert batch.values.dtype == np.float32
    assert batch.lengths.tolist() == [LENGTHS[order[2]], LENGTHS[order[0]]]
    if form != "ragged":
        assert kind_of(spec) == "frames"


def test_an_archive_keeps_what_stands_beside_the_sequences(tmp_path: Path) -> None:
    frames = open_frames(archive(tmp_path))
    assert frames.targets["subject"].tolist() == SUBJECT.tolist()
    assert frames.labels.tolist() == LABEL.tolist()
    assert "Labels from 'action', 'subject' kept beside them." in frames.notes
    other = open_frames(tmp_path / "s.npz", label_column="subject", number_column="action")
    assert other.labels.tolist() == SUBJECT.tolist()
    assert other.targets["number"].tolist() == LABEL.tolist()
    none = open_frames(tmp_path / "s.npz", labels="none")
    assert none.labels is None
    named = archive(tmp_path, class_names=np.array(["sit", "stand", "lie"]), id=np.array(list("abcd")))
    assert open_frames(named).class_names == ("sit", "stand", "lie")
    assert list(open_frames(named).identifiers) == list("abcd")


def test_archives_that_are_not_compressed_are_mapped(tmp_path: Path) -> None:
    mapped = open_frames(archive(tmp_path))
    assert isinstance(mapped.store.values, np.memmap)
    arrays = dict(np.load(tmp_path / "s.npz"))
    np.savez_compressed(tmp_path / "small.npz", **arrays)
    read = open_frames(tmp_path / "small.npz")
    assert not isinstance(read.store.values, np.memmap)
    assert read.fingerprint == mapped.fingerprint
    np.testing.assert_array_equal(read.store.values, mapped.store.values)
    fortran = np.asfortranarray(np.concatenate(SEQUENCES))
    np.testing.assert_array_equal(open_frames(archive(tmp_path, joints=fortran)).store.values, fortran)


def test_arrays_of_one_length_and_padded_ones(tmp_path: Path) -> None:
    dense = RANDOM.normal(size=(3, 6, 2))
    np.save(tmp_path / "d.npy", dense)
    frames = open_frames(tmp_path / "d.npy")
    assert (len(frames), frames.joints, frames.channels) == (3, 0, 2)
    np.testing.assert_array_equal(frames.sequence(1), dense[1])
    np.savez(tmp_path / "p.npz", x=dense, lengths=[2, 6, 1], y=[0, 1, 0])
    padded = open_frames(tmp_path / "p.npz")
    assert padded.lengths.tolist() == [2, 6, 1]
    np.testing.assert_array_equal(padded.sequence(0), dense[0, :2])
    by_lengths = archive(tmp_path, frame_ptr=POINTERS[:2], lengths=np.array(LENGTHS))
    np.savez(tmp_path / "l.npz", joints=np.concatenate(SEQUENCES), lengths=LENGTHS)
    assert by_lengths.exists()
    assert open_frames(tmp_path / "l.npz").lengths.tolist() == list(LENGTHS)


def test_what_cannot_be_used_is_skipped_with_a_reason(tmp_path: Path) -> None:
    holes = SEQUENCES[2].copy()
    holes[:5, 3, 1] = np.nan
    gap = SEQUENCES[0].copy()
    gap[2, 0] = np.nan
    frames = open_frames([gap, np.zeros((4, 4, 3)), holes, np.zeros((0, 4, 3)), SEQUENCES[3]])
    assert [(one.path, one.reason) for one in frames.skipped] == [
        ("row 1", "all zeros"),
        ("row 2", "joint 3 is missing in 56 % of its frames"),
        ("row 3", "no frames"),
    ]
    assert list(frames.identifiers) == ["0", "4"]
    np.testing.assert_allclose(frames.sequence(0)[2, 0], (gap[1, 0] + gap[3, 0]) / 2, rtol=1e-6)  # in the middle
    assert any("filled in time" in note for note in frames.notes)
    assert np.isnan(gap[2, 0]).all()  # the caller's own array stays as it is
    with pytest.raises(DataError, match=r"No sequence of .* can be used: all zeros"):
        open_frames([np.zeros((4, 3)), np.zeros((5, 3))])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frame_ptr": POINTERS - 1}, "Pointers of 18 steps begin at 0"),
        ({"frame_ptr": POINTERS[:-1]}, "Where they are the beginnings alone, put 18 behind them"),
        ({"more": np.ones((18, 2))}, "joints"),  # the usual name decides
        ({"joints": np.zeros(3)}, "no one array of sequences"),
        ({"joints": np.array([None, "a"], dtype=object)}, "Python objects .*frame_ptr=numpy.cumsum"),
    ],
)
def test_archives_that_do_not_fit(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = archive(tmp_path, **changes)
    if said == "joints":
        assert open_frames(path).joints == 4
        assert open_frames(path, frames_column="more", skeleton="none").channels == 2
        return
    with pytest.raises(DataError, match=said):
        open_frames(path)


def test_other_slips(tmp_path: Path) -> None:
    sideways = [one.T for one in (np.ones((5, 3)), np.ones((7, 3)))]
    with pytest.raises(DataError, match=r"time probably comes later: give it first"):
        open_frames(sideways)
    with pytest.raises(DataError, match="Give all with the same joints"):
        open_frames([np.ones((5, 3)), np.ones((6, 4)), np.ones((4, 3))])
    with pytest.raises(DataError, match=r"transpose\(0, 2, 4, 3, 1\)"):
        open_frames(np.ones((2, 3, 8, 25, 1)))
    with pytest.raises(DataError, match="one sequence of plain channels"):
        open_frames(np.ones((5, 3)))
    with pytest.raises(ArgumentError, match="has 25 joints and these sequences have 4 joints"):
        open_frames(SEQUENCES, skeleton="ntu")
    with pytest.raises(ArgumentError, match=r"No skeleton 'kinekt'\. Did you mean 'kinect'"):
        open_frames(SEQUENCES, skeleton="kinekt")
    with pytest.raises(ArgumentError, match="no column 'acton'"):
        open_frames(archive(tmp_path), label_column="acton")
    with pytest.raises(DataError, match="holds no sequences"):
        open_frames(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no file of sequences that is known"):
        open_frames(tmp_path / "t.csv")
    swapped = open_frames([np.ones((5, 3, 25)), np.ones((6, 3, 25))])
    assert any("swapaxes" in note for note in swapped.notes)


@pytest.mark.parametrize("name", SKELETONS)
def test_a_skeleton_is_known_by_its_short_bones(name: str) -> None:
    """A body is made by the tree, in an order that no other known skeleton has."""
    skeleton = SKELETONS[name]
    joints = np.zeros((30, len(skeleton.parents), 3))
    for joint in _from_the_root(skeleton.parents):
        parent = skeleton.parents[joint]
        joints[:, joint] = joints[:, parent] + (joint != parent) * RANDOM.normal(0, 0.3, (30, 3))
    assert open_frames([joints[:10], joints[10:]]).skeleton == skeleton
    shuffled = joints[:, RANDOM.permutation(len(skeleton.parents))]
    assert open_frames([shuffled[:10], shuffled[10:]]).skeleton is None


def _from_the_root(parents: tuple[int, ...]) -> list[int]:
    def depth(joint: int) -> int:
        return 0 if parents[joint] == joint else 1 + depth(parents[joint])

    return sorted(range(len(parents)), key=depth)


def test_real_skeletons(shared_data: Callable[[str], Path]) -> None:
    frames = open_frames(shared_data("skeleton/msraction3d.npz"))
    assert (len(frames), frames.joints, frames.skeleton) == (566, 20, SKELETONS["msr-action3d"])
    assert len(np.unique(frames.labels)) == 20
    assert open_frames(shared_data("skeleton/utkinect.npz")).skeleton == SKELETONS["kinect"]


def test_an_archive_of_joints_is_of_sequences_by_its_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "dense.npz"
    np.savez(path, joints=np.ones((5, 4, 6, 3)), label=np.arange(5))
    assert kind_of(path) == "frames"
    sequences = np.empty(2, object)
    sequences[:] = [np.ones((2, 6, 3)), np.ones((3, 6, 3))]
    np.savez(path, joints=sequences, label=np.arange(2))
    assert kind_of(path) == "frames"  # refused by those who can say how it is saved
    with pytest.raises(DataError, match="frame_ptr"):
        open_frames(path)


def test_pickled_objects_of_any_name_are_looked_at_without_being_read(tmp_path: Path) -> None:
    objects = np.empty(2, object)
    np.savez(tmp_path / "objects.npz", things=objects, others=np.ones(2))
    assert kind_of(tmp_path / "objects.npz") == "image"


def test_coordinates_before_time_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "turned.npz", joints=np.ones((5, 3, 16, 20)))
    with pytest.raises(DataError, match=r"transpose\(0, 2, 3, 1\)"):
        open_frames(tmp_path / "turned.npz")


def test_labels_of_another_number_are_refused_rather_than_passed_by(tmp_path: Path) -> None:
    path = tmp_path / "short.npz"
    np.savez(path, frames=np.ones((6, 4, 3)), frame_ptr=[0, 2, 4, 6], label=[0, 1])
    with pytest.raises(DataError, match="2 entries in 'label' for 3 sequences"):
        open_frames(path)
