"""The painter and its critic: sizes, independence of the rest of the batch, and the folder that both ends keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from contrapose.encoders import load_encoder
from contrapose.encoders.generator_folder import described, read_translator
from contrapose.encoders.images.painter import Painter
from contrapose.encoders.images.projection_critic import ProjectionCritic
from contrapose.encoders.painter_folder import painter_folder, read_painter, save_painter
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.pairs.towers import Towers
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, RunError


def towers() -> Towers:
    words = tokenizer_for("bag_of_words", ["a red three", "a green one"] * 3, max_length=8)
    return build_towers("tiny_conv", "bag_of_words", channels=3, image_size=8, tokenizer=words, width=6, seed=0)


@pytest.mark.parametrize(("side", "channels"), [(4, 1), (8, 3), (15, 1), (28, 2)])
def test_pictures_are_of_the_asked_size_and_stand_by_themselves(side: int, channels: int) -> None:
    torch.manual_seed(0)
    size = {"channels": channels, "image_size": side, "text_dimension": 5}
    painter, critic = Painter(**size, noise=3, width=8), ProjectionCritic(**size, width=8)
    noise, texts = torch.randn(4, 3), torch.nn.functional.normalize(torch.randn(4, 5), dim=1)
    made = painter(noise, texts)
    assert made.shape == (4, channels, side, side)
    assert 0 <= float(made.min()) < float(made.max()) <= 1
    torch.testing.assert_close(painter(noise[1:2], texts[1:2])[0], made[1])
    assert not torch.allclose(painter(noise, texts.roll(1, dims=0)), made)
    assert not torch.allclose(painter(noise.roll(1, dims=0), texts), made)
    critic.eval()
    scores = critic(made, texts)
    assert scores.shape == (4,)
    torch.testing.assert_close(critic(made[2:3], texts[2:3])[0], scores[2])
    seen = critic.seen(made)
    torch.testing.assert_close(
        critic.judged(seen, texts) + critic.judged(seen, -texts), 2 * critic.judged(seen, 0 * texts)
    )


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ArgumentError, match="4 pixels a side or more"):
        Painter(channels=1, image_size=3, text_dimension=5)
    with pytest.raises(ArgumentError, match="4 pixels a side or more"):
        ProjectionCritic(channels=1, image_size=3, text_dimension=5)
    with pytest.raises(ArgumentError, match=r"takes noise of \(B, 32\) and texts of \(B, 5\)"):
        Painter(channels=1, image_size=4, text_dimension=5)(torch.randn(2, 32), torch.randn(2, 6))


def test_a_folder_holds_painter_and_towers_and_knows_what_it_is(tmp_path: Path) -> None:
    both = towers()
    painter = Painter(channels=3, image_size=8, text_dimension=6, noise=3, width=4)
    save_painter(painter, both, tmp_path / "generator", extra={"step": 3})
    assert painter_folder(tmp_path) == tmp_path / "generator"
    again, read = read_painter(tmp_path / "generator")
    noise, told = torch.randn(2, 3), both.eval().embed_texts(both.text.prepare(["a red three", "one"]))
    assert isinstance(read, Towers)
    assert torch.equal(read.embed_texts(read.text.prepare(["a red three", "one"])), told)
    assert torch.equal(again(noise, told), painter(noise, told))
    assert load_encoder(tmp_path / "generator").dimension == 6
    with pytest.raises(RunError, match="is of a painter, and what is asked here is done by a translator"):
        read_translator(tmp_path / "generator")
    file = tmp_path / "generator" / "generator.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(RunError, match="this version reads painters up to"):
        described(tmp_path / "generator", kind="painter")
    file.write_text("{")
    assert painter_folder(tmp_path) is None
    with pytest.raises(RunError, match="is damaged"):
        read_painter(tmp_path / "generator")
