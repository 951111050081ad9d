"""Masked auto-encoding: how much is hidden, what the encoder sees, and what is left for people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gradient_parity import assert_two_are_one, shared_gradients
from torch import Tensor, nn

from contrapose.data import Batch, Images
from contrapose.encoders import build
from contrapose.encoders.images.patch_decoder import PatchDecoder
from contrapose.errors import ArgumentError
from contrapose.learners import MaskedPictures, hide_patches
from contrapose.objectives import masked_patches


def made(pooling: str = "mean", **options: Any) -> MaskedPictures:
    torch.manual_seed(0)
    encoder: Any = build("vit_micro", channels=3, image_size=16, seed=0, pooling=pooling)
    decoder = PatchDecoder(
        encoder.dimension, encoder.grid, 48, first_tokens=encoder.first_tokens, width=8, blocks=1, heads=2
    )
    return MaskedPictures(encoder, decoder, masked_patches, draws=torch.Generator().manual_seed(1), **options).train()


def views(count: int = 1, size: int = 6) -> tuple[Tensor, ...]:
    return tuple(torch.rand(count, size, 3, 16, 16, generator=torch.Generator().manual_seed(0)))


def batch(count: int = 1) -> Batch:
    return Batch(views=views(count), indices=torch.arange(6))


@pytest.mark.parametrize(("patches", "share", "seen"), [(16, 0.75, 4), (49, 0.75, 12), (10, 0.3, 7), (4, 0.75, 1)])
def test_so_many_are_hidden_of_each_picture(patches: int, share: float, seen: int) -> None:
    kept, hidden = hide_patches(50, patches, share, generator=torch.Generator().manual_seed(0))
    assert kept.shape == (50, seen)
    assert torch.equal(hidden.sum(dim=1), torch.full((50,), patches - seen))
    assert torch.equal(kept, kept.sort(dim=1).values)
    assert not hidden.gather(1, kept).any()
    assert (hidden.float().mean(dim=0) < 1).all()  # no patch is hidden always
    again, _ = hide_patches(50, patches, share, generator=torch.Generator().manual_seed(0))
    assert torch.equal(kept, again)


@pytest.mark.parametrize("pooling", ["mean", "token"])
def test_what_is_hidden_is_not_looked_at(pooling: str) -> None:
    learner, (view,) = made(pooling), views()
    kept = torch.tensor([[0, 5, 10, 15]]).expand(6, -1)
    tokens, _ = learner.guess(view, kept)
    other = view.clone()
    other[:, :, 4:8, :4] = 0.0  # patch 4 of a grid of 4 x 4
    assert torch.equal(learner.guess(other, kept)[0], tokens)
    other[:, :, 4:8, 4:8] = 0.0  # patch 5
    assert not torch.equal(learner.guess(other, kept)[0], tokens)


@pytest.mark.parametrize("pooling", ["mean", "token"])
def test_of_all_patches_it_is_the_encoder_itself(pooling: str) -> None:
    learner, (view,) = made(pooling).eval(), views()
    tokens = learner.encoder.visible(view, torch.arange(16).expand(6, -1))
    torch.testing.assert_close(learner.encoder.pool(tokens), learner.encoder(view))


def test_patches_are_cut_row_by_row_and_put_back() -> None:
    encoder, (view,) = made().encoder, views()
    encoder.mean.fill_(0.4), encoder.std.fill_(0.2)
    patches = encoder.patches_of(view)
    assert patches.shape == (6, 16, 48)
    torch.testing.assert_close(patches[:, 6], ((view[:, :, 4:8, 8:12] - 0.4) / 0.2).flatten(1))
    torch.testing.assert_close(encoder.picture_of(patches), view)


def test_the_decoder_knows_where_patches_were() -> None:
    """Seen patches take their own places: a decoder of one layer without blocks gives each place its own token."""
    decoder = PatchDecoder(8, 2, 3, first_tokens=1, width=8, blocks=1, heads=2)
    decoder.blocks, decoder.norm, decoder.positions = nn.Sequential(), nn.Identity(), torch.zeros(4, 8)  # type: ignore[assignment]
    tokens = torch.randn(2, 3, 8)
    out = decoder(tokens, torch.tensor([[1, 3], [0, 2]]))
    alone, hidden = decoder.pixels(decoder.entry(tokens)), decoder.pixels(decoder.hidden)
    torch.testing.assert_close(out[0], torch.stack([hidden, alone[0, 1], hidden, alone[0, 2]]))
    torch.testing.assert_close(out[1], torch.stack([alone[1, 1], hidden, alone[1, 2], hidden]))


def test_places_differ() -> None:
    positions = PatchDecoder(8, 5, 3, first_tokens=0, width=16, blocks=1, heads=2).positions
    assert torch.cdist(positions, positions).add(torch.eye(25) * 9).min() > 0.1


def test_every_step_hides_anew_and_a_view_at_a_time() -> None:
    learner = made()
    first = learner(batch()).loss
    torch.testing.assert_close(learner(batch()).loss, first)
    learner.after_step([])
    assert not torch.equal(learner(batch()).loss, first)
    two = Batch(views=(views()[0], views()[0]), indices=torch.arange(6))
    assert not torch.equal(learner(two).loss, learner(batch()).loss)
    assert learner(two).embeddings.shape == (12, 32)


def test_everything_learns_and_the_loss_falls() -> None:
    learner = made()
    learner(batch()).loss.backward()
    assert all(weight.grad is not None for weight in learner.parameters())
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        taken = learner(batch())
        taken.loss.backward()
        optimizer.step()
        losses.append(float(taken.loss.detach()))
    assert losses[-1] < 0.95 * losses[0]  # of noise, which it can only learn by heart


@pytest.mark.parametrize("normalized", [True, False])
def test_people_see_what_was_hidden(normalized: bool) -> None:
    learner = made(normalized=normalized)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), dtype=np.uint8)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    ((tiles, title, caption),) = learner.pictures(Images(pixels))
    assert (tiles.shape, tiles.dtype) == ((5, 3, 3, 16, 16), torch.uint8)
    assert torch.equal(tiles[:, 0], torch.from_numpy(pixels))
    assert title
    assert "25%" in caption
    same = (tiles[:, 0] == tiles[:, 2]).all(dim=1).unflatten(2, (4, 4)).unflatten(1, (4, 4)).all(dim=4).all(dim=2)
    assert (same.flatten(1).sum(dim=1) >= 4).all()  # the patches that were seen
    assert torch.equal(learner.pictures(Images(pixels))[0][0], tiles)
    assert learner.training
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def gradients() -> dict[str, Tensor]:
    return shared_gradients(made().double(), views()[0].double())


def test_two_processes_are_one() -> None:
    assert_two_are_one(gradients)


def test_bad_input() -> None:
    with pytest.raises(
        ArgumentError, match=r"^Masked auto-encoding needs an encoder with patches; small_conv has none"
    ):
        MaskedPictures(build("small_conv", channels=3, image_size=16), nn.Identity(), masked_patches)
    for share in (0.99, 0.0, 1.0, -0.2):
        with pytest.raises(ArgumentError, match="masked share"):
            made(share=share)
    with pytest.raises(ArgumentError, match="must be a multiple of 4 and of its 2 heads, got 6"):
        PatchDecoder(8, 2, 3, first_tokens=0, width=6, blocks=1, heads=2)
