"""`contrapose data check` lists texts that are nearly the same: for people, as JSON, by the similarity asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from contrapose.cli import main
from contrapose.commands.data_check import data_check

pytest.importorskip("tokenizers")

WORDS = [f"word{number}" for number in range(60)]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """150 texts, all different, of which three are nearly others: rows 150 to 152 are like rows 3, 4 and 5."""
    random = np.random.default_rng(0)
    texts = [f"{' '.join(random.permutation(WORDS)[:9].tolist())} {row}" for row in range(150)]
    texts += [f"{texts[3].upper()}!", f"{texts[4]} then", f"{texts[5]} and something quite else at its end"]
    file = tmp_path / "notes.csv"
    file.write_text("text,label\n" + "".join(f'"{text}",{row % 2}\n' for row, text in enumerate(texts)))
    return file


def test_pairs_are_listed_for_people(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "check", str(notes)])
    lines = capsys.readouterr().out.splitlines()
    problem = next(line for line in lines if line.startswith("problem: "))
    assert "2 pairs of near-duplicates among 4 texts (alike by 0.8 or more" in problem
    assert "3 and 150 (1.00), 4 and 151 (0.90). 2 pairs have different labels." in problem
    begin = lines.index("near-duplicates, most alike first:")
    shown = [line.split(maxsplit=2) for line in lines[begin + 1 : begin + 5]]
    assert [words[:2] for words in shown[::2]] == [["1.00", "3"], ["0.90", "4"]]
    assert [words[0] for words in shown[1::2]] == ["150", "151"]
    assert lines[begin + 2].endswith("3!")  # its beginning stands there


def test_the_similarity_is_asked_for(notes: Path) -> None:
    report = data_check(notes, near_duplicates=0.57, quiet=True)
    assert [pair.rows for pair in report.near] == [(3, 150), (4, 151), (5, 152)]
    assert not data_check(notes, near_duplicates=0, quiet=True).near
    assert "near-duplicates" not in data_check(notes, near_duplicates=0, quiet=True).text()


def test_json_holds_all_of_the_report(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "check", str(notes), "--json", "--near-duplicates", "0.57"])
    found = json.loads(capsys.readouterr().out)
    assert found["near"][0] == {
        "similarity": 1.0,
        "rows": [3, 150],
        "identifiers": ["3", "150"],
        "excerpts": [found["near"][0]["excerpts"][1].removesuffix("!").lower(), found["near"][0]["excerpts"][1]],
    }
    assert len(found["near"]) == 3
    assert [problem["kind"] for problem in found["problems"]] == ["near-duplicates"]
    assert found["classes"] == {"0": 77, "1": 76}
    assert found["sheet"] is None


def test_other_kinds_have_no_such_option(pictures: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", images=pictures)
    with pytest.raises(SystemExit):
        main(["data", "check", str(tmp_path / "some.npz"), "--near-duplicates", "0.9", "--out", ""])
    report = data_check(tmp_path / "some.npz", near_duplicates=0, quiet=True)
    assert json.dumps(report.to_dict())
    assert not report.near
