"""Trained weights as a start: which are found, what they bring along, what fits another picture size."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from contrapose.embedder import Embedder
from contrapose.encoders import build, fingerprint_of, save_encoder, starting_point
from contrapose.errors import ArgumentError, RunError

STATISTICS = {"mean": [0.2, 0.3, 0.4], "std": 0.3}


def test_a_folder_brings_its_architecture_and_normalisation(tmp_path: Path) -> None:
    trained = build("small_conv", channels=3, image_size=16, seed=3, widths=[8, 16], embedding=12, **STATISTICS)
    save_encoder(trained, tmp_path)
    for init in (str(tmp_path), tmp_path, trained, Embedder(trained)):
        start = starting_point(init)
        assert (start.name, start.channels, start.image_size) == ("small_conv", 3, 16)
        encoder = start.encoder(16)
        assert fingerprint_of(encoder) == fingerprint_of(trained)
        assert encoder.dimension == 12
        assert encoder.training
        assert all(p.requires_grad for p in encoder.parameters())
    with torch.no_grad():
        next(start.encoder(16).parameters()).add_(1)
    assert fingerprint_of(start.encoder(16)) == fingerprint_of(trained)  # copies: what was given is not trained


def test_half_precision_is_trained_in_single(tmp_path: Path) -> None:
    save_encoder(build("mlp", channels=3, image_size=4, seed=0).to(torch.bfloat16), tmp_path)
    assert {p.dtype for p in starting_point(tmp_path).encoder(4).parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["small_conv", "resnet18", "vit_tiny"])
def test_the_same_weights_serve_another_size(name: str, tmp_path: Path) -> None:
    """Where defaults depend on the size (a stem, a grid, patches), those of the trained one are kept."""
    trained = build(name, channels=3, image_size=32, seed=3, **STATISTICS).eval()
    start = starting_point(trained, image_size=96)
    assert start.image_size == 96
    other = start.encoder(96)
    save_encoder(other, tmp_path)
    again = starting_point(tmp_path).encoder(96).eval()  # it can be rebuilt from its folder
    x = torch.rand(2, 3, 96, 96)
    torch.testing.assert_close(again(x), other.eval()(x))
    shared = {k for k, v in other.state_dict().items() if v.shape == trained.state_dict()[k].shape}
    assert other.state_dict().keys() - shared == ({"backbone.positions"} if name == "vit_tiny" else set())
    assert all(torch.equal(other.state_dict()[k], trained.state_dict()[k]) for k in shared)
    if name == "resnet18":  # no parameter knows the size
        torch.testing.assert_close(other(x), trained(x))


def test_positions_are_resampled_where_they_are() -> None:
    """A position that grows with its row and column still does on a finer grid; the class token's stays."""
    trained = build("vit_tiny", channels=1, image_size=16, seed=0)
    with torch.no_grad():
        rows = torch.arange(4.0).repeat_interleave(4)[:, None].expand(16, 192)  # (16, D)
        trained.backbone.positions.copy_(torch.cat([torch.full((1, 192), 7.0), rows])[None])
    positions = starting_point(trained).encoder(32).backbone.positions[0, :, 0]  # (1 + 64,)
    assert positions[0] == 7
    grid = positions[1:].view(8, 8)
    torch.testing.assert_close(grid, grid[:, :1].expand(8, 8))  # constant along rows
    torch.testing.assert_close(grid[2:6, 0], torch.tensor([0.75, 1.25, 1.75, 2.25]), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("encoder", "size"),
    [("mlp", 8), ("vit_tiny", 18), ("small_conv", 3)],
)
def test_a_size_that_cannot_be_is_refused(encoder: str, size: int) -> None:
    start = starting_point(build(encoder, channels=1, image_size=16, seed=0), image_size=size)
    with pytest.raises(ArgumentError, match=rf"trained on pictures of 16 pixels.* for {size} .*--image-size 16"):
        start.encoder(size)


def test_what_is_no_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="resnet18 is the name of an encoder, not of trained weights"):
        starting_point("resnet18")
    with pytest.raises(RunError, match="nowhere holds no encoder"):
        starting_point("nowhere")
    with pytest.raises(RunError, match=r"encoder\.json is missing"):
        starting_point(tmp_path)
    with pytest.raises(ArgumentError, match="A Linear is no start for training"):
        starting_point(nn.Linear(2, 2))


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A stand-in for timm with two models; returns what was built."""
    asked: list[dict[str, Any]] = []
    module: Any = ModuleType("timm")

    def create_model(name: str, *, pretrained: bool, num_classes: int, in_chans: int, **more: Any) -> nn.Module:
        asked.append({"pretrained": pretrained, "in_chans": in_chans, **more})
        if name == "lost":
            raise OSError("We couldn't connect to the hub")
        return nn.Sequential(nn.Conv2d(in_chans, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    module.is_model = lambda name: True
    module.list_models = list
    module.create_model = create_model
    module.get_pretrained_cfg = lambda name: SimpleNamespace(
        fixed_input_size=name == "tokens", input_size=(3, 224, 224), mean=(0.1, 0.2, 0.3), std=(0.4, 0.4, 0.4)
    )
    monkeypatch.setitem(sys.modules, "timm", module)
    return asked


def test_published_weights_come_with_their_normalisation(timm: list[dict[str, Any]]) -> None:
    start = starting_point("timm:convnet")
    assert (start.name, start.channels, start.image_size) == ("timm:convnet", 3, None)
    encoder = start.encoder(24)
    assert timm == [{"pretrained": True, "in_chans": 3}]
    assert encoder.mean.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert starting_point("timm:tokens").image_size == 224  # tied to its size: pictures are brought to it
    assert starting_point("timm:tokens", image_size=32).image_size == 32
    with pytest.raises(ArgumentError, match="published weights of timm:lost cannot be fetched"):
        starting_point("timm:lost").encoder(24)
