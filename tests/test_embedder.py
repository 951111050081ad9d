"""Loading an encoder and embedding what a person hands it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import contrapose
from contrapose.embedder import Embedder, pick_device
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, DataError, RunError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    encoder = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(encoder.eval(), tmp_path / "encoder", extra={})
    return tmp_path / "encoder"


def test_all_forms_of_the_same_pictures_embed_alike(folder: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    encoder = contrapose.load(folder)
    some = pictures[:5]
    for number, picture in enumerate(some):
        Image.fromarray(picture.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    expected = encoder.embed(some)
    assert expected.shape == (5, 8)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(encoder.embed(torch.from_numpy(some)), expected)
    np.testing.assert_array_equal(encoder.embed(paths), expected)
    np.testing.assert_array_equal(encoder.embed([Image.open(path) for path in paths]), expected)
    np.testing.assert_allclose(encoder.embed(some, batch_size=2), expected, rtol=1e-5, atol=1e-6)


def test_as_many_rows_as_pictures_or_it_is_said(folder: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    encoder = contrapose.load(folder)
    (tmp_path / "some").mkdir()
    paths = [tmp_path / "some" / f"{number}.png" for number in range(3)]
    for path, picture in zip(paths, pictures, strict=False):
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    paths[1].write_bytes(paths[1].read_bytes()[:50])
    with pytest.raises(DataError, match=r"1 of 3 pictures cannot be read.*: 1\.png \(.*Take them out"):
        encoder.embed(paths)
    with pytest.warns(UserWarning, match=r"1 of 3 pictures of folder .*some cannot be read and have no row: 1\.png"):
        assert len(encoder.embed(tmp_path / "some")) == 2
    opened = encoder.open(paths, cache=False)  # whoever opens it knows which
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(encoder.embed(opened)) == 2


def test_a_shuffled_series_keeps_its_rows(folder: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    encoder = contrapose.load(folder)
    order = [2, 0, 1]
    for number in range(3):
        Image.fromarray(pictures[number].transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    series = pandas.Series([str(tmp_path / f"{number}.png") for number in order], index=order)
    np.testing.assert_array_equal(encoder.embed(series), encoder.embed(pictures[order]))


def test_embedding_leaves_the_mode_as_it_was(folder: Path, pictures: np.ndarray) -> None:
    encoder = contrapose.load(folder).train()
    first = encoder.embed(pictures)
    assert encoder.training
    np.testing.assert_array_equal(encoder.embed(pictures), first)  # batch statistics were neither used nor moved


def test_gradients_flow_for_fine_tuning(folder: Path) -> None:
    encoder = contrapose.load(folder).train()
    assert isinstance(encoder, Embedder)
    encoder(torch.rand(4, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_a_folder_without_an_encoder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no encoder"):
        contrapose.load(tmp_path / "nowhere")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(RunError, match="did the run stop before its first checkpoint"):
        contrapose.load(tmp_path / "run")


def test_devices() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ArgumentError, match=r"'gpu' here .* Take auto or cpu"):
        pick_device("gpu")


def test_a_loaded_encoder_stays_in_evaluation_mode_after_it_has_embedded(tmp_path: Path) -> None:
    save_encoder(build("small_conv", channels=3, image_size=16, seed=0), tmp_path)
    loaded = contrapose.load(tmp_path)
    x = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    before = loaded(x)
    loaded.embed(x.numpy())
    assert not loaded.training
    assert not loaded.encoder.training
    torch.testing.assert_close(loaded(x), before)
