"""sasrec, cl4srec and mclrec as methods: what they read, how options become terms and turns, runs, slips in words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.data import Batch, derived_generator
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import ContrastedNextItem, LearnedViews, NextItem
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.report.facts.pairing import pairing_of
from contrapose.training.run_folder import RunFolder

NAMES = ("sasrec", "cl4srec", "mclrec")
ITEMS = 12
CHAINS = [[1 + (start + step) % ITEMS for step in range(5 + start % 4)] for start in range(24)]
SMALL: dict[str, Any] = {"dimension": 8, "blocks": 1, "heads": 1, "hidden": 16, "max_length": 6, "seed": 3}
QUIET: dict[str, Any] = {**SMALL, "batch_size": 16, "epochs": 1, "log_steps": 1, "quiet": True, "modality": "items"}


def parts_of(name: str, **options: Any) -> tuple[Any, Any, Any]:
    """Learner, views and what is learned from."""
    config = METHODS[name](**{**SMALL, **options})
    samples = config.read(lambda **_: MODALITIES["items"].open(CHAINS, hold_out=config.hold_out))
    return *assemble(config, samples), samples.with_targets(config.shown_targets)


def batch_of(views: Any, samples: Any, size: int = 6) -> Batch:
    rows = torch.arange(size)
    made = views(samples.batch(rows), generator=derived_generator(0))
    targets = {name: torch.as_tensor(values[:size]) for name, values in samples.targets.items()}
    return Batch(views=made, indices=rows, targets=targets)


@pytest.mark.parametrize("name", NAMES)
def test_they_learn_from_every_beginning_of_what_is_not_held_out(name: str) -> None:
    learner, views, samples = parts_of(name)
    assert len(samples) == sum(len(chain) - 3 for chain in CHAINS)
    assert len(parts_of(name, hold_out=0)[2]) == sum(len(chain) - 1 for chain in CHAINS)
    assert set(samples.targets) == {"next"}
    batch = batch_of(views, samples)
    assert len(batch.views) == (1 if name == "sasrec" else 3)
    (history,) = samples.batch([1])
    assert batch.views[0].values[1, : len(history)].tolist() == history.tolist()
    assert torch.isfinite(learner(batch).loss)
    assert learner.encoder.dimension == 8
    assert learner.encoder.table.shape == (1 + ITEMS, 8)


def test_options_become_terms_and_turns() -> None:
    plain, contrasted, learned = (parts_of(name)[0] for name in NAMES)
    assert type(plain) is NextItem
    assert type(contrasted) is ContrastedNextItem
    assert contrasted.weight == 0.1
    assert type(learned) is LearnedViews
    assert (learned.weight, learned.learned_weight) == (0.03, 0.1)
    assert [turn.name for turn in learned.turns()] == ["encoder", "augmenters", "encoder"]
    jointly = parts_of("mclrec", joint=True, augmentation_weight=0.5, augmenter_weight=0.25)[0]
    assert [turn.name for turn in jointly.turns()] == ["all"]
    assert (jointly.weight, jointly.learned_weight) == (0.5, 0.25)


def test_temperatures_and_the_regulariser_are_heeded() -> None:
    def terms(**options: Any) -> dict[str, float]:
        learner, views, samples = parts_of("mclrec", dropout=0.0, **options)
        step = learner.eval()(batch_of(views, samples))
        return {name: float(value) for name, value in step.log.items()}

    usual = terms()
    assert terms(temperature=0.1)["loss_contrast"] != pytest.approx(usual["loss_contrast"])
    assert terms(temperature=0.1)["loss_learned"] == pytest.approx(usual["loss_learned"])
    assert terms(augmenter_temperature=0.1)["loss_learned"] != pytest.approx(usual["loss_learned"])
    free, held = terms(regulariser=0.0)["loss_learned"], terms(regulariser=0.2)["loss_learned"]
    assert held - free == pytest.approx(2 * (usual["loss_learned"] - free))
    assert held > free


def test_at_chance_the_loss_is_what_is_said() -> None:
    for name, more in (("sasrec", 0.0), ("cl4srec", 0.1 * math.log(11)), ("mclrec", 0.33 * math.log(11))):
        learner, views, samples = parts_of(name)
        with torch.no_grad():
            for weight in learner.parameters():
                weight.zero_()
        step = learner.eval()(batch_of(views, samples))
        assert learner.chance(step.pairing) == pytest.approx(math.log(ITEMS) + more)
        assert float(step.loss.detach()) == pytest.approx(learner.chance(step.pairing), abs=1e-5)


def test_beginnings_of_one_history_may_be_left_out_of_its_negatives() -> None:
    learner, views, samples = parts_of("cl4srec", same_user="left-out")
    assert set(samples.targets) == {"next", "user"}
    step = learner(batch_of(views, samples))
    users = samples.users[:6]
    expected = [2 * int((users != user).sum()) for user in users]
    assert step.pairing.counts()[1].tolist() == 2 * expected
    assert min(expected) < 10


def test_a_run_logs_each_turn_and_what_was_learned_ranks_all_items(tmp_path: Path) -> None:
    trained = contrapose.train("mclrec", data=CHAINS, out=str(tmp_path / "run"), **QUIET)
    rows = list(RunFolder(trained.path).metrics())
    assert {"loss_encoder", "loss_augmenters", "loss_next", "loss_contrast", "loss_learned"} <= rows[-1].keys()
    longer = {**QUIET, "epochs": 30, "learning_rate": 0.02, "dropout": 0.0}
    known = contrapose.train("sasrec", data=CHAINS, out=str(tmp_path / "known"), **longer)
    encoder: Any = known.load().encoder
    z = torch.from_numpy(np.asarray(known.load().embed([[3, 4], [7], [11, 12]])))
    best = (z @ encoder.table.detach()[1:].T).argmax(dim=1)
    assert [encoder.item_names[item] for item in best.tolist()] == ["5", "8", "1"]


def test_the_report_says_who_is_paired_with_whom() -> None:
    learner, _, _ = parts_of("cl4srec")
    picture = pairing_of(METHODS["cl4srec"](**SMALL), learner.encoder, labelled=False)
    assert "1 positive" in picture.summary
    with pytest.raises(ArgumentError, match="no two samples are paired"):
        pairing_of(METHODS["sasrec"](**SMALL), learner.encoder, labelled=False)


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("cl4srec", {"views": {"count": 3}}, r"views must be 2 of each sample \(--views.count 2\), got 3"),
        ("cl4srec", {"augmentation_weight": -0.1}, "augmentation_weight"),
        ("mclrec", {"augmenter_weight": math.inf}, "augmenter_weight"),
        ("mclrec", {"regulariser": -1.0}, "regulariser"),
        ("mclrec", {"augmenter_temperature": 0.0}, "augmenter_temperature"),
        ("cl4srec", {"temperature": -1.0}, "temperature"),
        ("cl4srec", {"same_user": "gone"}, "same_user"),
        ("sasrec", {"dropout": 1.0}, "dropout"),
        ("sasrec", {"blocks": 0}, "blocks"),
        ("sasrec", {"heads": 3}, "3 heads do not divide 8 dimensions"),
    ],
)
def test_slips_are_named_before_there_is_a_folder(
    name: str, options: dict[str, Any], word: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=word):
        contrapose.train(name, data=CHAINS, out=str(tmp_path / "run"), **{**QUIET, **options})
    assert not (tmp_path / "run").exists()


def test_histories_in_which_nothing_comes_next_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing comes next.*--hold-out"):
        contrapose.train("sasrec", data=[[1, 2, 3], [2, 3, 1]], out=str(tmp_path / "run"), **QUIET)
    with pytest.raises(ArgumentError, match="each history stands beside them as it is"):
        contrapose.train(
            "cl4srec", data=CHAINS, out=str(tmp_path / "run"), **{**QUIET, "views": lambda history: history}
        )
    with pytest.raises(ArgumentError, match="sasrec is for users, for it learns which item comes next"):
        METHODS["sasrec"].on("rows")
