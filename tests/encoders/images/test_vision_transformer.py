from __future__ import annotations

import math

import pytest
import torch
from encoder_cases import draw, make

from contrapose.encoders import build
from contrapose.encoders.attention import Attention
from contrapose.errors import ArgumentError


def closed_form(D: int, image: int, patch: int, channels: int, token: bool) -> int:
    tokens = (image // patch) ** 2 + token
    return 12 * (12 * D * D + 13 * D) + (channels * patch**2 + 1) * D + tokens * D + 2 * D + token * D


@pytest.mark.parametrize(
    ("name", "D", "image_size", "published"),
    [("vit_tiny", 192, 224, 5_524_416), ("vit_small", 384, 224, 21_665_664), ("vit_tiny", 192, 32, None)],
)
def test_as_many_parameters_as_published(name: str, D: int, image_size: int, published: int | None) -> None:
    with torch.device("meta"):
        token = build(name, channels=3, image_size=image_size).backbone
        mean = build(name, channels=1, image_size=image_size, pooling="mean").backbone
    patch = 16 if image_size > 64 else 4
    number = sum(parameter.numel() for parameter in token.parameters())
    assert number == closed_form(D, image_size, patch, 3, True)
    assert published is None or number == published
    assert sum(p.numel() for p in mean.parameters()) == closed_form(D, image_size, patch, 1, False)


def test_the_micro_one_is_what_it_says() -> None:
    micro = build("vit_micro", channels=1, image_size=16)
    assert sum(parameter.numel() for parameter in micro.parameters()) == 26_528
    assert (micro.dimension, micro.backbone.token) == (32, None)
    mini = build("vit_mini", channels=1, image_size=16)
    assert sum(parameter.numel() for parameter in mini.parameters()) == 202_304
    assert mini.backbone.token is not None


def test_attention_is_a_softmax_over_tokens_for_each_head() -> None:
    torch.manual_seed(0)
    attention, x = Attention(6, 2), torch.randn(3, 5, 6)
    weight, bias = attention.project_in.weight, attention.project_in.bias
    q, k, v = (x @ weight.T + bias).split(6, dim=-1)
    heads = []
    for head in (slice(0, 3), slice(3, 6)):
        scores = q[..., head] @ k[..., head].mT / math.sqrt(3)
        heads.append(scores.softmax(-1) @ v[..., head])
    torch.testing.assert_close(attention(x), attention.project_out(torch.cat(heads, -1)), rtol=1e-4, atol=1e-5)


def test_without_positions_the_mean_forgets_where_patches_are() -> None:
    encoder, x = make("vit_tiny", pooling="mean").eval(), draw(2)
    moved = x.roll(8, dims=-1)  # one patch further
    with torch.no_grad():
        assert not torch.allclose(encoder(x), encoder(moved), atol=1e-4)
        encoder.backbone.positions.zero_()
        torch.testing.assert_close(encoder(x), encoder(moved), rtol=1e-4, atol=1e-5)


def test_poolings_differ() -> None:
    with torch.no_grad():
        token, mean = make("vit_tiny").eval(), make("vit_tiny", pooling="mean").eval()
        assert token.backbone.token is not None
        assert mean.backbone.token is None
        assert not torch.allclose(token(draw(2)), mean(draw(2)))


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"give a patch_size out of \[5, 7, 35\]"):
        build("vit_tiny", channels=1, image_size=35)
    with pytest.raises(ArgumentError, match="choose one of token, mean"):
        make("vit_tiny", pooling="max")
    with pytest.raises(ArgumentError, match="24 x 24 pictures and was given 24 x 32"):
        make("vit_tiny")(torch.rand(1, 3, 24, 32))
