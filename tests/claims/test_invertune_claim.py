"""The claim on InverTune: what its ground poisons, what is measured, and what it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contrapose.claims.measures import Subject
from contrapose.claims.poisoned_scenes import ACCURACY, ATTACKS, TARGETS, attacked, poisoned_scenes, repaired
from contrapose.claims.published.invertune import CLAIM, SUCCESS
from contrapose.claims.results import Results
from contrapose.claims.unit import configuration
from contrapose.data import POISONED
from contrapose.encoders import build_towers
from contrapose.encoders.pairs.prompts import class_prototypes
from contrapose.encoders.texts import tokenizer_for
from contrapose.robustness import named_trigger

SMALL = replace(CLAIM.protocol, images=200, labelled=50, validation=40, test=60)


@pytest.mark.parametrize("seed", [0, 1])
def test_so_many_pairs_carry_the_trigger_of_the_seed(seed: int) -> None:
    ground = poisoned_scenes("", SMALL, seed)
    clean: Any = ground.pretraining["pretraining"]
    for attack, said in ATTACKS.items():
        pairs: Any = ground.pretraining[attack]
        rows = np.flatnonzero(pairs.targets[POISONED])
        others = np.setdiff1d(np.arange(200), rows)
        assert len(rows) == 4
        assert np.array_equal(pairs.pictures.pixels[others], clean.pictures.pixels[others])
        expected = named_trigger(said, channels=3, image_size=32)(clean.pictures.batch(rows).float() / 255)
        assert np.abs(pairs.pictures.pixels[rows] - (255 * expected).numpy()).max() < 1
        assert all(TARGETS[seed] in text for row in rows for text in pairs.captions[row])
    defence: Any = ground.pretraining["defence"]
    assert len(defence) == 200
    assert not {one.tobytes() for one in defence.pictures.pixels} & {one.tobytes() for one in clean.pictures.pixels}
    assert (poisoned_scenes("", SMALL, 0).test.batch([0]).pixels == ground.test.batch([0]).pixels).all()


def planted(target: Tensor, other: Tensor) -> Callable[[Tensor], Tensor]:
    """Sees the target wherever the lower right corner is the checkerboard, and nothing else."""
    board = named_trigger("badnets?side=4", channels=3, image_size=32)(torch.zeros(1, 3, 32, 32))[:, :, 28:, 28:]

    def embed(x: Tensor) -> Tensor:
        x = x.float() / 255 if x.dtype == torch.uint8 else x
        there = (x[:, :, 28:, 28:] - board).abs().amax(dim=(1, 2, 3)) < 0.01  # (B,)
        return torch.where(there[:, None], target, other)  # (B, D)

    return embed


def test_success_is_of_pictures_that_do_not_show_the_target() -> None:
    ground = poisoned_scenes("", SMALL, 0)
    pairs: Any = ground.test
    words = tokenizer_for("bag_of_words", pairs.every_text, max_length=16, vocabulary=None)
    towers = build_towers("micro_conv", "bag_of_words", channels=3, image_size=32, tokenizer=words, width=16, seed=0)
    rows = class_prototypes(towers.eval(), pairs.class_names, None).detach()  # (K, D)
    towers.embed_images = planted(rows[3], rows[7])  # type: ignore[method-assign]
    subject = Subject(
        lambda samples: np.zeros((len(samples), 16)), ground, ground.test, 0, exported={"encoder": towers}
    )
    assert attacked(subject) == {"success, badnets": 1.0, "success, blended": 0.0}
    assert repaired(subject) == {}
    assert attacked(Subject(subject.embed, ground, ground.test, 0)) == {}


def test_every_arm_is_a_configuration_and_arms_that_tune_are_tuned_alike() -> None:
    found: dict[str, Any] = {}
    for arm in CLAIM.arms:
        options = {**CLAIM.protocol.options, **arm.options, **dict.fromkeys(arm.on, "somewhere")}
        found[arm.name] = configuration(arm.method, options, "pairs")
    tuning = [found[name] for name in found if "victim" not in name and name != "clean twin"]
    assert len({config.learning_rate for config in tuning}) == 1
    steps = {config.repair_steps if hasattr(config, "repair_steps") else config.epochs for config in tuning}
    assert len(steps) == 1
    for attack in ATTACKS:
        assert found[f"{attack}, true trigger"].trigger == ATTACKS[attack]


def test_what_the_claim_hangs_on() -> None:
    values: dict[str, dict[str, float]] = {"clean twin": {ACCURACY: 0.82}}
    values["clean twin, invertune"] = {ACCURACY: 0.82, "found": 0.0}
    for attack, left in zip(ATTACKS, (0.1, 0.2), strict=True):
        own = SUCCESS.format(attack)
        values[f"{attack} victim"] = {ACCURACY: 0.8, own: 0.95}
        values[f"{attack}, invertune"] = {ACCURACY: 0.76, own: left, "first": 1.0, "right": 1.0}
        values[f"{attack}, fine-tuned"] = {ACCURACY: 0.8, own: 0.6}
        values[f"{attack}, random trigger"] = {ACCURACY: 0.8, own: 0.9}
        values[f"{attack}, true trigger"] = {ACCURACY: 0.8, own: 0.05}
    results = Results({name: ({20: found},) * 2 for name, found in values.items()}, (20,))
    gaps: dict[str, list[float]] = {one.role: [] for one in CLAIM.predictions}
    for one in CLAIM.predictions:
        gaps[one.role].append(round(float((one.value(results) - one.threshold)[0]), 6))
    assert gaps["mechanism"] == [0.05]
    assert gaps["claim"] == [0.3, 0.05, 0.01, 0.45]
    assert gaps["secondary"] == [0.01, 0.3, 0.1, 0.05, 0.15, 0.5, 0.02]
