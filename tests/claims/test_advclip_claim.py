"""The claim on AdvCLIP: a corner that digits leave free, what is measured of a patch, and what the claim hangs on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.claims.measures import Subject, floor_of
from contrapose.claims.patched import PATCH, SECOND, SIDE, SURROGATE, covered, free_corner, led_astray
from contrapose.claims.published.advclip import CLAIM
from contrapose.claims.results import Results
from contrapose.embedder import Embedder
from contrapose.encoders import fingerprint_of
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.robustness import patch_mask

SMALL = replace(CLAIM.protocol, images=60, labelled=60, validation=40, test=60)


def test_digits_leave_the_corner_free() -> None:
    ground = free_corner("", replace(CLAIM.protocol, validation=1000), 0)
    mask = patch_mask(SIDE, SIDE, area=PATCH["area"], margin=int(PATCH["margin"]))
    assert int(mask.sum()) == 16
    assert float(mask[0, -4:, -4:].sum()) == 16
    for part in (ground.test, ground.validation):
        assert 0.01 < covered(part) < 0.1  # type: ignore[arg-type]


def test_a_patch_is_learned_on_pairs_that_the_victim_has_not_seen() -> None:
    ground, other = free_corner("", SMALL, 0), free_corner("", SMALL, 3)
    assert [len(part) for part in ground.pretraining.values()] == [60, 20, 20]
    seen = {name: set(part.contents()) for name, part in ground.pretraining.items()}
    assert not seen["pretraining"] & seen[SURROGATE]
    assert not seen[SURROGATE] & seen[SECOND]
    assert ground.test.fingerprint == other.test.fingerprint


def towers() -> Any:
    pairs: Any = free_corner("", SMALL, 0).pretraining["pretraining"]
    tokenizer = tokenizer_for("bag_of_words", pairs.every_text, max_length=16)
    return build_towers("micro_conv", "bag_of_words", channels=3, image_size=SIDE, tokenizer=tokenizer, width=8, seed=0)


def subject(**options: Any) -> Subject:
    ground = free_corner("", SMALL, 0)
    return Subject(Embedder(towers().eval()).embed, ground, ground.test, 0, **options)


def saved(folder: Path, defence: str = "none") -> Path:
    encoder = towers()
    patch = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found = SavedPerturbation(
        kind="patch",
        channels=3,
        image_size=SIDE,
        victims=[Victim("victim", "towers", fingerprint_of(encoder))],
        bound={"area": 0.03, "defence": defence},
        tensors={"patch": patch, "mask": patch_mask(SIDE, SIDE, area=PATCH["area"], margin=0)},
    )
    save_perturbation(found, folder / "perturbation")
    (folder / "config.json").write_text(f'{{"config": {{"defence": "{defence}"}}}}')
    return folder


def test_of_towers_it_measures_what_nobody_has_learned_and_of_attacks_their_patch(tmp_path: Path) -> None:
    alone = led_astray(subject())
    assert {"digit", "colour", "R@1", "fooled by grey", "fooled by noise", "recall lost to noise"} <= set(alone)
    assert "fooled" not in alone
    stale = saved(tmp_path / "stale")
    attacked = led_astray(subject(run=stale))
    assert attacked["fooled"] == pytest.approx((attacked["digit fooled"] + attacked["colour fooled"]) / 2)
    assert attacked["digit"] == alone["digit"]
    assert not {"fooled by noise", "fooled behind it"} & set(attacked)
    knows = led_astray(subject(run=saved(tmp_path / "knows", "blur"), folders={"advclip": stale}))
    assert knows["fooled behind it"] == knows["stale behind it"] != knows["fooled"]  # the same patch, and a blur
    other = led_astray(subject(folders={"advclip": stale}))
    assert other["fooled"] == attacked["fooled"]
    assert "fooled by noise" in other
    assert "stale behind it" not in other


def test_a_floor_without_an_encoder_has_nothing_to_lose() -> None:
    ground = free_corner("", SMALL, 0)
    assert led_astray(floor_of(ground, ground.test, 0)) == {}


def test_every_patch_is_learned_alike() -> None:
    attacks = [arm for arm in CLAIM.arms if arm.method == "advclip"]
    own = {"topology", "defence"}
    shared = [{name: value for name, value in arm.options.items() if name not in own} for arm in attacks]
    assert len(attacks) == 6
    assert all(options == shared[0] for options in shared)
    assert {arm.data for arm in attacks} == {SURROGATE, SECOND}
    trained = next(arm for arm in CLAIM.arms if arm.method == "patch-training")
    assert trained.on["patch"] == "advclip, second/perturbation"
    assert trained.needs == ("victim", "advclip, second", "advclip")


def test_what_the_claim_hangs_on() -> None:
    values = {
        "victim": {"digit": 0.9, "fooled by noise": 0.1, "digit fooled by noise": 0.2, "colour fooled by noise": 0.0},
        "advclip": {"fooled": 0.5, "digit fooled": 0.6, "colour fooled": 0.4},
        "patch-trained": {"fooled": 0.1},
        "advclip, on patch-trained": {"fooled": 0.35},
    }
    results = Results({name: ({20: one},) * 2 for name, one in values.items()}, (20,))
    decided = [one for one in CLAIM.predictions if one.role == "claim"]
    assert [float((one.value(results) - one.threshold)[0]) for one in decided] == pytest.approx([0.2, 2.0, 0.3, 0.15])
    either = next(one for one in CLAIM.predictions if "one probe at least" in one.statement)
    assert either.value(results) == pytest.approx([0.4, 0.4])
    mechanism = next(one for one in CLAIM.predictions if one.role == "mechanism")
    assert np.all(mechanism.value(results) > mechanism.threshold)
