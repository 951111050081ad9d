"""`contrapose analyse controllability`: what it says, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config

import contrapose
from contrapose.commands.analyse_controllability import AnalyseControllabilityOptions, analyse_controllability
from contrapose.controllability.descriptor import COUNTS, DESCRIPTOR_NAMES
from contrapose.data.graphs.descriptors import ctrl_descriptors
from contrapose.errors import ArgumentError, DataError, UnwrittenError
from contrapose.modalities import MODALITIES
from kind_cases import WRITERS

SHORT: dict[str, Any] = {"draws": 2, "jobs": 1}


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Rings, stars, and rings with a chord at every node."""
    return str(WRITERS["graph"](tmp_path_factory.mktemp("graphs")))


@pytest.fixture(scope="module")
def analysed(graphs: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, str]:
    folder, lines = tmp_path_factory.mktemp("analysed"), list[str]()
    how = {"epochs": 1, "batch_size": 16, "projection_hidden": 8, "quiet": True}
    contrapose.train("cgcl", data=graphs, out=str(folder / "run"), **how)
    options = AnalyseControllabilityOptions(data=graphs, run=str(folder / "run"), out=folder / "deep" / "er", **SHORT)
    return analyse_controllability(options, say=lines.append), options.out, "\n".join(lines)


def test_it_writes_the_numbers_a_record_and_a_picture(graphs: str, analysed: Any) -> None:
    record, out, said = analysed
    assert json.loads((out / "controllability.json").read_text()) == json.loads(json.dumps(record))
    svg = (out / "controllability.svg").read_text()
    assert svg.startswith("<svg")
    assert "48 graphs" in svg
    with np.load(out / "controllability.npz") as found:
        assert found["descriptors"].shape == (48, 154)
        assert found["names"].tolist() == list(DESCRIPTOR_NAMES)
        assert len(found["identifiers"]) == len(found["labels"]) == 48
        opened = MODALITIES["graph"].open(graphs)
        assert (found["descriptors"] == ctrl_descriptors(opened, draws=2)).all()
        some = opened.subset(np.array([7, 3]))
        assert (found["descriptors"][[7, 3]] == ctrl_descriptors(some, draws=2)).all()
    assert f"Written: {out}/controllability.svg" in said


def test_it_says_what_can_be_steered(analysed: Any) -> None:
    record, _, said = analysed
    assert {row["leaders"] for row in record["steered"]} == set(COUNTS)
    assert len({row["group"] for row in record["steered"]}) == 3
    assert all(0 < row["followers steered"] <= 1 for row in record["steered"])
    assert all(0 < row["distinct distances"] <= 1 for row in record["steered"])
    assert "Share of the followers that can be steered" in said
    changes = record["changeable"]
    assert 0 < changes["deleted"] < changes["asked"]
    assert changes["sentence"] in said
    assert changes["graphs that lose none"] >= 16  # stars are trees


def test_classes_are_told_apart_by_it(analysed: Any) -> None:
    arms = analysed[0]["arms"]
    assert list(arms) == ["embeddings", "embeddings and CTRL", "CTRL", "tag and degree counts", "nodes and edges alone"]
    assert arms["CTRL"]["nested SVM"]["value"] > 0.9
    assert arms["nodes and edges alone"]["nested SVM"]["value"] < arms["CTRL"]["nested SVM"]["value"] + 1e-9


def test_without_classes_nothing_is_tested(graphs: str, tmp_path: Path) -> None:
    options = AnalyseControllabilityOptions(data=graphs, labels="none", limit=6, out=tmp_path, **SHORT)
    record = analyse_controllability(options, say=lambda text: None)
    assert record["arms"] == {}
    assert {row["group"] for row in record["steered"]} == {"all"}
    with np.load(tmp_path / "controllability.npz") as found:
        assert "labels" not in found
    with pytest.raises(DataError, match="--run asks how well classes are told apart"):
        analyse_controllability(
            AnalyseControllabilityOptions(data=graphs, labels="none", limit=6, run="somewhere", out=tmp_path, **SHORT),
            say=lambda text: None,
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"draws": 0}, "--draws must be at least 1"),
        ({"leaders": 0.0}, "--leaders must be above 0"),
        ({"share": 1.0}, "--share must be from 0"),
        ({"jobs": 0}, "--jobs must be at least 1"),
    ],
)
def test_options_out_of_range_are_refused(graphs: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        analyse_controllability(AnalyseControllabilityOptions(data=graphs, **{**SHORT, **options}))


def test_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="holds rows"):
        analyse_controllability(AnalyseControllabilityOptions(data=str(WRITERS["rows"](tmp_path)), **SHORT))


def test_what_was_found_is_not_lost_where_it_cannot_be_written(graphs: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    options = AnalyseControllabilityOptions(data=graphs, limit=6, labels="none", out=tmp_path / "file", **SHORT)
    with pytest.raises(UnwrittenError) as refused:
        analyse_controllability(options, say=lambda text: None)
    assert refused.value.result["graphs"] == 6


def test_many_at_once_give_the_same_numbers(graphs: str) -> None:
    some = MODALITIES["graph"].open(graphs, limit=20)
    done: list[int] = []
    with parallel_config(backend="threading"):  # processes take seconds to begin
        side_by_side = ctrl_descriptors(some, draws=1, jobs=2, done=done.append)
    assert (side_by_side == ctrl_descriptors(some, draws=1)).all()
    assert done == [16, 20]


def test_what_cannot_be_tested_by_classes_is_written_all_the_same(graphs: str, tmp_path: Path) -> None:
    lines: list[str] = []
    options = AnalyseControllabilityOptions(data=graphs, limit=3, out=tmp_path / "few", **SHORT)
    record = analyse_controllability(options, say=lines.append)
    assert record["arms"] == {}
    assert any(line.startswith("\nNot tested by classes: ") and "cannot be dealt" in line for line in lines)
    assert {path.suffix for path in options.out.iterdir()} == {".svg", ".json", ".npz"}
