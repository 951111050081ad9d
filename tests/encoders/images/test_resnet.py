from __future__ import annotations

import pytest
import torch
from encoder_cases import draw, make
from torch import nn

from contrapose.encoders import build
from contrapose.encoders.images.convolution import ResidualBlock
from contrapose.errors import ArgumentError

PUBLISHED = {"resnet18": 11_176_512, "resnet34": 21_284_672, "resnet50": 23_508_032}


@pytest.mark.parametrize("name", PUBLISHED)
def test_as_many_parameters_as_published(name: str) -> None:
    with torch.device("meta"):
        net = build(name, channels=3, image_size=224, mean=0.5, std=0.5).backbone
    assert sum(parameter.numel() for parameter in net.parameters()) == PUBLISHED[name]


def test_stems() -> None:
    small, large = make("resnet18", image_size=64), make("resnet18", image_size=65)
    x = draw(1, side=64)
    assert [m.shape[-1] for m in small.eval().feature_maps(x)] == [64, 32, 16, 8]
    assert [m.shape[-1] for m in large.eval().feature_maps(x)] == [16, 8, 4, 2]
    forced = make("resnet18", image_size=64, small_stem=False)
    assert forced.eval().feature_maps(x)[0].shape[-1] == 16
    assert forced.stage_dimensions == (64, 128, 256, 512)


def test_bottlenecks_are_four_times_as_wide() -> None:
    encoder = make("resnet50")
    assert encoder.stage_dimensions == (256, 512, 1024, 2048)
    assert encoder.dimension == 2048
    blocks = [module for module in encoder.modules() if isinstance(module, ResidualBlock)]
    assert len(blocks) == 16
    strided = [m for m in encoder.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert sorted(m.kernel_size for m in strided) == [(1, 1)] * 3 + [(3, 3)] * 3  # shortcuts, and 3 x 3 in bodies


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_blocks_can_start_as_shortcuts(name: str) -> None:
    encoder = make(name, zero_init_last=True)
    x = torch.rand(2, 512, 4, 4)
    identities = 0
    for block in (module for module in encoder.modules() if isinstance(module, ResidualBlock)):
        if isinstance(block.shortcut, nn.Identity):
            x = torch.rand(2, block.body[0][0].in_channels, 4, 4)
            assert torch.equal(block(x), x)
            identities += 1
    assert identities > 0
    torch.nn.init.ones_(block.body[-1][1].weight)
    assert not torch.equal(block(x), x)


def test_first_weights_keep_the_size_of_gradients() -> None:
    weight = make("resnet18").backbone.stages[3][0].body[0][0].weight
    assert weight.shape == (512, 256, 3, 3)
    assert abs(weight.std().item() / (2 / (512 * 9)) ** 0.5 - 1) < 0.01


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="small_stem='no' cannot be used"):
        make("resnet18", small_stem="no")
    with pytest.raises(ArgumentError, match="Did you mean 'small_stem'"):
        make("resnet18", smal_stem=True)
