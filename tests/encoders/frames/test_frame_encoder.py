"""Encoders of sequences: padding and company change nothing, and they are kept whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.encoders import load_encoder, save_encoder
from contrapose.encoders.frames import FRAME_ENCODERS, FrameEncoder, FrameForm, build_frames
from contrapose.encoders.frames.frame_inputs import sequences_of, with_statistics
from contrapose.errors import ArgumentError, RunError
from contrapose.padded import Padded

SMALL: dict[str, dict[str, Any]] = {"conv1d": {"widths": [8, 12]}, "gru": {"width": 5, "layers": 2}}
RANDOM = np.random.default_rng(0)
SEQUENCES = [RANDOM.normal(size=(length, 4, 3)) for length in (1, 2, 5, 9, 16, 31)]


def form_of(frames: int) -> FrameForm:
    form = FrameForm(4, 3, frames, centre=-1)
    return with_statistics(form, sequences_of(SEQUENCES, form, "x"))


def encoder_of(name: str, frames: int = 0) -> FrameEncoder:
    encoder = build_frames(name, form_of(frames), seed=0, **SMALL[name])
    encoder.train()
    with torch.no_grad():
        for _ in range(30):  # statistics that are not those of new layers
            encoder(encoder.prepare(SEQUENCES))
    return encoder.eval()


def test_every_encoder_is_tested_here() -> None:
    assert set(SMALL) == set(FRAME_ENCODERS)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_padding_and_company_change_nothing(name: str, precision: torch.dtype) -> None:
    encoder = encoder_of(name).to(precision)
    close = {torch.float32: 1e-5, torch.bfloat16: 0.06}[precision]
    view = encoder.prepare(SEQUENCES)
    together = encoder(view)
    alone = torch.cat([encoder(encoder.prepare([one])) for one in SEQUENCES])
    torch.testing.assert_close(together, alone, atol=close, rtol=close)
    torch.testing.assert_close(encoder(view.lengthened(50)), together, atol=close, rtol=close)
    dirty = Padded(view.values.masked_fill(~view.mask[..., None], 0).clone(), view.mask)
    torch.testing.assert_close(encoder(dirty[[3, 1]]), together[[3, 1]], atol=close, rtol=close)
    assert together.dtype == precision


@pytest.mark.parametrize("name", SMALL)
def test_padding_changes_no_statistics_and_no_gradient_in_training(name: str) -> None:
    """The same batch, padded to two lengths."""
    found = []
    for steps in (31, 64):
        encoder = build_frames(name, form_of(0), seed=0, **SMALL[name]).train()
        z = encoder(encoder.prepare(SEQUENCES).lengthened(steps))
        z.square().sum().backward()
        gradients = torch.cat([weight.grad.flatten() for weight in encoder.parameters()])
        statistics = torch.cat([buffer.flatten().float() for buffer in encoder.buffers()])
        found.append((z.detach(), gradients, statistics))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_order_in_time_and_the_last_frame_count(name: str) -> None:
    encoder = encoder_of(name)
    (sequence,) = SEQUENCES[3:4]
    last = sequence.copy()
    last[-1] += 1
    z, backwards, other = (encoder(encoder.prepare([one])) for one in (sequence, sequence[::-1].copy(), last))
    assert (z - backwards).abs().max() > 1e-3
    assert (z - other).abs().max() > 1e-3
    assert encoder(encoder.prepare(SEQUENCES[:1])).isfinite().all()  # one frame


@pytest.mark.parametrize("name", SMALL)
def test_it_is_kept_whole(name: str, tmp_path: Path) -> None:
    encoder = encoder_of(name, frames=8)
    save_encoder(encoder, tmp_path)
    loaded = load_encoder(tmp_path)
    assert loaded.form == encoder.form
    assert torch.equal(loaded(loaded.prepare(SEQUENCES)), encoder(encoder.prepare(SEQUENCES)))
    assert loaded.prepare(SEQUENCES).shape == (6, 8, 12)
    assert loaded.prepare(encoder.prepare(SEQUENCES)).shape == (6, 8, 12)  # what is prepared stays


def test_slips() -> None:
    encoder = encoder_of("conv1d", frames=8)
    with pytest.raises(ArgumentError, match=r"prepared sequences \(Padded\) .* given a list: give encoder.prepare"):
        encoder(SEQUENCES)
    with pytest.raises(ArgumentError, match=r"shape \(2, 8, 5\)"):
        encoder(Padded(torch.zeros(2, 8, 5), torch.ones(2, 8, dtype=torch.bool)))
    with pytest.raises(ArgumentError, match="kernel is 4"):
        build_frames("conv1d", form_of(8), kernel=4)
    with pytest.raises(ArgumentError, match="Unknown encoder of sequences 'conv'"):
        build_frames("conv", form_of(8))
    with pytest.raises(ArgumentError, match="no argument 'depth'"):
        build_frames("gru", form_of(8), depth=2)


def test_it_becomes_an_onnx_file_or_says_why_not() -> None:
    pytest.importorskip("onnxruntime", reason="the export extra is not installed")
    pytest.importorskip("onnxscript", reason="the export extra is not installed")
    from contrapose.encoders.onnx_export import to_onnx

    made = to_onnx(encoder_of("conv1d", frames=8))
    assert made.difference <= 1e-4 * made.scale
    with pytest.raises(RunError, match=r"recurrent layers.*--encoder conv1d"):
        to_onnx(encoder_of("gru", frames=8))
    with pytest.raises(RunError, match="--frames 0"):
        to_onnx(encoder_of("conv1d", frames=0))
