"""The scores of an evaluation, item by item, on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contrapose.commands.evaluation_items import HEADER, Scores
from contrapose.data import Images
from contrapose.errors import RunError
from contrapose.evaluation import Metric
from contrapose.tasks.setting import Identity, Setting

LABELS = np.array(["a", "b", "a", "b"])


def images(size: int = 4, *, channels: int = 3, value: int = 0) -> Images:
    return Images(np.full((4, channels, size, size), value, np.uint8), identifiers=["1", "2", "3", "4"])


def setting(**changes: object) -> Setting:
    part = Identity.of(images(), LABELS)
    return replace(Setting("labelled data", {"seed": 0, "k": 20}, part, part), **changes)  # type: ignore[arg-type]


def scores() -> Scores:
    right = Metric.from_items("kNN", np.array([1.0, 0.0, 1.0]), protocol="k = 20")
    return Scores("pictures", setting(), {"raw pixels": {"kNN": right, "NMI": Metric("NMI", 0.5, 0.4, 0.6, "", 3)}})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file, written = tmp_path / "items.npz", scores()
    written.save(file)
    found = Scores.read(tmp_path, file, tmp_path / "encoder")
    assert found == written
    np.testing.assert_array_equal(found.arms["raw pixels"]["kNN"].items, [1, 0, 1])
    assert found.arms["raw pixels"]["NMI"].items is None
    assert [path.name for path in tmp_path.iterdir()] == ["items.npz"]


def test_scores_older_than_the_weights_are_known_to_be(tmp_path: Path) -> None:
    import os

    file, weights = tmp_path / "items.npz", tmp_path / "encoder" / "encoder.safetensors"
    scores().save(file)
    weights.parent.mkdir()
    weights.touch()
    os.utime(weights, (0, file.stat().st_mtime + 10))
    assert Scores.read(tmp_path, file, weights.parent).older
    os.utime(weights, (0, file.stat().st_mtime - 10))
    assert not Scores.read(tmp_path, file, weights.parent).older


@pytest.mark.parametrize("content", [b"", b"PK broken", b"cut"])
def test_a_damaged_file_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "items.npz"
    scores().save(file)
    file.write_bytes(content if content != b"cut" else file.read_bytes()[:300])
    with pytest.raises(RunError, match=r"is damaged and cannot be read.*contrapose evaluate"):
        Scores.read(tmp_path, file, tmp_path)


def test_a_missing_file_and_another_format_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no scores to compare"):
        Scores.read(tmp_path, tmp_path / "items.npz", tmp_path)
    np.savez(tmp_path / "items.npz", **{HEADER: np.array(json.dumps({"format": 99}))})
    with pytest.raises(RunError, match="another version of contrapose"):
        Scores.read(tmp_path, tmp_path / "items.npz", tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "one-shot runs"}, "one was measured on labelled data, the other on one-shot runs"),
        ({"options": {"seed": 1, "k": 20}}, "seed was 0 in one and 1 in the other"),
        ({"options": {"seed": 0, "k": 5}}, "k was 20 in one and 5 in the other"),
        ({"test": Identity.of(images().subset([0, 1, 2]), LABELS[:3])}, "their test sets hold 4 and 3 samples"),
        ({"test": Identity.of(images().subset([1, 0, 2, 3]), LABELS)}, "their test sets hold samples of other names"),
        ({"test": Identity.of(images(), LABELS[::-1])}, "their test sets hold the same samples with other labels"),
        ({"test": Identity.of(images(value=1), LABELS)}, "their test sets hold samples of the same names"),
        ({"train": Identity.of(images(value=1), LABELS)}, "the labelled sets that they learned from hold samples"),
    ],
)
def test_what_differs_is_said(change: dict[str, object], words: str) -> None:
    assert (setting().difference(setting(**change)) or "").startswith(words)


def test_equal_settings_and_other_resolutions_can_be_paired() -> None:
    assert setting().difference(setting()) is None
    smaller = Identity.of(images(2, channels=1), LABELS)
    assert setting().difference(setting(test=smaller, train=smaller)) is None
