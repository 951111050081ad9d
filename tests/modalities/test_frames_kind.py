"""Sequences of frames go all the way: train, resume, evaluate, embed, search, report, export, start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars
import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.commands.data_check import data_check
from contrapose.commands.pack import pack
from contrapose.data.frames import open_frames
from contrapose.encoders.frames import build_frames
from contrapose.errors import ArgumentError, DataError
from contrapose.estimator import ContrastiveEncoder
from contrapose.modalities import MODALITIES
from contrapose.modalities.frame_forms import fitted_form
from kind_cases import WRITERS

KIND = MODALITIES["frames"]
QUICK = ("--epochs", "1", "--batch-size", "16", "--projection-hidden", "16", "--projection-dimension", "8")
QUICK += ("--frames", "8", "--encoder", "gru")
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(WRITERS["frames"](tmp_path_factory.mktemp("frames")))


@pytest.fixture(scope="module")
def run(archive: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    main(["train", "moco", "--data", archive, "--queue", "32", *QUICK, "--stream", "motion", "--out", str(path)])
    return path


def test_a_run_does_all_that_runs_do(
    run: Path, archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "config.json").read_text())
    assert record["modality"] == "frames"
    assert record["data"]["joints"] == 4
    main(["evaluate", str(run), "--data", archive, "--k", "3"])
    arms = json.loads((run / "evaluation.json").read_text())["arms"]
    assert {"trained", "untrained", "resampled coordinates"} <= set(arms)
    assert arms["resampled coordinates"]["linear probe"]["value"] > 0.5

    main(["embed", str(run), archive, "--out", str(tmp_path / "e.parquet")])
    assert len(polars.read_parquet(tmp_path / "e.parquet")) == 48
    capsys.readouterr()
    main(["search", str(run), archive, "--in", archive, "-k", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert "frames" in lines[0]
    assert lines[1].split()[1] == "1.0000"
    main(["report", str(run), "--out", str(tmp_path / "report.html")])
    assert "a piece of 50 % to 100 % of it" in (tmp_path / "report.html").read_text()
    main(["export", str(run), "--to", "folder", "--out", str(tmp_path / "model")])
    assert "of 4 joints in 3 dimensions, brought to 8 frames" in (tmp_path / "model" / "README.md").read_text()


def test_other_sequences_are_taken_in_the_encoders_form(run: Path, archive: str) -> None:
    encoder = contrapose.load(run)
    frames = open_frames(archive)
    whole = encoder.embed(archive)
    some = [np.array(frames.sequence(row)) for row in (3, 9)]
    np.testing.assert_allclose(encoder.embed(some), whole[[3, 9]], atol=1e-5)
    np.testing.assert_allclose(encoder.embed(some[0]), whole[[3]], atol=1e-5)  # one by itself
    np.testing.assert_allclose(encoder.embed(torch.from_numpy(some[1])), whole[[9]], atol=1e-5)
    with pytest.raises(DataError, match=r"takes frames of 4 joints in 3 dimensions, and .* has 5 joints"):
        encoder.embed([np.ones((4, 5, 3)), np.ones((6, 5, 3))])


def test_training_starts_from_a_run(run: Path, archive: str, tmp_path: Path) -> None:
    trained = contrapose.train("simclr", data=archive, init=str(run), out=str(tmp_path / "again"), epochs=1, quiet=True)
    before, after = (contrapose.load(path).encoder for path in (run, trained.path))
    assert before.form == after.form
    other = [RANDOM.normal(size=(length, 2)) for length in (4, 5, 6)]
    with pytest.raises((ArgumentError, DataError), match="takes frames of 4 joints"):
        contrapose.train("simclr", data=other, init=str(run), out=str(tmp_path / "no"), modality="frames", quiet=True)


def test_an_estimator_takes_a_list_of_sequences() -> None:
    sequences = [RANDOM.normal(size=(length, 2)).astype(np.float32) for length in RANDOM.integers(1, 12, 20)]
    options = {"epochs": 1, "batch_size": 10, "device": "cpu", "random_state": 0, "encoder_options": {"widths": [8]}}
    features = ContrastiveEncoder("simclr", **options)
    z = features.fit_transform(sequences)
    assert z.shape == (20, features.encoder_.dimension)
    np.testing.assert_allclose(features.transform(sequences[:3]), z[:3], atol=1e-5)
    assert features.encoder_.frame_form.channels == 2
    with pytest.raises(ArgumentError, match="fitted on sequences and was given pictures"):
        features.transform(np.zeros((2, 8, 8)))
    with pytest.raises(DataError, match="1 sequences cannot be used, the first is row 1"):
        features.transform([sequences[0], np.zeros((3, 2)), sequences[1]])


def test_the_form_of_a_new_encoder(archive: str) -> None:
    frames = open_frames(archive)
    assert fitted_form(frames).centre == -1  # joints of an unknown skeleton: their mean
    assert fitted_form(frames, centre="none").centre is None
    plain = open_frames([RANDOM.normal(size=(length, 2)) for length in (4, 5)])
    assert fitted_form(plain).centre is None
    body = open_frames([RANDOM.normal(size=(6, 20, 3))] * 2, skeleton="msr-action3d")
    assert fitted_form(body).centre == 6
    assert fitted_form(body, stream="bone").parents == body.skeleton.parents
    for wrong in ({"centre": "hip"}, {"stream": "bone"}):
        with pytest.raises(ArgumentError, match="name the skeleton"):
            fitted_form(frames, **wrong)


def test_the_floor_is_coordinates_about_the_first_frame_and_plain_channels_are_standardised() -> None:
    joints = open_frames([RANDOM.normal(size=(length, 3, 2)) for length in (4, 9, 30)])
    moved = open_frames([np.asarray(joints.sequence(row)) + 5 for row in range(3)])
    features = KIND.floor(joints)
    assert features(joints).shape == (3, 32 * 6)
    np.testing.assert_allclose(features(moved), features(joints), atol=1e-5)
    plain = open_frames([RANDOM.normal(size=(length, 2)) * [1, 100] for length in (40, 50, 60)])
    rows = KIND.floor(plain)(plain).reshape(3, 32, 2)
    np.testing.assert_allclose(rows.std(axis=(0, 1)), 1, atol=0.01)


def test_a_sample_is_drawn(archive: str) -> None:
    frames = open_frames(archive)
    drawing = ElementTree.fromstring(KIND.drawing(frames, 5))  # of one frame
    assert drawing.attrib["viewBox"] == "0 0 240 80"
    title, *marks = drawing
    assert title.text.startswith("5: 1 frame")
    assert len(marks) == 4  # dots of a colour for each of 4 joints
    body = open_frames([RANDOM.normal(size=(12, 20, 3)), RANDOM.normal(size=(2, 20, 3))], skeleton="kinect")
    marks = list(ElementTree.fromstring(KIND.drawing(body, 0)))[1:]
    assert len(marks) == 5 * 6  # five figures of a head, two arms, two legs and what they hang on
    bones = sum(mark.attrib["d"].count("M") for mark in marks)
    assert bones == 5 * 19
    assert len(list(ElementTree.fromstring(KIND.drawing(body, 1)))) == 1 + 2 * 6
    plain = open_frames([RANDOM.normal(size=(12, 3)), RANDOM.normal(size=(7, 3))])
    assert len(list(ElementTree.fromstring(KIND.drawing(plain, 0)))) == 1 + 3  # curves


@pytest.mark.parametrize("stream", ["joint", "motion", "bone"])
def test_views_are_drawn_and_told_in_words(stream: str) -> None:
    body = open_frames([RANDOM.normal(size=(length, 20, 3)) for length in (12, 5)], skeleton="kinect")
    encoder = build_frames("gru", fitted_form(body, 6, stream), width=4)
    (view, _) = KIND.views(KIND.options().views, body, encoder)(body.batch([0, 1]))
    drawings = KIND.view_drawings(view, encoder)
    assert len(drawings) == 2
    marks = list(ElementTree.fromstring(drawings[0]))[1:]
    assert len(marks) == (6 if stream == "motion" else 30)  # of motion the curves
    assert KIND.shown_views(view, encoder)[0].startswith("6 frames, deviation ")
    made_up = KIND.made_up(encoder, 3, 0)
    assert encoder(made_up).shape == (3, encoder.dimension)


def test_what_may_be_wrong_is_found(tmp_path: Path) -> None:
    walk = [RANDOM.normal(size=(8, 2)).cumsum(axis=0) for _ in range(8)]
    walk[2][4] = 900.0
    frames = [*walk, walk[0], np.ones((3, 2)), np.ones((1, 2)), RANDOM.normal(size=(200, 2)).cumsum(axis=0)]
    report = data_check(frames, modality="frames", out=str(tmp_path / "x.png"), quiet=True)
    assert {problem.kind for problem in report.problems} == {"one frame", "still", "duplicates", "too few"}
    notes = " ".join(report.notes)
    assert "More than 10 times as long as most: 11 (200 frames)" in notes
    assert "jump by more than 50 times the usual step" in notes
    assert "2 (by" in notes
    assert report.views[0][0].startswith("32 frames")
    assert "1 to 200 frames (median 8) of 2 channels" in report.summary
    constant = [np.concatenate([one, np.ones((len(one), 1))], axis=1) for one in walk]
    assert "Never changes in any sequence: channel 2." in data_check(constant, modality="frames", quiet=True).notes


def test_slips_are_told_in_a_sentence(archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["--frames", "-1"], "--frames must be 0 or more"),
        (["--stream", "bone"], "name the skeleton (--skeleton)"),
        (["--encoder", "resnet18"], "resnet18"),
        (["--views.shear", "-1"], "--views.shear is -1.0"),
        (["--skeleton", "ntu"], "has 25 joints and these sequences have 4 joints"),
        (["--image-size", "32"], "--image-size is an option of pictures, and these data are sequences"),
    ):
        with pytest.raises((SystemExit, ArgumentError)) as stopped:
            main(["train", "simclr", "--data", archive, "--out", str(tmp_path / "no"), *words])
        assert told in str(stopped.value) + capsys.readouterr().err
    with pytest.raises(ArgumentError, match=r"Shards are of pictures, texts, and pairs of both, .* are sequences"):
        pack(archive, out=str(tmp_path / "packed"))


def test_own_views_of_whole_sequences(archive: str, tmp_path: Path) -> None:
    run = contrapose.train(
        "simclr", data=archive, views=lambda one: one[: len(one) // 2 + 1], epochs=1, batch_size=16, quiet=True,
        out=str(tmp_path / "own"), projection_hidden=16, encoder="gru", frames=4,
    )  # fmt: skip
    assert run.outcome.finished


def test_real_sequences_are_opened_for_training(shared_data: Callable[[str], Path]) -> None:
    frames = open_frames(shared_data("skeleton/msraction3d.npz"))
    odd = frames.targets["subject"] % 2 == 1
    known, asked = frames.subset(np.flatnonzero(odd)), frames.subset(np.flatnonzero(~odd))
    features = KIND.floor(known)
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (features(known), features(asked)))
    assert (known.labels[(b @ a.T).argmax(axis=1)] == asked.labels).mean() > 0.7


def test_a_file_of_a_folder_of_sequences_is_one_sequence(run: Path, archive: str, tmp_path: Path) -> None:
    sequence = open_frames(archive).sequence(3)
    np.save(tmp_path / "third.npy", sequence)
    embedder = contrapose.load(run)
    one = embedder.open(str(tmp_path / "third.npy"))
    assert (one.identifiers, one.origin) == (["third.npy"], str(tmp_path / "third.npy"))
    assert np.allclose(embedder.embed(one), embedder.embed([sequence]))
