"""The robustness table: rows of the same pictures changed, beside noise as large; of encoders and of two towers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contrapose.data import Images
from contrapose.data.images.pixels.corruption import Corruption, corrupted, strengths
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, fingerprint_of
from contrapose.encoders.perturbations import SavedPerturbation, Victim, save_perturbation
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import Metric
from contrapose.evaluation.table import conditions_in_rows
from contrapose.perturber import load_perturber
from contrapose.robustness import patch_mask
from contrapose.robustness.universal.leading_away import led_away
from contrapose.tasks import TASKS, Given, Review, Saved, Targets
from contrapose.tasks.robustness_table.changes import corruptions, of_delta, of_patch
from contrapose.tasks.robustness_table.told import above_chance, in_sentences, losses, repair_in_words, scanned


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def grey() -> Images:
    """Twelve pictures around the middle of the scale, so that no change is cut off."""
    random = np.random.default_rng(0)
    return Images(random.integers(100, 156, (12, 3, 16, 16)).astype(np.uint8), np.arange(12) % 2)


def corner(x: Tensor) -> Tensor:
    """An encoder that looks at the mean of each channel in the lower right quarter, and at nothing else."""
    return x[:, :, 8:, 8:].mean(dim=(2, 3)) - 0.5  # (B, C)


def test_the_patch_that_is_found_turns_what_the_encoder_sees_and_noise_does_not(grey: Images) -> None:
    x, mask = grey.batch(np.arange(12)), patch_mask(16, 16, area=0.2)
    patch = led_away(corner, x, mask=mask, steps=60, generator=seeded())
    delta = led_away(corner, x, radius=8 / 255, steps=60, generator=seeded())
    assert 0 <= float(patch.min()) <= float(patch.max()) <= 1
    assert float(delta.abs().max()) <= 8 / 255 + 1e-7
    clean = corner(x.float() / 255)
    centre = clean.mean(dim=0)

    def turned(pixels: np.ndarray) -> float:
        moved = corner(torch.from_numpy(pixels).float() / 255)
        return float(torch.cosine_similarity(moved - centre, clean - centre).mean())

    changed = {one.name: turned(one.pixels(grey)) for one in of_delta("delta", delta, 8 / 255, seed=0)}
    assert changed["delta"] < changed["noise for delta"] - 0.3
    changed = {one.name: turned(one.pixels(grey)) for one in of_patch("patch", patch, mask, seed=0)}
    assert changed["patch"] < changed["noise for patch"]
    with pytest.raises(ArgumentError, match="one of them alone"):
        led_away(corner, x, generator=seeded())
    with pytest.raises(ArgumentError, match="two at least; got 1"):
        led_away(corner, x[:1], radius=0.1, generator=seeded())


def test_rows_beside_a_change_are_as_large_as_it_is_and_lie_where_it_lies(grey: Images) -> None:
    mask = patch_mask(16, 16)
    for change in of_patch("patch", torch.zeros(3, 16, 16), mask, seed=0):
        moved = (change.pixels(grey) != grey.pixels).any(axis=(0, 1))  # (H, W)
        assert (moved == mask[0].bool().numpy()).all(), change.name
    plain, noise = of_delta("delta", torch.full((3, 16, 16), 8 / 255), 8 / 255, seed=0)
    for change in (plain, noise):
        assert (np.abs(change.pixels(grey).astype(int) - grey.pixels) == 8).all(), change.name
    assert noise.beside == "delta"
    different = noise.pixels(grey).astype(int) - grey.pixels
    assert (different[0] != different[1]).any(), "every picture has noise of its own"


def test_strengths_grow_and_four_channels_go_without_files(grey: Images) -> None:
    for size in (16, 224):
        assert [len(some) for some in strengths(size).values()] == [5] * 5
    assert strengths(95) == strengths(16) != strengths(96)
    rows = list(corruptions(grey))
    assert len(rows) == 25
    assert rows[2].name == "noise 3"
    for way in ("noise", "contrast", "brightness"):
        far = [np.abs(one.pixels(grey).astype(int) - grey.pixels).mean() for one in rows if one.name.startswith(way)]
        assert far == sorted(far)
        assert far[0] < far[-1]
    four = Images(np.full((2, 4, 16, 16), 100, np.uint8))
    assert not any(one.name.startswith("jpeg") for one in corruptions(four))
    assert (corrupted(four, Corruption("brightness", 0.2)).pixels == 151).all()
    assert (corrupted(four, Corruption("contrast", 0.1)).pixels == 100).all()
    assert (corrupted(grey.subset([3]), Corruption("noise", 0.1)).pixels[0] == rows[4].pixels(grey)[3]).all()


def test_an_encoder_of_pictures_has_a_row_for_each_change(
    given: Callable[..., Given], of_pictures: Encoder, pictures: np.ndarray
) -> None:
    data = {"images": pictures, "labels": np.repeat([0, 1, 2], 32)}
    measurement = TASKS["robustness-table"].prepare(given(of_pictures, data, review=Review(steps=2)))
    metrics, z = measurement(Embedder(of_pictures).embed)
    rows = conditions_in_rows({"trained": metrics})
    assert len(rows) == 1 + 25 + 3 + 2
    assert next(iter(rows)) == "as they are"
    assert list(rows)[-5:] == ["patch", "grey for patch", "noise for patch", "delta", "noise for delta"]
    assert z.shape[0] == metrics["kNN"].count == 18
    plain = TASKS["labelled-table"].prepare(given(of_pictures, data))
    known = plain(Embedder(of_pictures).embed)[0]
    for name in ("kNN", "linear probe"):
        assert metrics[name].value == known[name].value, "one pass for all rows answers as one for each"
        assert metrics[f"{name}; delta"].name == f"{name}; delta"
    kept = measurement.record()["robustness"]
    lost = next(one for one in kept["lost"] if one["row"] == "contrast 5" and one["metric"] == "kNN")
    assert lost["lost"] == pytest.approx(metrics["kNN"].value - metrics["kNN; contrast 5"].value)
    assert lost["low"] <= lost["lost"] <= lost["high"]
    assert any("no proof of safety" in note for note in measurement.notes)
    assert kept["poisoned"] == {}


def test_towers_are_asked_by_words_and_by_sentences_and_without_classes_by_words_alone(
    given: Callable[..., Given], of_pairs: Encoder
) -> None:
    task, data = TASKS["robustness-table"], "made:scenes?count=60"
    measurement = task.prepare(given(of_pairs, data, review=Review(steps=2)))
    metrics, _ = measurement(Embedder(of_pairs).embed)
    assert list(metrics)[:3] == ["named right", "recall@1 by words", "recall@1 by picture"]
    assert len(conditions_in_rows({"trained": metrics})) == 31
    assert measurement.setting.test.count == 42
    assert not set(measurement.answers.find.identifiers) & set(measurement.answers.test.identifiers)  # type: ignore[attr-defined]
    other = task.prepare(given(of_pairs, data, "made:scenes?count=20&seed=4", review=Review(steps=2)))
    assert other.setting.test.count == 20
    unlabelled = Embedder(of_pairs).open(data, labels="none")
    without = task.prepare(given(of_pairs, unlabelled, review=Review(steps=2)))
    assert without.answers.names is None  # type: ignore[attr-defined]
    assert any("pictures were not named by words" in note for note in without.notes)


def test_what_cannot_be_measured_is_one_sentence(
    given: Callable[..., Given], of_pairs: Encoder, of_pictures: Encoder, pictures: np.ndarray, of_rows: Encoder
) -> None:
    task = TASKS["robustness-table"]
    assert not task.possible(given(of_pictures, {"images": pictures}))
    assert not task.possible(given(of_rows, {"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [0.0, 1.0], "label": [0, 1]}))
    digits = {"images": pictures, "labels": np.repeat([0, 1, 2], 32)}
    with pytest.raises(DataError, match="are numbers, which no sentence is about"):
        task.prepare(given(of_pairs, digits))
    with pytest.raises(DataError, match="give 8 or more"):
        task.prepare(given(of_pairs, "made:scenes?count=6"))
    with pytest.raises(ArgumentError, match="said of two towers"):
        task.prepare(given(of_pictures, digits, review=Review(repair={"found": False, "target": "x"})))
    for wrong, words in (({"radius": 0.0}, "--eps-linf"), ({"area": 1.5}, "below 1"), ({"steps": 0}, "--attack-steps")):
        with pytest.raises(ArgumentError, match=words):
            Review(**wrong)  # type: ignore[arg-type]


def saved_delta(folder: Any, encoder: Encoder, size: int = 16) -> Saved:
    made = SavedPerturbation(
        kind="delta",
        channels=3,
        image_size=size,
        victims=[Victim("here", encoder.name, fingerprint_of(encoder))],
        bound={"norm": "linf", "radius": 0.1},
        tensors={"delta": torch.full((3, size, size), 0.1)},
    )
    save_perturbation(made, folder)
    return Saved(str(folder), load_perturber(folder))


def test_saved_changes_stand_beside_noise_as_large_and_those_of_another_size_are_refused(
    given: Callable[..., Given], of_pictures: Encoder, of_pairs: Encoder, pictures: np.ndarray, tmp_path: Any
) -> None:
    data = {"images": pictures, "labels": np.repeat([0, 1, 2], 32)}
    task = TASKS["robustness-table"]
    own, other = saved_delta(tmp_path / "own", of_pictures), saved_delta(tmp_path / "other", of_pairs)
    measurement = task.prepare(given(of_pictures, data, review=Review(steps=1, saved=(own, other))))
    metrics, _ = measurement(Embedder(of_pictures).embed)
    rows = list(conditions_in_rows({"trained": metrics}))
    assert rows[-4:] == ["delta 1 saved", "noise for delta 1 saved", "delta 2 saved", "noise for delta 2 saved"]
    notes = "\n".join(measurement.notes)
    assert "delta 1 saved: of" in notes
    assert "made against these very weights" in notes
    assert "made against other weights, so a transfer or stale" in notes
    larger = saved_delta(tmp_path / "larger", of_pictures, 24)
    with pytest.raises(ArgumentError, match="made for pictures of 3 x 24 x 24, and this encoder takes 3 x 16 x 16"):
        task.prepare(given(of_pictures, data, review=Review(saved=(larger,))))


def metric(name: str, right: list[int]) -> Metric:
    return Metric.from_items(name, np.array(right), protocol="")


def test_sentences_set_a_change_beside_noise_and_pass_over_what_is_at_chance() -> None:
    clean = {"blind": metric("blind", [1, 0] * 20), "sure": metric("sure", [1] * 40)}
    plain, noise = of_delta("delta", torch.zeros(1, 2, 2), 0.1, seed=0)
    under = {
        "delta": {"blind": clean["blind"], "sure": metric("sure", [0] * 30 + [1] * 10)},
        "noise for delta": {"blind": clean["blind"], "sure": metric("sure", [0] * 2 + [1] * 38)},
    }
    alive = above_chance(clean, {"blind": 0.5, "sure": 0.5})
    assert alive == ["sure"]
    first, second = in_sentences([plain, noise], losses(clean, under), clean, alive)
    assert first.startswith("delta takes 75.0 points [")
    assert "of sure; noise as large 5.0 points [" in first
    assert second.startswith("no better than chance, or than always naming the largest class, before anything is")
    (nothing,) = in_sentences([plain, noise], losses(clean, under), clean, [])
    assert nothing.startswith("nothing can be lost: before anything is changed, blind (50.0 %")
    assert nothing.endswith("is no better than chance, or than always naming the largest class")


def test_a_scan_is_a_suspicion_and_a_repair_is_quoted() -> None:
    before = np.arange(40) % 4
    piled = scanned(list("abcd"), before, np.where(np.arange(40) < 35, 2, before))
    assert (piled["class"], piled["stands_out"]) == ("c", True)
    half = scanned(list("abcd"), before, np.where(np.arange(40) < 20, 2, before))  # as those of clean towers do
    assert (half["class"], half["stands_out"]) == ("c", False)
    assert not scanned(list("abcd"), before, before)["stands_out"]
    found = {"found": True, "target": "c", "before": {"trigger_success": 0.9}, "after": {"trigger_success": 0.02}}
    told = "poisoned? fix found a trigger of 'c': of other pictures it took 90.0 % before the repair, 2.0 % after"
    assert repair_in_words(found, "fix") == told
    assert repair_in_words({"found": True, "target": "c"}, "fix") == "poisoned? fix found a trigger of 'c'"
    assert "says nothing of these" in repair_in_words({**found, "these_towers": False}, "fix")
    assert repair_in_words({**found, "these_towers": True}, "fix") == told
    nothing = repair_in_words({"found": False, "target": "c", "reasons": ["too large"]}, "fix")
    assert nothing == "poisoned? fix found no trigger (too large), which is no proof that there is none"


def test_targets_are_used(given: Callable[..., Given], of_pairs: Encoder) -> None:
    asked = Targets(prompts=("a {} thing",))
    found = given(of_pairs, "made:scenes?count=40", targets=asked)
    assert TASKS["robustness-table"].unused(found) is None


def test_rows_that_are_asked_together_are_scored_each_by_itself(
    given: Callable[..., Given], of_pictures: Encoder, pictures: np.ndarray
) -> None:
    data = {"images": pictures, "labels": np.repeat([0, 1, 2], 32)}
    answers = TASKS["robustness-table"].prepare(given(of_pictures, data)).answers  # type: ignore[attr-defined]

    def pixels(samples: Images) -> np.ndarray:
        return samples.pixels.reshape(len(samples), -1).astype(np.float32)

    right = pixels(answers.test)
    together = answers.columns(pixels, [right, np.roll(right, 7, axis=0)])
    for rows, found in zip((right, np.roll(right, 7, axis=0)), together, strict=True):
        (alone,) = answers.columns(pixels, [rows])
        assert {name: one.value for name, one in found.items()} == {name: one.value for name, one in alone.items()}
    assert together[0]["kNN"].value > together[1]["kNN"].value + 0.3
