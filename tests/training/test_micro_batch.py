"""Micro-batches: every method's loss and gradient are those of the whole batch, or it says why they cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import contrapose
from contrapose.commands.run_start import open_samples
from contrapose.data import Batch, PlainSource, derived_generator
from contrapose.encoders import Encoder, in_chunks
from contrapose.encoders.in_chunks import chunks_of
from contrapose.errors import ArgumentError
from contrapose.estimator import ContrastiveEncoder
from contrapose.learners import Learner
from contrapose.methods import METHODS, methods_of
from contrapose.methods.assemble import assemble
from killed import KilledError, assert_same, contents, fatal
from kind_cases import WRITERS

QUICK: dict[str, Any] = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8}
OWN: dict[str, dict[str, Any]] = {
    "moco": {"queue": 32},
    "isd": {"queue": 32},
    "nnclr": {"queue": 32},
    "mochi": {"queue": 32, "hardest": 8, "mix_after": 0},
    "halp": {"queue": 32, "prototypes": 4, "positives": 6, "start": 0.0},
    "swav": {"prototypes": 8, "queue": 32},
    "sepclr": {"target": "2"},
    "imaginet": {"real": "2"},
    "supremix": {"number_column": "degrees"},
}
REFUSED = ("dat", "mae", "urlbert")


@pytest.fixture(scope="module")
def data_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    folder = tmp_path_factory.mktemp("kinds")
    files = {kind: str(write(folder)) for kind, write in WRITERS.items()}
    return files.__getitem__


def learner_and_batch(name: str, data: str) -> tuple[Learner, Batch]:
    """A method's learner in float64 and its first batch. Encoders do not train: neither dropout nor statistics."""
    config = METHODS[name](data=data, **QUICK, **OWN.get(name, {}))
    samples = open_samples(config, data, quiet=True).with_targets(config.shown_targets)
    learner, views = assemble(config, samples)
    learner.double().train()
    for module in learner.modules():
        if isinstance(module, Encoder):
            module.eval()
    source = PlainSource.shuffled(samples, views, batch_size=16, seed=0)
    return learner, source.batch(0, 0, generator=derived_generator(0, 0))


def loss_and_gradients(learner: Learner, batch: Batch, rows: int | None) -> tuple[Tensor, dict[str, Tensor]]:
    learner = copy.deepcopy(learner)
    torch.manual_seed(0)
    learner.before_step()
    with chunks_of(rows):
        loss = learner(batch).loss
    loss.backward()
    return loss.detach(), {name: weight.grad for name, weight in learner.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("name", [name for name in methods_of("train") if name not in REFUSED])
def test_it_is_the_whole_batch(name: str, data_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    learner, batch = learner_and_batch(name, data_of(METHODS[name].modality))
    loss, whole = loss_and_gradients(learner, batch, None)
    parts = []
    plain = in_chunks._checkpoint
    monkeypatch.setattr(in_chunks, "_checkpoint", lambda *a, **b: parts.append(len(a[1])) or plain(*a, **b))
    again, found = loss_and_gradients(learner, batch, 5)
    assert parts
    assert max(parts) <= 5
    torch.testing.assert_close(again, loss, rtol=1e-9, atol=1e-9)
    assert found.keys() == whole.keys()
    scale = torch.stack([gradient.norm() for gradient in whole.values()]).norm()  # ()
    for weight, gradient in whole.items():
        assert (found[weight] - gradient).norm() <= 1e-8 * scale, weight


@pytest.mark.parametrize("name", REFUSED)
def test_a_loss_that_needs_more_says_so_before_there_is_a_folder(
    name: str, data_of: Callable[[str], str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(ArgumentError, match=r"^--micro-batch \(micro_batch=\) is for losses .* gradients through"):
        contrapose.train(name, data=data_of(METHODS[name].modality), out=str(out), micro_batch=4, **QUICK, quiet=True)
    assert not out.exists()


class Dropping(Encoder):
    """A perceptron with dropout and batch normalisation."""

    dimension, form, name, arguments = 6, {"modality": "rows"}, "dropping", {}

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 6))

    def forward(self, view: Any) -> Tensor:
        return self.layers(view)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_was_drawn_is_drawn_again_and_statistics_move_once_a_part(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, plain = torch.randn(10, 5), Dropping()
    parted = copy.deepcopy(plain)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)
    torch.manual_seed(1)
    with autocast:
        expected = torch.cat([plain(part) for part in (x[:3], x[3:6], x[6:])])
    torch.manual_seed(1)
    with autocast, chunks_of(4):
        z = parted(x)
    torch.rand(7)  # what the loss draws in between
    for found in (expected, z):
        (found.float() @ found.float().T).logsumexp(dim=1).sum().backward()
    assert torch.equal(z, expected)
    for name, weight in plain.named_parameters():
        torch.testing.assert_close(parted.get_parameter(name).grad, weight.grad, rtol=1e-5, atol=1e-6)
    for name, buffer in plain.named_buffers():
        assert torch.equal(parted.get_buffer(name), buffer), name
    assert int(parted.layers[1].num_batches_tracked) == 3
    with torch.no_grad(), chunks_of(4):
        assert parted(x).shape == (10, 6)
    assert int(parted.layers[1].num_batches_tracked) == 6


def test_nothing_but_the_embeddings_is_kept() -> None:
    """Of the whole batch there are embeddings, and of one part at a time all else."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        with chunks_of(4):
            Dropping()(torch.randn(40, 5))
        parted, kept[:] = sum(kept), []
        Dropping()(torch.randn(40, 5))
    assert parted < sum(kept) / 4


def test_a_run_resumes_bit_for_bit_and_says_what_it_does(
    data_of: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(out: Path) -> Any:
        return contrapose.train("moco", data=data_of("image"), out=str(out), epochs=2, micro_batch=12, **kept)

    kept = {**QUICK, **OWN["moco"], "log_steps": 1, "checkpoint_steps": 2}
    train(tmp_path / "whole")
    said = capsys.readouterr().err
    assert "micro_batch=12 saves memory: so many views go through an encoder at a time" in said
    assert "note: batch normalisation in the encoder takes the statistics of 12 views" in said
    with pytest.raises(KilledError), fatal(3):
        train(tmp_path / "killed")
    contrapose.resume(tmp_path / "killed", quiet=True)
    found, whole = (contents(tmp_path / name) for name in ("killed", "whole"))
    last = max(name for name in whole if name.startswith("checkpoints/"))
    assert_same(found[last], whole[last])
    assert_same(found["rows"], whole["rows"])


def test_a_fit_in_memory_takes_it_too(pictures: np.ndarray) -> None:
    usual = {"epochs": 1, "batch_size": 16, "random_state": 0, "encoder": "vit_micro"}
    most: list[int] = []  # pictures that the network sees at once
    losses = []
    for own in ({}, {"micro_batch": 5}):
        seen: list[int] = []

        def note(module: nn.Module, arguments: tuple[Any, ...], seen: list[int] = seen) -> None:
            if isinstance(module, Encoder):
                seen.append(len(arguments[0]))

        hook = nn.modules.module.register_module_forward_pre_hook(note)
        losses.append(ContrastiveEncoder("simclr", method_options=own, **usual).fit(pictures[:32]).loss_curve_)
        hook.remove()
        most.append(max(seen))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert most == [32, 5]
