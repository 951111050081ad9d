"""The wiring to timm with a stand-in, and timm itself where it is at hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from encoder_cases import draw, library
from torch import nn

from contrapose.encoders import build, load_encoder, save_encoder, untrained_like
from contrapose.errors import ArgumentError, RunError


class StandInForTimm(ModuleType):
    """The four functions of timm that the adapter calls; remembers what `create_model` was asked for."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.asked: list[dict[str, Any]] = []

    def is_model(self, name: str) -> bool:
        return name in self.list_models()

    def list_models(self) -> list[str]:
        return ["convnet", "tokennet"]

    def get_pretrained_cfg(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(fixed_input_size=name == "tokennet", mean=(0.1, 0.2, 0.3), std=(0.4, 0.4, 0.4))

    def create_model(self, name: str, *, pretrained: bool, num_classes: int, in_chans: int, **more: Any) -> nn.Module:
        assert num_classes == 0
        self.asked.append({"name": name, "pretrained": pretrained, **more})
        if name == "tokennet":
            return nn.Sequential(nn.Flatten(), nn.Linear(in_chans * more["img_size"] ** 2, 5))
        if more:
            raise TypeError(f"unexpected keyword {next(iter(more))!r}")
        return nn.Sequential(nn.Conv2d(in_chans, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> StandInForTimm:
    stand_in = StandInForTimm()
    monkeypatch.setitem(sys.modules, "timm", stand_in)
    return stand_in


def test_timm_models_become_encoders(timm: StandInForTimm, tmp_path: Path) -> None:
    encoder = build("timm:convnet", channels=2, image_size=16, seed=0)
    assert encoder.dimension == 4
    assert encoder.training
    assert encoder.backbone.model[1].num_batches_tracked == 0
    assert encoder.eval()(draw(3, 2, 20)).shape == (3, 4)
    assert timm.asked == [{"name": "convnet", "pretrained": False}]
    save_encoder(encoder, tmp_path)
    x = draw(2, 2, 16)
    assert torch.equal(load_encoder(tmp_path)(x), encoder(x))
    with pytest.raises(ArgumentError, match="has no feature maps"):
        encoder.feature_maps(x)


def test_timm_models_of_one_size_are_built_for_it(timm: StandInForTimm) -> None:
    assert build("timm:tokennet", channels=1, image_size=6).dimension == 5
    assert timm.asked[0]["img_size"] == 6


def test_timm_weights_come_with_statistics_and_are_not_fetched_again(timm: StandInForTimm, tmp_path: Path) -> None:
    encoder = build("timm:convnet", channels=3, image_size=16, pretrained=True)
    torch.testing.assert_close(encoder.mean, torch.tensor([0.1, 0.2, 0.3]))
    assert encoder.arguments == {"pretrained": True}
    save_encoder(encoder, tmp_path)
    loaded = load_encoder(tmp_path)
    untrained = untrained_like(loaded, 1)
    assert [call["pretrained"] for call in timm.asked] == [True, False, False]
    torch.testing.assert_close(untrained.mean, encoder.mean)
    assert build("timm:convnet", channels=3, image_size=16).mean.tolist() == [0.5] * 3


def test_timm_names_and_arguments(timm: StandInForTimm) -> None:
    with pytest.raises(ArgumentError, match=r"timm has no model 'convnett'\. Did you mean one of convnet"):
        build("timm:convnett", channels=3, image_size=16)
    with pytest.raises(ArgumentError, match="timm has no model 'hf-hub:a/b'"):
        build("timm:hf-hub:a/b", channels=3, image_size=16)
    with pytest.raises(
        ArgumentError, match="'timm:convnet' cannot be made for 3 x 16 x 16 pictures: unexpected keyword 'x'"
    ):
        build("timm:convnet", channels=3, image_size=16, x=1)
    for key in ("num_classes", "checkpoint_path", "pretrained_cfg"):
        with pytest.raises(ArgumentError, match=f"does not take '{key}'"):
            build("timm:convnet", channels=3, image_size=16, **{key: "x"})
    with pytest.raises(ArgumentError, match="pretrained='yes'"):
        build("timm:convnet", channels=3, image_size=16, pretrained="yes")


def test_a_folder_cannot_make_timm_read_a_file(timm: StandInForTimm, tmp_path: Path) -> None:
    save_encoder(build("timm:convnet", channels=3, image_size=16), tmp_path)
    description = json.loads((tmp_path / "encoder.json").read_text())
    description["arguments"] = {"checkpoint_path": "weights.pth"}
    (tmp_path / "encoder.json").write_text(json.dumps(description))
    with pytest.raises(RunError, match="does not take 'checkpoint_path'"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_the_real_timm(name: str, tmp_path: Path) -> None:
    timm = library("timm", "vision")
    encoder = build(f"timm:{name}", channels=3, image_size=32, seed=0).eval()
    x = draw(2, 3, 32)
    assert encoder.dimension == timm.create_model(name, num_classes=0).num_features
    save_encoder(encoder, tmp_path)
    assert torch.equal(load_encoder(tmp_path)(x), encoder(x))
    with pytest.raises(ArgumentError, match="Did you mean one of"):
        build(f"timm:{name}x", channels=3, image_size=32)
