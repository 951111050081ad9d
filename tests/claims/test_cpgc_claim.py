"""The claim on one perturbation for pairs: what its arms differ in, how it measures, and what it hangs on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.claims.measures import Subject, floor_of
from contrapose.claims.published.cpgc import BLACK, CLAIM, OTHERS, RECALL, WHITE, pairs_found, taken_away
from contrapose.claims.results import Results
from contrapose.claims.unit import configuration
from contrapose.data import Samples
from contrapose.data.pairs import Pairs
from contrapose.encoders import Encoder
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.encoders.texts import tokenizer_for

SMALL = replace(CLAIM.protocol, images=30, labelled=20, validation=20, test=40)
ATTACKS = ("full", "GAP-like", "without contrast", "random positives")


def towers(seed: int, texts: Any) -> Encoder:
    tokenizer = tokenizer_for("bag_of_words", texts, max_length=16)
    made = build_towers(
        "micro_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=8, seed=seed
    )  # fmt: skip
    return made.eval()


def test_every_scene_has_two_captions_and_all_seeds_have_the_same() -> None:
    ground, other = (CLAIM.make_ground("", SMALL, seed) for seed in (0, 3))
    assert isinstance(ground.test, Pairs)
    assert set(ground.test.captions.lengths.tolist()) == {2}
    assert ground.test.fingerprint == other.test.fingerprint
    assert ground.test.fingerprint != ground.validation.fingerprint


def test_arms_differ_in_what_they_are_asked_for_alone() -> None:
    arms = {arm.name: arm for arm in CLAIM.arms}
    configs = {
        name: configuration("cpgc", {**CLAIM.protocol.options, **arms[name].options}, "pairs") for name in ATTACKS
    }  # fmt: skip
    full: Any = configs["full"]
    assert (full.contrast, full.positives, full.condition) == (1.0, "farthest", "batch")
    assert configs["without contrast"] == replace(full, contrast=0.0)
    assert configs["random positives"] == replace(full, positives="random")
    assert configs["GAP-like"] == replace(full, contrast=0.0, condition="none")
    for name in ATTACKS:
        assert (arms[name].on, arms[name].beside) == ({"init": "victim"}, OTHERS)
    victims = [dict(arms[name].options) for name in ("victim", *OTHERS)]
    assert len({one["encoder"] for one in victims}) == 3


def test_pairs_are_found_where_all_is_known() -> None:
    ground = CLAIM.make_ground("", SMALL, 0)
    pairs: Any = ground.test
    texts, _, texts_of = pairs.told_once()

    def codes(samples: Samples) -> np.ndarray:
        if samples.modality == "text":
            return np.eye(len(texts))
        return np.array([np.isin(np.arange(len(texts)), texts_of[row]) for row in range(len(pairs))], float)

    known = Subject(codes, ground, pairs, 0, exported={"encoder": torch.nn.Identity()})
    assert pairs_found(known)[RECALL] > 0.9
    assert pairs_found(floor_of(ground, pairs, 0)) == {}


def test_what_is_taken_away_is_of_the_towers_that_are_given(tmp_path: Path) -> None:
    ground = CLAIM.make_ground("", SMALL, 0)
    pairs: Any = ground.test
    given = {name: towers(seed, pairs.every_text) for seed, name in enumerate(("victim", *OTHERS))}
    delta, vector = torch.zeros(3, 16, 16), torch.zeros(128)

    def saved(delta: torch.Tensor, word: str) -> None:
        one = SavedPerturbation(
            kind="pair",
            channels=3,
            image_size=16,
            victims=[Victim("x", "towers", "0")],
            bound={"norm": "linf", "radius": 0.9},
            tensors={"delta": delta, "word": vector},
            arguments={"word": word},
        )
        save_perturbation(one, tmp_path / "perturbation")

    subject = Subject(lambda samples: np.zeros((1, 1)), ground, pairs, 0, run=tmp_path, given=given)
    saved(delta, "seven")
    still = taken_away(subject)
    assert still[f"{WHITE}, delta alone"] == still[f"{BLACK}, delta alone"] == 0
    assert still[WHITE] == still[f"{WHITE}, word alone"] > 0
    saved(delta + 0.9, "seven")
    assert taken_away(subject)[f"{WHITE}, delta alone"] > 0
    assert taken_away(replace(subject, run=None)) == {}
    assert taken_away(replace(subject, given={"victim": given["victim"]})) == {}


def test_what_the_claim_hangs_on() -> None:
    values = {"full": (0.9, 0.6), "without contrast": (0.8, 0.5), "random positives": (0.87, 0.61)}
    results = Results({name: ({5: {WHITE: w, BLACK: b}},) * 3 for name, (w, b) in values.items()}, (5,))
    decided = [one for one in CLAIM.predictions if one.role == "claim"]
    found = [float((one.value(results) - one.threshold)[0]) for one in decided]
    assert found == pytest.approx([0.05, -0.02, 0.1, -0.01])
    noise = next(one for one in CLAIM.predictions if one.statement.startswith("noise"))
    whole = Results({"full": ({5: {WHITE: 0.9, f"{WHITE}, noise": 0.2}},) * 3}, (5,))
    assert float(noise.value(whole)[0]) == pytest.approx(0.1)
