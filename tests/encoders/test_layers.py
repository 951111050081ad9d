"""What layers give on the way: it is what they compute, and looking changes nothing and leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from encoder_cases import draw, make

from contrapose.encoders import read_layers
from contrapose.encoders.in_chunks import chunks_of
from contrapose.errors import ArgumentError

BOTH = pytest.mark.parametrize("name", ["vit_micro", "small_conv", "resnet18"])


def hooks_in(encoder: torch.nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in encoder.modules())


@BOTH
def test_looking_changes_nothing_and_leaves_nothing(name: str) -> None:
    encoder: Any = make(name).eval()
    x, names = draw(3), list(encoder.layers)
    before = encoder(x)
    found = read_layers(encoder, x, names)
    assert torch.equal(found.embedding, before)
    assert list(found.layers) == names
    assert torch.equal(encoder(x), before)
    assert hooks_in(encoder) == 0
    assert encoder.device.type == "cpu"


def test_nothing_is_left_where_the_pass_fails() -> None:
    encoder: Any = make("vit_micro").eval()
    with pytest.raises(ArgumentError, match="built for"):
        read_layers(encoder, draw(2, side=16), ["blocks.0"])
    assert hooks_in(encoder) == 0


def test_maps_are_those_of_the_stages() -> None:
    encoder: Any = make("small_conv").eval()
    x = draw(3)
    maps = encoder.feature_maps(x)
    assert list(encoder.layers) == [f"stages.{number}" for number in range(len(maps))]
    found = read_layers(encoder, x, encoder.layers).layers
    for number, expected in enumerate(maps):
        assert torch.equal(found[f"stages.{number}"], expected)


@pytest.mark.parametrize("pooling", ["mean", "token"])
def test_attention_is_that_of_the_block(pooling: str) -> None:
    encoder: Any = make("vit_micro", pooling=pooling).eval()
    x = draw(2)
    tokens = 9 + (pooling == "token")
    names = ["blocks.0", "blocks.1.query", "blocks.1.key", "blocks.1.value", "blocks.1.attention", "blocks.1"]
    found = read_layers(encoder, x, names).layers
    block = encoder.backbone.blocks[1]
    looks = found["blocks.1.attention"]
    assert looks.shape == (2, 4, tokens, tokens)
    torch.testing.assert_close(looks.sum(dim=-1), torch.ones(2, 4, tokens))
    values = found["blocks.1.value"].unflatten(2, (4, 8)).transpose(1, 2)  # (B, h, T, D/h)
    mixed = (looks @ values).transpose(1, 2).flatten(2)  # (B, T, D)
    expected = block.attention(block.norm_attention(found["blocks.0"]))
    torch.testing.assert_close(block.attention.project_out(mixed), expected)
    torch.testing.assert_close(block(found["blocks.0"]), found["blocks.1"])
    q, k = (found[f"blocks.1.{facet}"].unflatten(2, (4, 8)).transpose(1, 2) for facet in ("query", "key"))
    torch.testing.assert_close((q @ k.mT / 8**0.5).softmax(-1), looks)
    torch.testing.assert_close(encoder.pool(encoder.backbone.norm(found["blocks.1"])), encoder(x))


def test_gradients_pass_to_what_was_given() -> None:
    encoder: Any = make("vit_micro").eval().requires_grad_(False)
    x = draw(2).float().div(255).requires_grad_()
    read_layers(encoder, x, ["blocks.0.key"]).layers["blocks.0.key"].square().sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().max()) > 0


def test_the_whole_batch_is_read_where_others_read_in_chunks() -> None:
    encoder: Any = make("vit_micro").eval()
    with chunks_of(2):
        assert len(read_layers(encoder, draw(5), ["blocks.1"]).layers["blocks.1"]) == 5


def test_an_unknown_layer_is_told_what_there_is() -> None:
    encoder: Any = make("vit_micro")
    told = r"vit_micro has no layer 'blocks.2': they go from blocks.0.query to blocks.1.*Did you mean"
    with pytest.raises(ArgumentError, match=told):
        read_layers(encoder, draw(2), ["blocks.2"])
