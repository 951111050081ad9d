from dataclasses import replace

import numpy as np
import pytest

from contrapose.claims import outside
from contrapose.claims.outside import OUTSIDE
from contrapose.claims.published.simclr_sentences import CLAIM
from contrapose.claims.quick import quick_version
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES

TEXTS = ["A man plays a guitar.", "Someone makes music.", "Prices of oil rose again."]


@pytest.mark.parametrize("name", sorted(name for name, one in OUTSIDE.items() if one.modality == "text"))
def test_what_others_trained_knows_what_is_alike(name: str) -> None:
    if not OUTSIDE[name].there:
        pytest.skip(f"the package {OUTSIDE[name].package} is not installed")
    rows = OUTSIDE[name].load()(MODALITIES[OUTSIDE[name].modality].open(TEXTS)).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


def test_graphs_are_known_without_training() -> None:
    line, ring = (4, [(0, 1), (1, 2), (2, 3)]), (4, [(0, 1), (1, 2), (2, 3), (3, 0)])
    graphs = MODALITIES["graph"].open([line, ring, line])
    assert OUTSIDE["nodes and edges alone"].load()(graphs).tolist() == [[4, 3], [4, 4], [4, 3]]
    rows = OUTSIDE["CTRL"].load()(graphs)
    assert rows.shape == (3, 154)
    assert (rows[0] == rows[2]).all()
    assert (rows[0] != rows[1]).any()
    assert OUTSIDE["CTRL"].load()(graphs) is rows  # asked again for the same graphs
    fewer = graphs.subset(np.array([1]))
    assert (OUTSIDE["CTRL"].load()(fewer) == rows[1]).all()


def test_one_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    away = replace(OUTSIDE["MiniLM"], package="no_such_package")
    monkeypatch.setitem(outside.OUTSIDE, "MiniLM", away)
    assert "MiniLM" not in CLAIM.floors
    assert not any("MiniLM" in note for note in CLAIM.notes)
    monkeypatch.setitem(outside.OUTSIDE, "MiniLM", replace(away, package="json"))
    assert CLAIM.floors[:2] == ("untrained", "word counts")
    assert CLAIM.floors[2] == "MiniLM"
    assert any(note.startswith("MiniLM: ") for note in CLAIM.notes)


def test_a_smoke_run_does_without() -> None:
    assert len(quick_version(CLAIM).floors) == 2


@pytest.mark.parametrize(("name", "modality"), [("MiniML", "text"), ("MiniLM", "image")])
def test_another_name_or_kind_is_refused(name: str, modality: str) -> None:
    with pytest.raises(ArgumentError, match="MiniLM" if modality == "text" else "There is: none"):
        replace(CLAIM, outside=(name,), modality=modality)
