"""Who says what texts mean to DebCSE: a frozen network, or the encoder itself, renewed once an epoch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.data import Batch, PlainSource
from contrapose.embedder import Embedder
from contrapose.encoders import fingerprint_of, frozen, load_encoder, save_encoder
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.learners import DrawnPairs
from contrapose.learners.meaning_teacher import MeaningTeacher
from contrapose.methods import DebCSE
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder

TEXTS = [f"{('red', 'blue', 'green')[n % 3]} thing number {n} {('here', 'there')[n % 2]}" for n in range(48)]
QUICK: dict[str, Any] = {"batch_size": 16, "encoder": "bag_of_words", "seed": 3}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An encoder with a vocabulary of its own."""
    words = train_tokenizer([*TEXTS, "and some other words"], "words")
    save_encoder(build_text("bag_of_words", words, seed=5, dimension=12), tmp_path / "base")
    return tmp_path / "base"


def rows_of(pools: Any) -> np.ndarray:
    return pools.vectors_of(TEXTS)


def test_a_frozen_network_says_what_texts_mean_and_takes_no_gradient(base: Path) -> None:
    samples = MODALITIES["text"].open(TEXTS)
    learner, views = assemble(DebCSE(**QUICK, base=str(base)), samples)
    expected = Embedder(load_encoder(base).eval()).embed(TEXTS, normalize=True)
    np.testing.assert_allclose(rows_of(views.pools), expected, atol=2e-6)
    assert isinstance(learner, DrawnPairs)
    assert learner.teacher is not None
    assert not any("teacher" in name for name in learner.state_dict())  # a checkpoint does not hold it
    network = learner.teacher.frozen.network
    before = fingerprint_of(network)
    step = learner.train()(Batch(views=views(TEXTS[:16]), indices=torch.arange(16)))
    step.loss.backward()
    assert all(weight.grad is None for weight in network.parameters())
    assert fingerprint_of(network) == before
    assert not network.training


def test_a_run_asks_it_and_keeps_which_it_was(base: Path, tmp_path: Path) -> None:
    run = contrapose.train("debcse", data=TEXTS, base=base, out=str(tmp_path / "run"), epochs=1, quiet=True, **QUICK)
    record = RunFolder(run.path).read_record()
    assert record["base"]["fingerprint"] == fingerprint_of(load_encoder(base))
    without = contrapose.train("debcse", data=TEXTS, out=str(tmp_path / "other"), epochs=1, quiet=True, **QUICK)
    assert RunFolder(without.path).read_record().get("base") is None


def test_the_own_meaning_stays_through_an_epoch_and_is_renewed_at_its_end() -> None:
    samples = MODALITIES["text"].open(TEXTS)
    learner, views = assemble(DebCSE(**QUICK, teacher="self", false_negative=1.0), samples)
    source = PlainSource.shuffled(samples, views, batch_size=16, seed=3)
    assert source.steps_per_epoch == 3
    optimizer = torch.optim.SGD([weight for weight in learner.parameters() if weight.requires_grad], lr=1.0)
    said, pools = [], []
    for number in range(6):
        step = learner.train()(source.batch(number, 0, generator=torch.Generator().manual_seed(number)))
        said.append(rows_of(views.pools).copy())
        pools.append(views.pools.of(TEXTS[:1])[0])
        optimizer.zero_grad()
        step.loss.backward()
        optimizer.step()
        learner.after_step([step])
    assert all(np.array_equal(said[0], rows) for rows in said[:3])
    assert all(pool is pools[0] for pool in pools[:3])
    assert not np.allclose(said[2], said[3])
    assert all(np.array_equal(said[3], rows) for rows in said[3:])
    assert all(weight.grad is None for weight in learner.teacher.parameters())
    expected = Embedder(learner.encoder.eval()).embed(TEXTS, normalize=True)
    np.testing.assert_allclose(rows_of(views.pools), expected, atol=2e-6)  # of the weights that the second epoch left


def test_a_killed_run_goes_on_with_the_meaning_that_it_had(tmp_path: Path) -> None:
    options = {**QUICK, "teacher": "self", "false_negative": 1.0, "epochs": 3, "checkpoint_steps": 1, "quiet": True}
    whole = contrapose.train("debcse", data=TEXTS, out=str(tmp_path / "whole"), **options)
    cut = Path(shutil.copytree(whole.path, tmp_path / "cut"))
    left = [path for path in list_checkpoints(cut / "checkpoints") if load_checkpoint(path)["step"] <= 8]
    for path in {*list_checkpoints(cut / "checkpoints")} - {*left}:
        path.unlink()
    kept = load_newest(cut / "checkpoints")[0]["learner"]  # of the third epoch
    taught = [name for name in kept if name.startswith("teacher.copy")]
    assert any(not torch.equal(kept[name], kept[name.replace("teacher.copy.model", "encoder")]) for name in taught)
    contrapose.resume(cut, data=TEXTS, quiet=True)
    one, other = (load_newest(RunFolder(path).checkpoints)[0]["learner"] for path in (whole.path, cut))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_slips_are_named(base: Path) -> None:
    with pytest.raises(ArgumentError, match="teacher must be left out where base says what texts mean"):
        DebCSE(base=str(base), teacher="self")
    with pytest.raises(ArgumentError, match="teacher must be one of latent, self"):
        DebCSE(teacher="me")
    with pytest.raises(ArgumentError, match="reads no texts by itself"):
        MeaningTeacher(frozen(torch.nn.Linear(2, 2)))
    _, views = assemble(DebCSE(**QUICK), MODALITIES["text"].open(TEXTS))
    views.pools.taught_by(None)
    with pytest.raises(ArgumentError, match="Nobody has said yet what these texts mean"):
        views.pools.of(TEXTS[:1])
