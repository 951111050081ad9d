"""Every published claim runs in its smoke version, and a smoke run is never taken for a result."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contrapose.claims import CLAIMS, load_published
from contrapose.claims.page import claims_page, with_table
from contrapose.claims.places import PUBLISHED
from contrapose.claims.record import read_records, scale_of
from contrapose.commands.claim_options import ReproduceOptions
from contrapose.commands.reproduce import reproduce
from contrapose.methods import METHODS

load_published()


@pytest.mark.parametrize("name", CLAIMS)
def test_the_smoke_version_runs_and_is_no_evidence(name: str, tmp_path: Path, parts_of_kind: dict[str, str]) -> None:
    said: list[str] = []
    data = parts_of_kind.get(name) or parts_of_kind[CLAIMS[name].modality]
    options = ReproduceOptions(claim=name, data=data, quick=True, out=tmp_path / "out", work=tmp_path / "work")
    findings = reproduce(options, say=said.append)
    assert len(findings) == len(CLAIMS[name].predictions)
    record = json.loads((tmp_path / "out" / f"{name}.quick.json").read_text())
    assert record["size"] == "quick"
    assert record["verdict"] == "none: a smoke run"
    assert list(read_records(tmp_path / "out")) == []
    spoken = "\n".join(said)
    assert "numbers mean nothing" in spoken
    assert not any(word in spoken for word in (" here,", "verdict:"))


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_can_be_decided(name: str) -> None:
    claim = CLAIMS[name]
    assert claim.paper.count("http") >= 1
    assert claim.protocol.seeds >= 3
    assert claim.full.images >= claim.protocol.images  # a set of a few graphs is whole in both
    assert claim.full != claim.protocol


def test_the_page_in_docs_is_the_one_that_the_records_make() -> None:
    root = Path(__file__).parents[2]
    records = list(read_records(PUBLISHED))
    assert {record["claim"] for record in records} <= set(CLAIMS)
    assert (root / "docs" / "claims.md").read_text() == claims_page(records)
    methods = (root / "docs" / "methods.md").read_text()
    assert methods == with_table(methods, records, page="claims.md")


def test_a_methods_help_has_the_verdict_of_its_record() -> None:
    verdicts = {record["claim"]: record["verdict"] for record in read_records(PUBLISHED)}
    told = 0
    for method in METHODS.values():
        head = " ".join((method.__doc__ or "").split())
        for claim, word in re.findall(r"`contrapose reproduce (\S+)`: \*([^*]+)\*", head):
            assert word == verdicts[claim], method
            told += 1
        assert not re.search(r"reproduced(?! here)|refuted|not resolved(?! here)", head), method
    assert told >= len(verdicts)


def test_every_verdict_stands_beside_its_scale() -> None:
    for record in read_records(PUBLISHED):
        of = "pictures|texts|sequences|users|graphs|pairs"
        assert re.fullmatch(rf"[\d,]+ ({of}), \d+ epochs?, \d seeds", scale_of(record))
        row = next(line for line in claims_page([record]).splitlines() if line.startswith("| ["))
        assert f"**{record['verdict']}** | {scale_of(record)} |" in row


def test_a_record_says_of_what_kind_its_samples_are_and_old_ones_are_of_pictures() -> None:
    record = next(record for record in read_records(PUBLISHED) if "modality" not in record)
    assert scale_of(record) == scale_of(record | {"modality": "image"})
    assert re.fullmatch(r"[\d,]+ texts, \d+ epochs, \d seeds", scale_of(record | {"modality": "text"}))


def test_records_of_an_earlier_version_are_read_in_the_words_of_today(tmp_path: Path) -> None:
    record = next(read_records(PUBLISHED))
    findings = [{**record["findings"][0], "word": word} for word in ("reproduced", "not resolved", "refuted")]
    old = {**record, "format": 1, "verdict": "refuted", "findings": findings}
    (tmp_path / "old.json").write_text(json.dumps(old))
    (read,) = read_records(tmp_path)
    assert read["verdict"] == "contrary here"
    assert [finding["word"] for finding in read["findings"]] == [
        "reproduced here",
        "not resolved here",
        "contrary here",
    ]
