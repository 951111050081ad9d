"""Made sentences: what each of four has in common with the anchor, and what floors make of them."""

from __future__ import annotations

import numpy as np
import pytest
from claim_cases import TINY

from contrapose.claims.measures import Subject, floor_of
from contrapose.claims.pairs import scored_sentences
from contrapose.claims.quadruples import DID, paraphrase_nearer, quadruples
from contrapose.data import Samples
from contrapose.errors import ArgumentError
from contrapose.views.texts.surface import surface_similarity

TABLE = quadruples()


def test_paraphrases_share_no_word_and_contradictions_all_but_one() -> None:
    assert {name: len(texts) for name, texts in TABLE.items()} == dict.fromkeys(TABLE, 400)
    assert len({*TABLE["anchor"]}) == 400
    opposites = {opposite for _, _, opposite in DID}
    for anchor, paraphrase, contradiction, other in zip(*TABLE.values(), strict=True):
        words = {*anchor.split()}
        assert not words & {*paraphrase.split()}
        assert len({*contradiction.split()} - words) == 1
        assert ({*contradiction.split()} - words) <= opposites
        assert other != anchor
        assert not {*other.split()} & opposites
    to_paraphrase = surface_similarity(TABLE["anchor"], TABLE["paraphrase"])
    assert to_paraphrase.max() < surface_similarity(TABLE["anchor"], TABLE["contradiction"]).min()


def test_the_same_seed_makes_the_same_and_slips_are_named() -> None:
    assert quadruples(20, seed=3) == quadruples(20, seed=3)
    assert quadruples(20, seed=3) != quadruples(20, seed=4)
    for count in (1, 8_001):
        with pytest.raises(ArgumentError, match=f"count must be from 2 to 8,000, .* got {count}"):
            quadruples(count)


def test_words_in_common_have_none_right_and_who_knows_the_meaning_has_all(sentence_parts: str) -> None:
    small = TINY.__class__(options=TINY.options, images=60, labelled=60, validation=30, test=30)
    ground = scored_sentences(sentence_parts, small, 0)
    words = sorted({word for texts in TABLE.values() for text in texts for word in text.split()})

    def counts(samples: Samples) -> np.ndarray:
        return np.array([[float(word in text.split()) for word in words] for text in samples.texts])

    def knows(samples: Samples) -> np.ndarray:  # which row of the table, and whether it was turned round
        places = {text: n for name in ("anchor", "paraphrase") for n, text in enumerate(TABLE[name])}
        return np.array([np.eye(401)[places.get(text, 400)] for text in samples.texts])

    for embed, value in ((counts, 0.0), (knows, 1.0), (lambda samples: np.ones((len(samples), 2)), 0.5)):
        assert paraphrase_nearer(Subject(embed, ground, ground.test, 0))["paraphrase nearer"] == value
    assert 0 <= paraphrase_nearer(floor_of(ground, ground.test, 0))["paraphrase nearer"] <= 1
