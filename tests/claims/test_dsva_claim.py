"""The claim on dsva: parts that nobody shares, and what is counted as lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.claims.measures import Subject
from contrapose.claims.published.dsva import CL, CLAIM, DUAL, MIM, VICTIMS
from contrapose.claims.results import Results
from contrapose.claims.strangers import (
    CLEAN,
    OF_VICTIMS,
    led_astray,
    lost_at,
    named,
    noise_at,
    parted_digits,
    surrogate_probe,
)
from contrapose.claims.unit import configuration
from contrapose.data import Images
from contrapose.data.images.made.tint import tinted
from contrapose.embedder import Embedder
from contrapose.encoders import build, fingerprint_of, save_encoder
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation

SMALL = replace(CLAIM.protocol, images=40, labelled=30, validation=20, test=60)


def parts(ground: Any) -> list[Any]:
    return [*ground.pretraining.values(), ground.validation, ground.test]


def test_no_scan_is_in_two_parts_and_all_seeds_have_the_same() -> None:
    ground, other = parted_digits("", CLAIM.protocol, 0), parted_digits("", CLAIM.protocol, 2)
    assert [len(part) for part in parts(ground)] == [900, 400, 50, 447]
    assert sum(len(part) for part in parts(ground)) == 1797  # all there are, each once
    scans = [{picture.max(axis=0).tobytes() for picture in part.pixels} for part in parts(ground)]
    assert len(set().union(*scans)) >= 1797 - 5  # a few scans are the same
    assert all(one.fingerprint == two.fingerprint for one, two in zip(parts(ground), parts(other), strict=True))
    assert ground.labelled is ground.pretraining[OF_VICTIMS]


def test_colours_say_nothing_of_the_class() -> None:
    test: Any = parted_digits("", CLAIM.protocol, 0).test
    plain: Any = tinted(Images(test.pixels, test.labels, class_names=test.class_names), share=0.0)
    seen, tied = (np.asarray(one.targets["colour"]) for one in (test, plain))
    assert abs(float((seen == tied).mean()) - 0.1) < 0.06


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of dark and bright pictures, and a delta by which all are bright."""
    folder = tmp_path_factory.mktemp("strangers")
    save_encoder(build("micro_conv", channels=3, image_size=8, widths=[4], seed=1), folder / "conv")
    options: dict[str, Any] = {"base": str(folder / "conv"), "epochs": 60, "batch_size": 20, "quiet": True}
    contrapose.train("classifier", data=pictures(60), out=str(folder / "classifier"), **options)
    encoder = contrapose.load(folder / "conv").encoder
    delta = SavedPerturbation(
        kind="delta",
        channels=3,
        image_size=8,
        victims=[Victim("x", encoder.name, fingerprint_of(encoder))],
        bound={"norm": "linf", "radius": 48 / 255},
        tensors={"delta": torch.full((3, 8, 8), 48 / 255)},
    )
    save_perturbation(delta, folder / "attack" / "perturbation")
    return folder


def pictures(count: int) -> Images:
    bright = np.arange(count) % 2
    pixels = np.where(bright, 150, 120)[:, None, None, None] + np.zeros((count, 3, 8, 8))
    pixels[:, 0, 0, 0] = np.arange(count)  # no two are copies
    return Images(pixels.astype(np.uint8), bright, class_names=["dark", "bright"])


def subject(place: Path, run: str | None, **changes: Any) -> Subject:
    encoder: Any = contrapose.load(place / "conv")
    ground: Any = replace(parted_digits("", SMALL, 0), labelled=pictures(40))
    where = None if run is None else place / run
    return Subject(encoder.embed, ground, pictures(40), 0, run=where, **changes)


def test_what_a_known_change_takes_from_victims_alone(place: Path) -> None:
    folders = {VICTIMS[0]: place / "classifier", "labels (surrogate)": place / "classifier"}
    folders[VICTIMS[1]] = place / "conv"  # an arm that has trained no heads
    found = led_astray(subject(place, "attack", folders=folders))
    assert found[f"{VICTIMS[0]}: {lost_at(48)}"] == found[lost_at(48)] == 0.5  # all that was dark is bright
    assert found[lost_at(24)] == 0.5
    assert found[noise_at(24)] < 0.5
    assert len(found) == 2 * 3
    assert surrogate_probe(subject(place, "attack", folders=folders)) == {}
    assert led_astray(subject(place, None)) == led_astray(subject(place, "classifier")) == {}


def test_heads_answer_for_a_classifier_and_a_probe_for_others(place: Path) -> None:
    assert named(subject(place, "classifier")) == {CLEAN: 1.0}
    assert named(subject(place, None)) == {}
    assert surrogate_probe(subject(place, None))["probe"] > 0.9
    assert surrogate_probe(subject(place, "classifier")) == {}


def test_the_probe_of_a_transformer_reads_patches_and_not_the_class_token() -> None:
    encoder: Any = build("vit_mini", channels=3, image_size=8, patch_size=4, seed=0).eval()
    with torch.no_grad():
        encoder.backbone.norm.weight.zero_()  # behind the last block: its embeddings are all alike
    ground: Any = replace(parted_digits("", SMALL, 0), labelled=pictures(40))
    one = Subject(Embedder(encoder).embed, ground, pictures(40), 0, exported={"encoder": encoder})
    assert surrogate_probe(one)["probe"] > 0.9
    assert float(np.ptp(one.embeddings(pictures(4)), axis=0).max()) == 0


def test_predictions_are_those_that_were_written_down() -> None:
    lost = {DUAL: 0.50, CL: 0.40, MIM: 0.45, "labels alone": 0.44, "dual, attention": 0.41}
    values = {
        name: ({1: {lost_at(48): value, lost_at(24): value / 2, noise_at(48): 0.05, noise_at(24): 0.0}},) * 2
        for name, value in lost.items()
    }
    values |= {name: ({1: {CLEAN: 0.96}},) * 2 for name in VICTIMS}
    found = {one.statement: one.value(Results(values, (1,)))[0] for one in CLAIM.predictions}
    assert found["dual - the better of both, not a point less, 48/255"] == pytest.approx(0.05)
    assert found["dual - the mean of both, by 2 points, 48/255"] == pytest.approx(0.075)
    assert found["dual - labels alone, by 3 points, 48/255"] == pytest.approx(0.06)
    assert found["contrast alone - noise, by 10 points, 48/255"] == pytest.approx(0.35)
    assert found["contrast alone - noise, by 10 points, 24/255"] == pytest.approx(0.2)
    thresholds = [one.threshold for one in CLAIM.predictions if one.role == "claim"]
    assert thresholds == [-0.01, 0.02, 0.03, *[0.1] * 5]


def test_arms_differ_in_what_they_are_named_after() -> None:
    attacks = {arm.name: arm for arm in CLAIM.arms if arm.method == "dsva"}
    plain = {name: {**arm.options} for name, arm in attacks.items()}
    assert plain[DUAL].pop("facet") == plain[CL].pop("facet") == "key"
    assert plain[MIM].pop("facet") == "query"
    assert plain[DUAL] == plain[CL] == plain[MIM]
    assert attacks["dual, attention"].options == {**attacks[DUAL].options, "attention": "row"}
    assert all(arm.beside == VICTIMS for arm in attacks.values())
    assert configuration("dsva", {**plain[DUAL], "init": "x"}, "image").radius == pytest.approx(48 / 255)  # type: ignore[attr-defined]
