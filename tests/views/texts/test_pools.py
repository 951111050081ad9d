"""Pools of candidates: who is in them, that they never change, and that pairs are drawn by their weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from contrapose.errors import DataError
from contrapose.padded import Padded
from contrapose.views.texts.drawn_pairs import DrawnPairs
from contrapose.views.texts.latent import LatentMeaning
from contrapose.views.texts.pools import Pool, PoolOptions, Pools
from contrapose.views.texts.variants import variants

TOPICS = ("ship sail harbour wave anchor", "oven flour dough yeast crust", "goal match team player referee")
FRAMES = ("the {} saw the {} at noon", "a {} and a {}", "no {} without {} today")
SMALL = PoolOptions(positives=6, surface_negatives=3, random_negatives=2)


def collection() -> list[str]:
    """36 texts of three topics in three frames: words in common come from the frame, meaning from the topic."""
    words = [topic.split() for topic in TOPICS]
    return [frame.format(own[n], own[n + 1]) for own in words for frame in FRAMES for n in range(4)]


def by_topic(texts: list[str]) -> np.ndarray:
    """One direction a topic."""
    return np.array([[float(any(word in text for word in topic.split())) for topic in TOPICS] for text in texts])


def topic_of(text: str) -> int:
    return int(by_topic([text]).argmax())


def pools_of(options: PoolOptions = SMALL, seed: int = 0) -> Pools:
    return Pools(collection(), by_topic, options, seed=seed)


def test_positives_are_variants_and_neighbours_in_meaning_and_negatives_mean_something_else() -> None:
    texts = collection()
    for text, pool in zip(texts, pools_of().of(texts), strict=True):
        assert pool.positives[0] == text
        assert text not in pool.positives[4:]
        assert [topic_of(other) for other in pool.positives[4:]] == [topic_of(text)] * 2
        assert text not in pool.negatives
        assert len(pool.negatives) == len({*pool.negatives}) == 5
        assert all(topic_of(other) != topic_of(text) for other in pool.negatives)
        frame = {*text.split()} - {*" ".join(TOPICS).split()}
        assert all(frame & {*other.split()} for other in pool.negatives[:3])  # of the same frame, for there are such
        assert not pool.thin


def test_weight_is_on_what_means_the_same_and_looks_different_and_the_other_way_round() -> None:
    text = "the ship saw the sail at noon"
    (pool,) = pools_of(replace(SMALL, positives=8)).of([text])
    assert pool.positive_weights[4:].max() > pool.positive_weights[0]  # other words, and the text itself
    same_frame = [text.split()[0] in other.split() for other in pool.negatives]
    assert pool.negative_weights[same_frame].min() > pool.negative_weights[~np.array(same_frame)].max()
    (even,) = pools_of(replace(SMALL, weighting="uniform")).of([text])
    assert even.positive_weights == pytest.approx(np.full(6, 1 / 6))


def test_pools_are_the_same_in_whatever_order_they_are_made_and_never_change() -> None:
    texts, first, second = collection(), pools_of(), pools_of()
    before = first.of(texts[:5])
    second.of(texts[::-1])
    assert all(one is other for one, other in zip(before, first.of(texts[:5]), strict=True))
    for one, other in zip(first.of(texts), second.of(texts), strict=True):
        assert (one.positives, one.negatives) == (other.positives, other.negatives)
        assert np.array_equal(one.positive_weights, other.positive_weights)
        assert np.array_equal(one.negative_weights, other.negative_weights)
    assert pools_of(seed=1).of(texts[:1])[0].positives[1:4] != before[0].positives[1:4]


def test_where_all_mean_the_same_the_least_alike_are_taken_and_counted() -> None:
    texts = collection()[:6]
    pools = Pools(texts, by_topic, replace(SMALL, least_negatives=2))
    for text, pool in zip(texts, pools.of(texts), strict=True):
        assert pool.thin
        assert len({*pool.negatives} - {text}) == 2
    with pytest.raises(DataError, match=r"9 texts with 2 different among them .* 3 different ones at least are needed"):
        Pools(["a b", "c d", *7 * ["a b"]], by_topic, replace(SMALL, least_negatives=2))


def test_texts_that_are_not_of_the_collection_have_pools_too() -> None:
    (pool,) = pools_of().of(["a referee without an oven ..."])
    assert pool.positives[0] == "a referee without an oven ..."
    assert len(pool.negatives) == 5


def drawn_from(pool: Pool, count: int) -> list[list[str]]:
    """The positives and the negatives that are drawn for a text of this pool, so many times in one batch."""
    seen: list[list[str]] = []

    def make(texts: list[str], *, generator: torch.Generator | None) -> tuple[Padded, ...]:
        seen.append(texts)
        values = torch.zeros(len(texts), 1, dtype=torch.long)
        return (Padded(values, torch.ones_like(values, dtype=torch.bool)),)

    pools = pools_of()
    pools._made["x"] = pool
    DrawnPairs(pools, make, hard=1)(["x"] * count, generator=torch.Generator().manual_seed(0))
    return seen[1:]


def test_pairs_are_drawn_by_their_weights() -> None:
    weights, count = np.array([0.5, 0.3, 0.15, 0.05]), 20_000
    pool = Pool(("a", "b", "c", "d"), weights, ("e", "f", "g", "h"), weights[::-1].copy(), thin=False)
    positives, negatives = drawn_from(pool, count)
    for drawn, letters, chances in ((positives, "abcd", weights), (negatives, "efgh", weights[::-1])):
        found = np.array([drawn.count(letter) for letter in letters]) / count
        assert (np.abs(found - chances) < 3 * np.sqrt(chances * (1 - chances) / count)).all()


def test_a_batch_has_anchors_positives_negatives_and_what_is_known_of_them() -> None:
    def make(texts: list[str], *, generator: torch.Generator | None) -> tuple[Padded, ...]:
        values = torch.tensor([[collection().index(text) if text in collection() else -1] for text in texts])
        return (Padded(values, torch.ones_like(values, dtype=torch.bool)),)

    maker, texts = DrawnPairs(pools_of(), make, hard=2), collection()[:8]
    views = maker(texts, generator=torch.Generator().manual_seed(0))
    anchors, _, first, second, meaning, sizes = views
    assert anchors.values[:, 0].tolist() == list(range(8))
    assert not (first.values == second.values).any()  # without replacement
    assert (meaning.shape, sizes.shape) == ((8, 3, 3), (8, 3))
    assert meaning[:, 0].numpy() == pytest.approx(by_topic(texts))
    assert meaning[:, 1].numpy() == pytest.approx(by_topic([collection()[n] for n in first.values[:, 0]]))
    again = maker(texts, generator=torch.Generator().manual_seed(0))
    assert all(one.values.equal(other.values) for one, other in zip(views[:4], again[:4], strict=True))
    other = maker(texts, generator=torch.Generator().manual_seed(1))
    assert not all(one.values.equal(two.values) for one, two in zip(views[:4], other[:4], strict=True))


def test_variants_keep_what_their_rule_keeps() -> None:
    text, random = "one two three four five six seven eight nine ten", np.random.default_rng(0)
    itself, twice, shorter, piece = variants(text, random)
    assert itself == text
    assert {*twice.split()} == {*text.split()}
    assert len(twice.split()) == 12
    assert len(shorter.split()) == 8
    assert piece in text
    assert 5 <= len(piece.split()) <= 10
    assert variants("alone", random) == ["alone", "alone alone", "alone", "alone"]
    assert variants(" ", random) == [" "] * 4


def test_latent_meaning_knows_words_by_their_company() -> None:
    meaning = LatentMeaning(collection())
    assert np.array_equal(meaning(collection()[:3]), meaning(collection())[:3])  # beside whom changes nothing
    words = " ".join(TOPICS).split()
    rows = meaning([*words, "unheard of"])
    assert np.linalg.norm(rows[:-1], axis=1) == pytest.approx(np.ones(15))
    assert not rows[-1].any()
    cosines, same = rows[:-1] @ rows[:-1].T, np.kron(np.eye(3), np.ones((5, 5))) > 0
    apart = ~np.eye(15, dtype=bool)
    assert cosines[same & apart].mean() > cosines[~same].mean() + 0.1
