"""The ranking of all items: ranks by hand, blocks, what is seen, floors that cannot look ahead, pairs by user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data.items import Histories, open_items
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder
from contrapose.encoders.items import build_items
from contrapose.errors import DataError
from contrapose.tasks import Given, Targets, ranking, task_for
from contrapose.tasks.ranking import AFTER_LAST, POPULAR, ByTable, Ranking
from contrapose.tasks.ranking_floors import AfterLast, AlikeItems, Popular

ITEMS = [str(number) for number in range(1, 31)]


def embedder(dimension: int = 30, **options: Any) -> Embedder:
    """Every item is a direction of its own, so that a history scores the share that each item has in it."""
    encoder = build_items("item_bag", ITEMS, dimension=dimension, dropout=0.0, **options)
    with torch.no_grad():
        encoder.backbone.embedding.weight[1:] = torch.eye(30, dimension)
    return Embedder(encoder).eval()


def histories(lists: list[list[int]]) -> Histories:
    return open_items(lists, known=ITEMS)


def measured(lists: list[list[int]], **options: Any) -> dict[str, float]:
    task = Ranking(histories(lists), **options)
    metrics, _ = task(task.embed_with(embedder()))
    return {name: metric.value for name, metric in metrics.items()}


def test_ranks_one_three_and_behind_twenty_give_what_the_formula_says() -> None:
    first = [7, 7, 7, 1, 7]  # the item that was taken most: rank 1
    third = [2, 2, 2, 3, 3, 4, 4]  # as often as another, behind one: without its last, 4 stands third
    last = [*range(1, 24), 30]  # never taken: behind all 23 that were, with 6 others
    found = measured([first, third, last])
    assert found["HR@20"] == pytest.approx(2 / 3)
    assert found["NDCG@20"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["HR@5"] == pytest.approx(2 / 3)


def test_blocks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    lists = [random.integers(1, 31, random.integers(3, 9)).tolist() for _ in range(23)]
    whole = measured(lists), measured(lists, mask_seen=True)
    monkeypatch.setattr(ranking, "SCORES", 90)
    assert (measured(lists), measured(lists, mask_seen=True)) == whole


def test_seen_items_are_left_out_only_where_asked_and_that_is_said() -> None:
    lists = [[1, 1, 2, 5], [3, 4, 4, 6]]
    kept, left = Ranking(histories(lists)), Ranking(histories(lists), mask_seen=True)
    arm = embedder()
    assert kept(kept.embed_with(arm))[0]["HR@5"].value == pytest.approx(3 / 28), "rank 3 to 30, equally often"
    assert left(left.embed_with(arm))[0]["HR@5"].value == pytest.approx(5 / 28), "rank 1 to 28"
    assert any(note.startswith("items that a user took before are kept") for note in kept.notes)
    assert any(note.startswith("items that a user took before are left out") for note in left.notes)
    assert "seen items left out" in left(left.embed_with(arm))[0]["HR@5"].protocol
    assert kept.setting.difference(left.setting) == "mask_seen was 0 in one and 1 in the other"
    again = Ranking(histories([[1, 2, 1], [3, 4, 5]]), mask_seen=True)
    assert again(again.embed_with(arm))[0]["HR@5"].value > 0.5, "what is taken again can be found"


def test_padding_is_never_recommended() -> None:
    """However the row of no item scores: it has no place among the items."""
    arm = embedder()
    scorer = ByTable(arm)
    assert scorer.scores(np.ones((2, 30), np.float32)).shape == (2, 30)
    before = measured([[1, 2, 3], [4, 5, 6]])
    with torch.no_grad():
        arm.encoder.table[0] = 100.0
    task = Ranking(histories([[1, 2, 3], [4, 5, 6]]))
    assert {name: one.value for name, one in task(task.embed_with(arm))[0].items()} == before


def test_an_encoder_and_floors_see_nothing_that_is_asked_for() -> None:
    """Each user ends on two items that nobody else has: whoever put them first would have looked."""
    lists = [[1 + user % 3, 2, 3, 10 + 2 * user, 11 + 2 * user] for user in range(10)]
    task = Ranking(histories(lists))
    assert [one.tolist() for one in task.asked.batch([0, 9])] == [lists[0][:-1], lists[9][:-1]]
    assert task.wanted.tolist() == [one[-1] for one in lists]
    assert set(task.known.batch(np.arange(10)).values.tolist()) == {1, 2, 3}
    arms = {**task.floors(), "item counts": task(task.floor(None))[0]}  # type: ignore[arg-type]
    assert set(arms) == {POPULAR, AFTER_LAST, "item counts"}
    for metrics in arms.values():
        assert metrics["HR@5"].value < 0.2
    validation = Ranking(histories(lists), last=2)
    assert validation.wanted.tolist() == [one[-2] for one in lists]
    assert [one.tolist() for one in validation.asked.batch([0])] == [lists[0][:-2]]


def test_floors_by_hand() -> None:
    known = histories([[1, 2, 3], [1, 2], [2, 3], [3, 1]])
    asked = histories([[2], [9, 1]]).batch([0, 1])
    assert Popular(known)(asked)[:, :4].tolist() == [[3, 3, 3, 0]] * 2
    after = AfterLast(known)(asked)
    assert after[0].argmax() == 2, "after 2 came 3"
    assert after[1].argmax() == 1, "after 1 came 2"
    assert (after[0, [0, 1]] > after[0, 3]).all(), "the popular ones before those that nobody took"
    alike = AlikeItems(known)(asked)
    assert alike[0, :4] == pytest.approx([2 / 3, 0, 2 / 3, 0])  # |U_1 and U_2| = 2 of 3 each; itself never
    assert alike[1, :4] == pytest.approx([0, 2 / 3, 2 / 3, 0])


def test_the_last_chain_beats_popularity_where_order_is_all(given: Callable[..., Given], of_items: Encoder) -> None:
    lists = [[1 + (start + step) % 12 for step in range(5)] for start in range(36)]
    task = task_for(given(of_items, lists)).prepare(given(of_items, lists))
    floors = task.floors()
    assert floors[AFTER_LAST]["HR@5"].value == 1
    assert floors[POPULAR]["HR@5"].value < 0.7
    assert floors[AFTER_LAST]["NDCG@5"].better == "higher"
    assert len(floors[AFTER_LAST]["NDCG@5"].items) == 36, "a score a user, for compare to pair"


def test_it_is_taken_for_items_unless_labels_are_named(given: Callable[..., Given], of_items: Encoder) -> None:
    table = {"user": [0, 1, 2, 3], "items": [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]], "label": list("abab")}
    assert task_for(given(of_items, table)).name == "ranking"
    assert task_for(given(of_items, table, targets=Targets(label_column="label"))).name == "labelled-table"


def test_an_encoder_that_learned_from_everything_is_told_of() -> None:
    lists = [[1, 2, 3, 4]] * 4
    assert not any("learned from the last items" in note for note in Ranking(histories(lists), held_out=2).notes)
    assert any("--hold-out 0" in note for note in Ranking(histories(lists), held_out=0).notes)


def test_users_in_both_parts_are_told() -> None:
    lists = [[1, 2, 3, 4], [4, 5, 6, 7], [1, 3, 5, 7]]
    both = Ranking(histories(lists), histories(lists))
    assert any("3 of the users asked are in --data too" in note for note in both.notes)
    assert not any("in --data too" in note for note in Ranking(histories(lists)).notes)


def test_too_short_histories_are_left_out_or_refused(given: Callable[..., Given], of_items: Encoder) -> None:
    task = Ranking(histories([[1, 2, 3], [4], [5, 6]]))
    assert len(task.asked) == 2
    assert any("1 user without an item before it left out" in note for note in task.notes)
    with pytest.raises(DataError, match="1 user with more than 1 item, so there is nothing to ask"):
        Ranking(histories([[1, 2, 3], [4]]))
    with pytest.raises(DataError, match="has three items, and two are held out"):
        Ranking(histories([[1, 2], [3, 4]]))


def test_a_classifier_of_users_is_measured_by_its_classes() -> None:
    some = histories([[1, 2, 3]] * 4)
    plain = Given(embedder().encoder, some, None, open=lambda samples, **_: samples, bring=lambda samples, **_: samples)
    assert ranking.RANKING.fits(plain)
    assert not ranking.RANKING.fits(replace(plain, classifier=object()))  # type: ignore[arg-type]
