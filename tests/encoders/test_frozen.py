"""A frozen network: a copy in evaluation mode, no part of the learner that asks it, fitted to the encoder beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from contrapose.embedder import Embedder
from contrapose.encoders import build, build_rows, fingerprint_of, frozen, save_encoder
from contrapose.errors import ArgumentError, RunError

SMALL: dict[str, Any] = {"widths": [8, 8], "seed": 3}


def test_a_copy_that_stays_as_it_is(tmp_path: Path) -> None:
    trained = build("small_conv", channels=3, image_size=16, **SMALL).train()
    save_encoder(trained, tmp_path)
    view = torch.rand(4, 3, 16, 16)
    expected = build("small_conv", channels=3, image_size=16, **SMALL).eval()(view)
    for base in (str(tmp_path), tmp_path, trained, Embedder(trained), nn.Sequential(trained)):
        found = frozen(base)
        assert not any(weight.requires_grad for weight in found.network.parameters())
        assert not any(module.training for module in found.network.modules())
        z = found(view)
        torch.testing.assert_close(z, expected)
        assert not z.requires_grad
        assert frozen(found) is found
    assert trained.training
    assert all(weight.requires_grad for weight in trained.parameters())
    assert frozen(tmp_path).fingerprint == fingerprint_of(trained)
    assert (frozen(tmp_path).name, frozen(tmp_path).dimension) == ("small_conv", trained.dimension)
    with torch.no_grad():
        next(trained.parameters()).add_(1)
    assert frozen(trained).fingerprint != frozen(tmp_path).fingerprint


def test_gradients_pass_to_the_view_alone() -> None:
    base = frozen(build("small_conv", channels=3, image_size=16, **SMALL))
    view = torch.rand(2, 3, 16, 16, requires_grad=True)
    base(view).sum().backward()
    assert view.grad is not None
    assert all(weight.grad is None for weight in base.network.parameters())


def test_a_learner_that_holds_one_does_not_contain_it() -> None:
    learner = nn.Module()
    learner.base, learner.head = frozen(nn.BatchNorm1d(3)), nn.Linear(3, 2)
    learner.train()
    assert not learner.base.network.training
    assert learner.state_dict().keys() == {"head.weight", "head.bias"}
    assert [name for name, _ in learner.named_modules()] == ["", "head"]


def test_pictures_of_the_size_beside_it() -> None:
    base, beside = (build("small_conv", channels=3, image_size=size, **SMALL) for size in (16, 24))
    found = frozen(base).beside(beside)
    assert found.network.image_size == 24
    assert not found.network.training
    assert found.fingerprint == fingerprint_of(base)
    assert frozen(base).beside(build("small_conv", channels=3, image_size=16, **SMALL)).network.image_size == 16
    with pytest.raises(ArgumentError, match=r"takes pictures of 3 channel\(s\), and these have 1.*--channels 3"):
        frozen(base).beside(build("small_conv", channels=1, image_size=16, **SMALL))


def test_what_reads_otherwise_is_refused() -> None:
    rows = build_rows("mlp", mean=[0.0], scale=[1.0], widths=[4])
    with pytest.raises(ArgumentError, match=r"is an encoder of rows data, and these are image data"):
        frozen(rows).beside(build("small_conv", channels=1, image_size=16, **SMALL))
    assert frozen(rows).beside(rows).modality == "rows"
    with pytest.raises(ArgumentError, match=r"in a way of its own \(vocabulary, columns, scales\).*--init"):
        frozen(rows).beside(build_rows("mlp", mean=[0.0], scale=[2.0], widths=[4]))
    own = frozen(nn.Linear(2, 2)).beside(rows)  # of a module nothing is known
    assert own.modality is None
    with pytest.raises(ArgumentError, match="does not say how long its embeddings are"):
        own.dimension  # noqa: B018


@pytest.mark.parametrize(
    ("base", "error", "said"),
    [
        (7, ArgumentError, "^An int is no frozen encoder"),
        ("nowhere", RunError, "holds no encoder"),
        ("resnet18", ArgumentError, "and --base takes a run folder"),
    ],
)
def test_what_is_no_network(base: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        frozen(base)
