"""Every published claim runs in its smoke version, and a smoke run is never taken for a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contrapose.claims import CLAIMS, load_published
from contrapose.claims.page import claims_page, with_table
from contrapose.claims.record import published_records
from contrapose.commands.reproduce import ReproduceOptions, reproduce

load_published()


@pytest.mark.parametrize("name", CLAIMS)
def test_the_smoke_version_runs_and_is_no_evidence(name: str, tmp_path: Path, picture_parts: str) -> None:
    said: list[str] = []
    options = ReproduceOptions(claim=name, data=picture_parts, quick=True, out=tmp_path / "out", work=tmp_path / "work")
    findings = reproduce(options, say=said.append)
    assert len(findings) == len(CLAIMS[name].predictions)
    record = json.loads((tmp_path / "out" / f"{name}.quick.json").read_text())
    assert record["size"] == "quick"
    assert record["verdict"] == "none: a smoke run"
    assert list(published_records(tmp_path / "out")) == []
    spoken = "\n".join(said)
    assert "numbers mean nothing" in spoken
    assert not any(word in spoken for word in ("reproduced", "refuted", "not resolved"))


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_can_be_decided(name: str) -> None:
    claim = CLAIMS[name]
    assert claim.paper.count("http") >= 1
    assert claim.protocol.seeds >= 3
    assert claim.full.images > claim.protocol.images


def test_the_page_in_docs_is_the_one_that_the_records_make() -> None:
    root = Path(__file__).parents[2]
    records = list(published_records(root / "results" / "claims"))
    assert records, "results/claims holds no record"
    assert (root / "docs" / "claims.md").read_text() == claims_page(records)
    methods = (root / "docs" / "methods.md").read_text()
    assert methods == with_table(methods, records, page="claims.md")
