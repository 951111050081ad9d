"""The common checks: every registered encoder goes through all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from encoder_cases import ARGUMENTS, CONVOLUTIONAL, NAMES, SIDE, draw, make

from contrapose.encoders import ConvolutionalBackbone, build, load_encoder, save_encoder
from contrapose.errors import ArgumentError


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "image_size"), [(1, 16), (3, 24), (5, 40)])
def test_shapes(name: str, channels: int, image_size: int) -> None:
    encoder = make(name, channels=channels, image_size=image_size).eval()
    with torch.no_grad():
        z = encoder(draw(2, channels, image_size))
    assert z.shape == (2, encoder.dimension)
    assert z.dtype == torch.float32
    assert z.isfinite().all()
    assert (encoder.channels, encoder.image_size, encoder.name) == (channels, image_size, name)
    assert encoder.arguments == ARGUMENTS.get(name, {})


@pytest.mark.parametrize("name", NAMES)
def test_gradient_reaches_every_parameter_and_the_pixels(name: str) -> None:
    encoder = make(name).train()
    x = (draw(4) / 255).requires_grad_()
    # A product with fixed random numbers: squared sums are constant behind a normalisation.
    weights = torch.randn(4, encoder.dimension, generator=torch.Generator().manual_seed(1))
    (encoder(x) * weights).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_eval_is_deterministic_and_samples_are_independent(name: str) -> None:
    encoder = make(name).eval()
    x = draw(4)
    with torch.no_grad():
        z = encoder(x)
        assert torch.equal(z, encoder(x))
        torch.testing.assert_close(encoder(x[1:2]), z[1:2], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(encoder(x.flip(0)), z.flip(0), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(z[0], z[1])


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    encoder = make(name, seed=3).train()
    encoder.mean.copy_(torch.tensor([0.2, 0.4, 0.6]))
    with torch.no_grad():
        encoder(draw(4))  # batch normalisation has running statistics of its own now
        save_encoder(encoder, tmp_path)
        before = torch.get_rng_state()
        loaded = load_encoder(tmp_path)
        assert torch.equal(before, torch.get_rng_state())
        x = draw(3, seed=1)
        assert not loaded.training
        assert torch.equal(loaded(x), encoder.eval()(x))
    assert (loaded.name, loaded.arguments) == (encoder.name, encoder.arguments)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_weights_and_the_global_state_stays(name: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    arguments = {"channels": 3, "image_size": SIDE, **ARGUMENTS.get(name, {})}
    first, other = (build(name, seed=seed, **arguments).state_dict() for seed in (0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    torch.manual_seed(0)  # without a seed, the weights are drawn from the global state
    unseeded = build(name, **arguments).state_dict()
    assert all(torch.equal(first[key], unseeded[key]) for key in first)
    assert not torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_and_floats_agree(name: str) -> None:
    encoder = make(name).eval()
    x = draw(2)
    with torch.no_grad():
        assert torch.equal(encoder(x), encoder(x.float() / 255))


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_bfloat16_by_autocast(name: str) -> None:
    encoder, x = make(name), draw(4)
    with torch.no_grad():
        exact = encoder.eval()(x)  # eval: statistics of four pictures would amplify the rounding
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder(x)
        trained = encoder.train()(x)
    assert torch.cosine_similarity(rounded.float(), exact).min() > 0.999
    trained.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_gives_the_same_embeddings(name: str) -> None:
    encoder, x = make(name).eval(), draw(2)
    with torch.no_grad():
        expected = encoder(x)
        encoder.to(memory_format=torch.channels_last)
        z = encoder(x.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(z, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_double_precision(name: str) -> None:
    encoder, x = make(name).eval(), draw(2)
    with torch.no_grad():
        expected = encoder(x)
        z = encoder.double()(x)
    assert z.dtype == torch.float64
    torch.testing.assert_close(z.float(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_nothing_but_tensors(name: str) -> None:
    state = make(name).state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert {"mean", "std"} <= state.keys()


@pytest.mark.parametrize("name", NAMES)
def test_wrong_channels_and_unknown_arguments_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"\(B, 3, H, W\) and was given \(2, 1, 24, 24\)"):
        make(name)(draw(2, 1))
    with pytest.raises(ArgumentError, match=f"'{name}' has no argument 'colour'"):
        make(name, colour="red")


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_embedding_is_the_last_map_pooled(name: str) -> None:
    encoder, x = make(name).eval(), draw(2)
    assert isinstance(encoder.backbone, ConvolutionalBackbone)
    with torch.no_grad():
        maps = encoder.feature_maps(x)
        assert torch.equal(encoder.pool(maps[-1]), encoder(x))
    assert tuple(map_.shape[1] for map_ in maps) == encoder.stage_dimensions
    sides = [map_.shape[-1] for map_ in maps]
    assert sides == sorted(sides, reverse=True)
    assert (maps[-1] >= 0).all()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutional_ones_take_other_sizes(name: str) -> None:
    encoder = make(name).eval()
    with torch.no_grad():
        assert encoder(draw(2, side=45)).shape == (2, encoder.dimension)
        assert encoder(draw(2, side=45)[..., :30, :]).shape == (2, encoder.dimension)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(CONVOLUTIONAL)))
def test_others_say_that_they_do_not(name: str) -> None:
    encoder = make(name)
    with pytest.raises(ArgumentError, match="has no feature maps"):
        encoder.feature_maps(draw(2))
    with pytest.raises(ArgumentError, match="has no feature maps"):
        _ = encoder.stage_dimensions
    with pytest.raises(ArgumentError, match="was built for"):
        encoder(draw(2, side=40))
