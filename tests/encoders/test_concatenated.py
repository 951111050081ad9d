"""An encoder made of encoders: what it gives, that it is kept whole, and what cannot stand side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from contrapose.encoders import (
    Encoder,
    build,
    build_rows,
    concatenate,
    load_encoder,
    save_encoder,
    starting_point,
    untrained_like,
)
from contrapose.encoders.frames import FrameForm, build_frames
from contrapose.encoders.texts.factory import build_text, tokenizer_for
from contrapose.errors import ArgumentError, RunError

TEXTS = ["a ship in the harbour", "dough and yeast in the oven", "the referee and the goal"]


def pictures(seed: int, **options: Any) -> Encoder:
    return build("tiny_conv", channels=3, image_size=16, seed=seed, embedding=12, **options).eval()


def rows(seed: int) -> Encoder:
    return build_rows("mlp", mean=[0.0, 1.0], scale=[1.0, 2.0], seed=seed, widths=[8, 6]).eval()


def texts(seed: int) -> Encoder:
    name = ("bag_of_words", "transformer")[seed % 2]  # of several architectures, by one vocabulary
    return build_text(name, tokenizer_for("bag_of_words", TEXTS, max_length=8), seed=seed).eval()


def frames(seed: int) -> Encoder:
    name, options = (("conv1d", {"widths": [8]}), ("gru", {"width": 3, "layers": 1}))[seed % 2]
    return build_frames(name, FrameForm(0, 2, 4), seed=seed, **options).eval()


KINDS: dict[str, tuple[Callable[[int], Encoder], Any]] = {
    "image": (pictures, torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))),
    "rows": (rows, torch.randn(5, 2, generator=torch.Generator().manual_seed(0))),
    "text": (texts, TEXTS),
    "frames": (frames, [np.ones((3, 2)), np.arange(14.0).reshape(7, 2), np.eye(2)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalize", [True, False])
def test_it_gives_the_parts_in_order_and_is_kept_whole(kind: str, normalize: bool, tmp_path: Path) -> None:
    make, raw = KINDS[kind]
    parts = [make(seed) for seed in (0, 1, 2)]
    whole = concatenate(parts, normalize=normalize)
    z = [encoder(encoder.prepare(raw)) for encoder in parts]
    expected = torch.cat([functional.normalize(one, dim=1) for one in z] if normalize else z, dim=1)
    assert whole.dimension == sum(encoder.dimension for encoder in parts) == expected.shape[1]
    torch.testing.assert_close(whole(whole.prepare(raw)), expected)
    save_encoder(whole, tmp_path / "whole")
    loaded = load_encoder(tmp_path / "whole")
    assert torch.equal(loaded(loaded.prepare(raw)), whole(whole.prepare(raw)))
    assert type(loaded) is type(whole)
    untrained = untrained_like(loaded, 5)
    first, second = untrained(untrained.prepare(raw)).split(
        [parts[0].dimension, whole.dimension - parts[0].dimension], 1
    )
    assert first.shape[1] != second.shape[1] or not torch.allclose(first, second)


def test_cosines_are_the_mean_of_the_parts_or_weighed_by_their_lengths() -> None:
    make, raw = KINDS["image"]
    parts = [make(seed) for seed in (0, 1)]
    z = [encoder(raw) for encoder in parts]
    cosines = [functional.cosine_similarity(one[0], one[1], dim=0) for one in z]
    normalized, rough = (functional.normalize(concatenate(parts, normalize=way)(raw), dim=1) for way in (True, False))
    torch.testing.assert_close(normalized[0] @ normalized[1], torch.stack(cosines).mean())
    weighed = (
        sum(one[0] @ one[1] for one in z)
        / torch.stack([one[:2].norm(dim=1) for one in z]).square().sum(0).sqrt().prod()
    )
    torch.testing.assert_close(rough[0] @ rough[1], weighed)


def test_an_encoder_beside_itself_has_its_own_cosines_and_parts_may_be_concatenations() -> None:
    make, raw = KINDS["rows"]
    one, other = make(0), make(1)
    twice = concatenate([one, one])(raw)
    torch.testing.assert_close(
        functional.cosine_similarity(twice[0], twice[1], dim=0), functional.cosine_similarity(*one(raw)[:2], dim=0)
    )
    nested = concatenate([concatenate([one, other]), other])
    assert nested.dimension == 3 * one.dimension


def test_weights_are_copied_and_nothing_of_the_random_stream_is_used() -> None:
    make, raw = KINDS["rows"]
    part = make(0)
    state = torch.get_rng_state()
    whole = concatenate([part, part])
    assert torch.equal(torch.get_rng_state(), state)
    before = whole(raw).clone()
    with torch.no_grad():
        next(part.parameters()).add_(1.0)
    assert torch.equal(whole(raw), before)


def test_training_may_start_from_it_at_another_size() -> None:
    """Grids chosen by the size of the pictures are kept for each part, so the weights fit."""
    whole = concatenate([pictures(0), pictures(1)])
    larger = starting_point(whole).encoder(32)
    assert larger.dimension == whole.dimension
    assert larger(torch.rand(2, 3, 32, 32)).shape == (2, 24)
    for one, two in zip(whole.parameters(), larger.parameters(), strict=True):
        assert torch.equal(one, two)


def test_it_becomes_an_onnx_file() -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    from contrapose.encoders.onnx_export import to_onnx

    made = to_onnx(concatenate([pictures(0), pictures(1)]))
    assert made.difference <= 1e-4 * made.scale


def test_what_cannot_stand_side_by_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="one at least"):
        concatenate([])
    larger = build("tiny_conv", channels=3, image_size=24, seed=0)
    for others in ([pictures(0), larger], [pictures(0), pictures(1, mean=0.3)], [pictures(0), rows(0)]):
        with pytest.raises(ArgumentError, match="Encoder 2 reads samples in another way than the first"):
            concatenate(others)
    for arguments, said in (
        ({"parts": []}, "give a list of"),
        ({"parts": ["tiny_conv"]}, "give a list of"),
        ({"parts": [{"encoder": "tiny_con", "arguments": {}}]}, "Unknown encoder 'tiny_con'"),
        ({"parts": [{"encoder": "tiny_conv", "arguments": {}}], "normalize": 1}, "normalize=1 cannot be used"),
    ):
        with pytest.raises(ArgumentError, match=said):
            build("concatenated", channels=3, image_size=16, **arguments)
    save_encoder(concatenate([pictures(0), pictures(1)]), tmp_path)
    described = (tmp_path / "encoder.json").read_text()
    (tmp_path / "encoder.json").write_text(described.replace('"tiny_conv"', '"small_conv"', 1))
    with pytest.raises(RunError, match="does not belong"):
        load_encoder(tmp_path)
