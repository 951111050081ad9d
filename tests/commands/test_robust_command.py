"""`contrapose evaluate --robust` on encoders and towers: the table, the record, the card, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.card_facts import results_of
from contrapose.commands.evaluate import evaluate
from contrapose.commands.evaluate_robust import repair_of
from contrapose.encoders import Encoder, build, save_encoder
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.report import facts

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


@pytest.fixture
def trained(tmp_path: Path, pictures: np.ndarray) -> Path:
    return contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), **QUICK).path


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> str:
    np.savez(tmp_path / "data.npz", images=pictures, labels=np.repeat([0, 1, 2], 32))
    return str(tmp_path / "data.npz")


def test_the_table_has_a_row_a_change_on_the_screen_in_the_record_and_in_the_report(
    trained: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["evaluate", str(trained), "--data", data, "--robust", "--attack-steps", "2", "--k", "5"])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:1] == ["kNN"] for line in lines)
    rows = [line.split("  ")[0] for line in lines]
    assert {"as they are", "noise 5", "jpeg 1", "patch", "grey for patch", "noise for delta"} <= set(rows)
    assert any(line.startswith("Note: patch takes ") or "no better than chance" in line for line in lines)
    record = json.loads((trained / "evaluation.json").read_text())
    assert record["task"] == "robustness-table"
    assert {one["row"] for one in record["robustness"]["lost"]} >= {"patch", "noise for patch", "delta"}
    kept = results_of(trained)
    assert kept is not None
    shown = facts.results_of(kept.data, kept.arms, notes=kept.notes)
    assert [row[0] for row in shown.rows][:2] == ["as they are", "noise 1"]
    assert list(shown.columns) == ["kNN", "linear probe"]


def test_options_of_the_table_reach_it_or_are_refused(trained: Path, data: str) -> None:
    asked: dict[str, Any] = {"data": data, "quiet": True, "k": 5, "attack_steps": 1}
    found = evaluate(trained, robust=True, task="robustness-table", patch_area=0.2, eps_linf=16 / 255, **asked)
    options = found.setting.options
    assert (options["steps"], options["millionths of area"], options["millionths of radius"]) == (1, 200_000, 62_745)
    for wrong, words in (
        ({"robust": True, "eps_l2": 0.1}, "--eps-l2 and --restarts are of attacks on single pictures"),
        ({"patch_area": 0.2, "attack_steps": None}, "are of the robustness table"),
        ({"repair": "x", "attack_steps": None}, "are of the robustness table"),
        ({"robust": True, "perturbation": [str(trained)]}, "holds no perturbation"),
        ({"robust": True, "repair": str(trained)}, "holds no repair.json"),
    ):
        error = RunError if "holds no" in words else ArgumentError
        with pytest.raises(error, match=words):
            evaluate(trained, **{**asked, **wrong})


def test_what_has_no_labels_or_is_no_picture_is_one_sentence(
    trained: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    np.savez(tmp_path / "bare.npz", images=pictures)
    with pytest.raises(DataError, match="The task robustness-table needs an encoder of pictures and classes"):
        evaluate(trained, data=str(tmp_path / "bare.npz"), robust=True, quiet=True)


def test_a_repair_that_is_damaged_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "repair.json").write_text('{"found": true, "target": "seven"}')
    assert repair_of(tmp_path)["target"] == "seven"
    for text in ("{", '{"target": 3}', "[]"):
        (tmp_path / "repair.json").write_text(text)
        with pytest.raises(RunError, match="is damaged"):
            repair_of(tmp_path)


def test_an_encoder_folder_by_itself_is_measured_too(tmp_path: Path, data: str) -> None:
    encoder: Encoder = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(encoder, tmp_path / "encoder")
    found = evaluate(tmp_path / "encoder", data=data, robust=True, attack_steps=1, k=5, quiet=True)
    assert found.task == "robustness-table"
    assert "kNN; delta" in found.arms["trained"]
