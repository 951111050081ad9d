"""The claim on the improved recipe of CLIP: its ground, how it measures, and what its arms differ in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.claims.measures import Subject, floor_of
from contrapose.claims.published.vlp_baselines import CLAIM
from contrapose.claims.results import Results
from contrapose.claims.scenes import ACCURACY, captioned_scenes, named_by_prompts, prompts
from contrapose.claims.unit import configuration
from contrapose.data import Samples
from contrapose.data.images.made.scenes import DIGITS
from contrapose.data.pairs import Pairs
from contrapose.methods.assemble import assemble

SMALL = replace(CLAIM.protocol, images=40, labelled=30, validation=40, test=60)


def scans(pairs: Any) -> set[bytes]:
    """The ink of each scene, wherever it lies and of whatever colour."""
    found = set()
    for pixels in pairs.pictures.pixels.max(axis=1):  # (H, W)
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        found.add(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].tobytes())
    return found


def test_no_scan_is_in_two_parts_and_all_seeds_have_the_same() -> None:
    ground, other = captioned_scenes("", SMALL, 0), captioned_scenes("", SMALL, 3)
    learned = ground.pretraining["pretraining"]
    assert [len(part) for part in (learned, ground.labelled, ground.validation, ground.test)] == [40, 30, 40, 60]
    for one, two in ((learned, ground.validation), (learned, ground.test), (ground.validation, ground.test)):
        assert not scans(one) & scans(two)
    assert ground.test.fingerprint == other.test.fingerprint
    assert isinstance(ground.test, Pairs)
    assert set(ground.test.captions.lengths.tolist()) == {1}
    assert ground.modality.name == CLAIM.modality


def test_prompts_are_what_captions_say_with_the_digit_left_open() -> None:
    said = prompts()
    assert len(said) == len(set(said)) == 3 * 6 + 6 * 4
    pairs: Any = captioned_scenes("", SMALL, 0).test
    for caption, label in zip(pairs.captions.values.tolist(), pairs.labels.tolist(), strict=True):
        assert caption in {one.replace("{}", DIGITS[label]) for one in said}


def test_the_measure_is_right_where_all_is_known_and_the_floor_is_at_chance() -> None:
    ground = captioned_scenes("", SMALL, 0)

    def codes(samples: Samples) -> np.ndarray:
        if samples.modality == "image":
            return np.eye(10)[samples.labels]
        texts: list[str] = samples.texts  # type: ignore[attr-defined]
        return np.array([[name in text.split() for name in DIGITS] for text in texts], float)

    assert named_by_prompts(Subject(codes, ground, ground.test, 0)) == {ACCURACY: 1.0}
    assert named_by_prompts(floor_of(ground, ground.test, 0))[ACCURACY] < 0.3


def test_companions_are_all_that_arms_of_a_pair_differ_in() -> None:
    ground = captioned_scenes("", SMALL, 0)
    pairs = ground.pretraining["pretraining"]
    losses, configs = {}, {}
    for arm in CLAIM.arms:
        options = {**CLAIM.protocol.options, **arm.options, "batch_size": 20, "precision": "float32"}
        configs[arm.name] = config = configuration(arm.method, options, "pairs")
        if arm.name in ("clip", "clip + siamlip"):
            learner, views = assemble(config, pairs)
            made = views(pairs.batch(np.arange(20)), generator=torch.Generator().manual_seed(0))
            step = learner.train()(_batch(made))
            losses[arm.name] = float(step.log.get("contrast_loss", step.loss))
    assert losses["clip + siamlip"] == pytest.approx(losses["clip"], rel=1e-6)
    for name in ("siamlip", "barlip"):
        assert replace(configs[f"recipe + {name}"], companion="none") == configs["recipe"]
        assert configs[f"clip + {name}"].views == configs["clip"].views
    assert configs["recipe"].views.total() == 3
    assert next(arm for arm in CLAIM.arms if arm.name == "clip, longer").longer == 4


def _batch(views: Any) -> Any:
    from contrapose.data import Batch

    return Batch(views=views, indices=torch.arange(20))


def test_what_the_claim_hangs_on() -> None:
    values = {"clip": 0.15, "clip + siamlip": 0.17, "recipe": 0.33, "recipe + siamlip": 0.35, "recipe + barlip": 0.38}
    results = Results({name: ({100: {ACCURACY: value}},) * 2 for name, value in values.items()}, (100,))
    decided = [one for one in CLAIM.predictions if one.role == "claim"]
    assert [float((one.value(results) - one.threshold)[0]) for one in decided] == pytest.approx([0.13, 0.01, -0.02])
    vanishing = next(one for one in CLAIM.predictions if one.statement.startswith("siamlip gains more"))
    assert vanishing.value(results) == pytest.approx([0.0, 0.0])
