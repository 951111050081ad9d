"""The wiring to transformers with a stand-in, and transformers itself where it is at hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from encoder_cases import draw, library
from torch import Tensor, nn

from contrapose.encoders import build, load_encoder, save_encoder, untrained_like
from contrapose.errors import ArgumentError, MissingExtraError


class Config:
    """A configuration as transformers has them: attributes, and JSON of them."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def to_json_string(self, use_diff: bool = True) -> str:
        assert not use_diff
        return json.dumps(self.__dict__)


class TokenModel(nn.Module):
    """Two tokens of `hidden` dimensions, and a pooled output where the configuration has one."""

    main_input_name = "pixel_values"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        if config.model_type == "text":
            self.main_input_name = "input_ids"
        self.line = nn.Linear(config.num_channels * config.image_size**2, 2 * config.hidden)

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        tokens = self.line(pixel_values.flatten(1)).view(len(pixel_values), 2, -1)  # (B, 2, D)
        if self.config.pooled:
            return SimpleNamespace(last_hidden_state=tokens, pooler_output=tokens[:, 0, :, None, None])
        return SimpleNamespace(last_hidden_state=tokens.mT[..., None] if self.config.maps else tokens)


@pytest.fixture
def transformers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for transformers that knows "somebody/tokens"; returns what was read from the hub."""
    fetched: list[str] = []
    published = {
        "model_type": "tokens",
        "num_channels": 3,
        "image_size": 4,
        "hidden": 6,
        "pooled": False,
        "maps": False,
    }
    published |= {
        "auto_map": {"AutoModel": "code.py"},
        "_attn_implementation": "hub/kernel",
        "id2label": {"0": "cat"},
    }

    class AutoConfig:
        @staticmethod
        def from_pretrained(name: str, *, trust_remote_code: bool) -> Config:
            assert not trust_remote_code
            if name != "somebody/tokens":
                raise OSError(f"{name} is nowhere\nin particular")
            fetched.append("config")
            return Config(**published)

        @staticmethod
        def for_model(model_type: str, **values: Any) -> Config:
            assert not {"auto_map", "_attn_implementation", "id2label"} & values.keys()
            return Config(model_type=model_type, **values)

    class AutoModel:
        @staticmethod
        def from_config(config: Config, *, trust_remote_code: bool) -> TokenModel:
            assert not trust_remote_code
            return TokenModel(config).bfloat16()

        @staticmethod
        def from_pretrained(name: str, *, config: Config, trust_remote_code: bool) -> TokenModel:
            assert not trust_remote_code
            fetched.append("weights")
            return TokenModel(config)

    class ImageProcessingMixin:
        @staticmethod
        def get_image_processor_dict(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
            return {"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}, {}

    stand_in = ModuleType("transformers")
    stand_in.__dict__.update(AutoConfig=AutoConfig, AutoModel=AutoModel, ImageProcessingMixin=ImageProcessingMixin)
    monkeypatch.setitem(sys.modules, "transformers", stand_in)
    return fetched


def test_hf_models_become_encoders_that_need_no_hub(transformers: list[str], tmp_path: Path) -> None:
    encoder = build("hf:somebody/tokens", channels=2, image_size=5, seed=0)
    x = draw(3, 2, 5)
    assert encoder.dimension == 6
    assert encoder(x).dtype == torch.float32
    tokens = encoder.backbone.model(encoder.normalize(x)).last_hidden_state
    torch.testing.assert_close(encoder(x), tokens.mean(1))
    assert transformers == ["config"]
    save_encoder(encoder, tmp_path)
    assert torch.equal(load_encoder(tmp_path)(x), encoder.eval()(x))
    assert untrained_like(tmp_path, 1)(x).shape == (3, 6)
    assert transformers == ["config"]
    kept = json.loads((tmp_path / "encoder.json").read_text())["arguments"]["config"]
    assert kept["image_size"] == 5
    assert not {"auto_map", "_attn_implementation", "id2label"} & kept.keys()


@pytest.mark.parametrize(
    ("changes", "pooling", "expected"),
    [
        ({"pooled": True}, "auto", "first"),
        ({"pooled": True}, "pooled", "first"),
        ({"pooled": True}, "mean", "mean"),
        ({"maps": True}, "auto", "mean"),
    ],
)
def test_hf_pooling(transformers: list[str], changes: dict[str, bool], pooling: str, expected: str) -> None:
    config = {
        "model_type": "tokens",
        "num_channels": 1,
        "image_size": 4,
        "hidden": 3,
        "pooled": False,
        "maps": False,
    }
    encoder = build("hf:x", channels=1, image_size=4, config={**config, **changes}, pooling=pooling)
    x = draw(2, 1, 4)
    tokens = encoder.backbone.model.line(encoder.normalize(x).flatten(1)).view(2, 2, 3)
    torch.testing.assert_close(encoder(x), tokens[:, 0] if expected == "first" else tokens.mean(1))


def test_hf_weights_come_with_statistics_and_are_not_fetched_again(transformers: list[str], tmp_path: Path) -> None:
    encoder = build("hf:somebody/tokens", channels=3, image_size=4, pretrained=True).eval()
    torch.testing.assert_close(encoder.mean, torch.tensor([0.1, 0.2, 0.3]))
    save_encoder(encoder, tmp_path)
    x = draw(2, 3, 4)
    assert torch.equal(load_encoder(tmp_path)(x), encoder(x))
    assert transformers == ["config", "weights"]
    with pytest.raises(ArgumentError, match="cannot be made for 1 x 4 x 4 pictures"):
        build("hf:somebody/tokens", channels=1, image_size=4, pretrained=True)


def test_hf_names_and_arguments(transformers: list[str]) -> None:
    with pytest.raises(ArgumentError, match=r"'hf:nobody/x' cannot be made .*: nobody/x is nowhere\. Check"):
        build("hf:nobody/x", channels=3, image_size=4)
    text = {
        "model_type": "text",
        "num_channels": 1,
        "image_size": 4,
        "hidden": 3,
        "pooled": False,
        "maps": False,
    }
    with pytest.raises(ArgumentError, match="hf:x is not an image model: its input is 'input_ids'"):
        build("hf:x", channels=1, image_size=4, config=text)
    with pytest.raises(ArgumentError, match="give pooling='mean'"):
        build("hf:somebody/tokens", channels=3, image_size=4, pooling="pooled")
    with pytest.raises(ArgumentError, match=r"'hf:x' has no argument 'poling'\. Did you mean 'pooling'"):
        build("hf:x", channels=1, image_size=4, poling="mean")


@pytest.mark.parametrize(("name", "extra"), [("timm:resnet18", "vision"), ("hf:a/b", "text")])
def test_absent_libraries_name_their_extra(name: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("timm", "transformers"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=extra):
        build(name, channels=3, image_size=32)


@pytest.mark.parametrize("kind", ["ViT", "ResNet"])
def test_the_real_transformers(kind: str, tmp_path: Path) -> None:
    transformers = library("transformers", "text")
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "patch_size": 8,
    }
    if kind == "ResNet":
        sizes = {"embedding_size": 8, "hidden_sizes": [8, 32], "depths": [1, 1], "layer_type": "basic"}
    getattr(transformers, f"{kind}Config")(**sizes).save_pretrained(tmp_path / "model")
    encoder = build(f"hf:{tmp_path / 'model'}", channels=1, image_size=32, seed=0).eval()
    x = draw(2, 1, 32)
    assert encoder(x).shape == (2, 32)
    save_encoder(encoder, tmp_path / "encoder")
    (tmp_path / "model").rename(tmp_path / "gone")
    assert torch.equal(load_encoder(tmp_path / "encoder")(x), encoder(x))
