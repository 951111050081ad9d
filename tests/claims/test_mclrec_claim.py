"""The claim on recommending: who is learned from and asked, that arms update encoders equally often, the floors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contrapose.claims.claim import Protocol
from contrapose.claims.ground import Ground
from contrapose.claims.histories import FLOOR, longest_histories, ranked
from contrapose.claims.measures import floor_of, subject_of
from contrapose.claims.published.mclrec import CLAIM
from contrapose.claims.unit import configuration
from contrapose.errors import ArgumentError, DataError
from contrapose.methods.assemble import assemble

SMALL = replace(CLAIM.protocol, images=150, labelled=120, validation=40, test=50)


@pytest.fixture(scope="module")
def ground(history_part: str) -> Ground:
    return longest_histories(history_part, SMALL, 0)


def test_nobody_learns_from_what_is_asked(ground: Ground) -> None:
    whole: Any = ground.labelled
    learned: Any = ground.pretraining["pretraining"]
    assert (len(learned), len(ground.validation), len(ground.test)) == (120, 40, 50)
    assert len(whole) <= 150
    assert whole.lengths.min() >= 5
    assert np.bincount(whole.store.values)[1:].min() >= 5
    histories = [one.tolist() for one in whole.batch(range(len(whole)))]
    for row, begun in enumerate(learned.batch(range(120))):
        history, known = histories[learned.users[row]], len(begun) + 1
        assert [*begun.tolist(), learned.targets["next"][row]] == history[:known]
        assert known <= len(history) - 2


@pytest.mark.parametrize("protocol", [CLAIM.protocol, CLAIM.full], ids=["standard", "full"])
def test_every_arm_updates_its_encoder_equally_often(protocol: Protocol, ground: Ground) -> None:
    updates = {}
    for arm in CLAIM.arms:
        options = {**protocol.options, **arm.options}
        learner, _ = assemble(configuration(arm.method, options, "items"), ground.pretraining["pretraining"])
        moves = sum(
            any(one is next(learner.encoder.parameters()) for one in turn.parameters) for turn in learner.turns()
        )
        updates[arm.name] = moves * arm.longer * protocol.options["epochs"]
    assert set(updates.values()) == {2 * protocol.options["epochs"]}


def test_the_last_item_is_asked_for_and_while_choosing_the_one_before(ground: Ground) -> None:
    floor = ranked(floor_of(ground, ground.test, 0))
    assert {"NDCG@20", "HR@20", "popularity: NDCG@20", "after the last: HR@5"} <= floor.keys()
    # the next item is one or two further on, so who knows what came after the last one is right
    assert floor["after the last: HR@5"] > floor["popularity: HR@5"] + 0.3
    config = configuration("sasrec", {**CLAIM.protocol.options, "epochs": 1}, "items")
    learner, views = assemble(config, ground.pretraining["pretraining"])
    found = [ranked(subject_of(learner.eval(), views, ground, part, 0)) for part in (ground.test, ground.validation)]
    assert found[0].keys() == found[1].keys() == {f"{name}@{k}" for name in ("HR", "NDCG") for k in (5, 10, 20)}
    assert found[0] != found[1]
    assert CLAIM.kind.floor_name == FLOOR


def test_more_than_there_are_and_other_data_are_refused(history_part: str, tmp_path: Any) -> None:
    with pytest.raises(ArgumentError, match=r"asks for 999 users; .* has 200"):
        longest_histories(history_part, replace(SMALL, images=999), 0)
    (tmp_path / "rows.csv").write_text("x,y\n1.5,2\n2.5,3\n")
    with pytest.raises(DataError):
        longest_histories(str(tmp_path / "rows.csv"), SMALL, 0)
