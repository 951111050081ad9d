"""The command that measures a run asks for labels where it needs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contrapose.commands.measuring import measuring_command


@pytest.mark.parametrize(
    ("modality", "words"),
    [
        ("items", ""),
        ("image", " --data LABELLED"),
        ("pairs", " --data PAIRS"),
        ("graph", " --data LABELLED"),
        ("unheard-of", " --data LABELLED"),
    ],
)
def test_labels_are_asked_for_where_the_data_do_not_ask_by_themselves(
    modality: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": 1, "modality": modality}))
    assert measuring_command(tmp_path) == f"contrapose evaluate {tmp_path}{words}"


def test_a_damaged_run_is_left_to_what_reads_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    assert measuring_command(tmp_path).endswith(" --data LABELLED")
