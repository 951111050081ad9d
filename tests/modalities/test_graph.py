"""Graphs go all the way: train, resume, evaluate, embed, search, report, export, start from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import contrapose
from contrapose.cli import main
from contrapose.commands.data_check import data_check
from contrapose.commands.evaluate import evaluate
from contrapose.commands.export import export
from contrapose.data import Images, kind_of, open_graphs
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.graph_batch import GraphBatch
from contrapose.methods import METHODS
from contrapose.modalities import MODALITIES
from kind_cases import WRITERS

QUICK = ("--epochs", "2", "--batch-size", "24", "--projection-hidden", "8", "--projection-dimension", "4")
OPTIONS = {"epochs": 1, "batch_size": 8, "projection_hidden": 8, "projection_dimension": 4, "quiet": True}
PAIRS = [([0, 1, 2, 0], [(0, 1), (1, 2), (2, 3)]), ([2, 2], [(0, 1)]), ([1], [])] * 4
GRAPH = MODALITIES["graph"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(WRITERS["graph"](tmp_path_factory.mktemp("graphs")))


@pytest.fixture(scope="module")
def run(data: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run"
    main(["train", "simclr", "--data", data, *QUICK, "--views.edit", "edges", "--out", str(path)])
    return path


def test_a_run_on_graphs_does_all_that_runs_do(
    run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "config.json").read_text())
    assert record["modality"] == "graph"
    assert record["config"]["views"] == {"count": 2, "edit": "edges", "share": 0.2, "keep_first": False}
    assert record["data"]["node_inputs"] == {"kind": "tags", "values": ["0", "1", "2"]}
    capsys.readouterr()

    main(["evaluate", str(run)])
    printed = capsys.readouterr().out
    assert "48 graphs tested in 10 folds by class (seed 0)" in printed
    arms = json.loads((run / "evaluation.json").read_text())["arms"]
    assert {"trained", "untrained", "tag and degree counts"} <= set(arms)
    assert arms["tag and degree counts"]["nested SVM"]["value"] > 0.9  # degrees tell these classes
    main(["evaluate", str(run), "--task", "labelled-table", "--k", "5"])
    assert "linear probe" in capsys.readouterr().out

    main(["embed", str(run), data, "--out", str(tmp_path / "e.npz")])
    with np.load(tmp_path / "e.npz") as found:
        assert found["embeddings"].shape == (48, 96)
    capsys.readouterr()
    main(["search", str(run), data, "--in", data, "-k", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"^0: \d+ nodes, \d+ edges; ", lines[0])
    main(["report", str(run), "--out", str(tmp_path / "report.html")])
    page = (tmp_path / "report.html").read_text()
    assert "20 % of the edges taken away, and as many put elsewhere" in page
    main(["export", str(run), "--to", "folder", "--out", str(tmp_path / "model")])
    assert "undirected graphs whose nodes have 3 tags (0, 1, 2)" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(RunError, match="Encoder 'gin' of graph data cannot become an ONNX file"):
        export(run, to="onnx", out=str(tmp_path / "model.onnx"), quiet=True)


def test_it_goes_on_bit_for_bit(run: Path, data: str, tmp_path: Path) -> None:
    words = ["--data", data, *QUICK, "--views.edit", "mixed", "--schedule", "constant", "--warmup-share", "0"]
    main(["train", "simclr", *words, "--out", str(tmp_path / "part")])
    main(["train", "--resume", str(tmp_path / "part"), "--epochs", "3"])
    main(["train", "simclr", *words[:2], "--epochs", "3", *words[4:], "--out", str(tmp_path / "whole")])
    one, two = (contrapose.load(tmp_path / name).encoder.state_dict() for name in ("part", "whole"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_other_graphs_are_read_by_the_encoders_tags(run: Path) -> None:
    encoder = contrapose.load(run)
    both = encoder.embed([(["2", "9", "0"], [(0, 1), (1, 2)]), (["1"], [])])
    assert both.shape == (2, 96)
    hidden = encoder.embed([(["2", "7", "0"], [(0, 1), (1, 2)])])
    np.testing.assert_allclose(both[:1], hidden, rtol=1e-5, atol=1e-5)  # both are unknown
    opened = open_graphs([(["2", "9", "0"], [(0, 1), (1, 2)])])
    np.testing.assert_allclose(
        encoder.embed(opened), hidden, rtol=1e-5, atol=1e-5
    )  # whatever numbers its tags have there
    with pytest.raises(DataError, match="have 3 tags, and those of a list of graphs have no tags"):
        encoder.embed([(3, [(0, 1)])])
    with pytest.raises(ArgumentError, match="takes graphs, and was given pictures"):
        encoder.embed(Images(np.zeros((2, 3, 8, 8), np.uint8)))


def test_training_starts_from_a_run_on_other_graphs(run: Path, tmp_path: Path) -> None:
    more = contrapose.train("moco", data=PAIRS, init=str(run), out=str(tmp_path / "more"), queue=8, **OPTIONS)
    assert more.load().encoder.inputs.values == ("0", "1", "2")
    with pytest.raises(ArgumentError, match=r"nodes have 3 tags, and these .* have their degrees as tags: open them"):
        contrapose.train("moco", data=open_graphs([(2, [(0, 1)])] * 8), init=str(run), queue=4, **OPTIONS)


@pytest.mark.parametrize("encoder", ["gin", "node_bag"])
@pytest.mark.parametrize("nodes", ["tags", "features", "degree"])
def test_every_form_of_nodes_trains(encoder: str, nodes: str, tmp_path: Path) -> None:
    held = {"tags": [0, 1, 2, 1], "features": np.random.default_rng(0).normal(size=(4, 3)), "degree": 4}[nodes]
    graphs = [(held, [(0, 1), (1, 2)][: 1 + row % 2]) for row in range(8)]
    run = contrapose.train("simclr", data=graphs, encoder=encoder, out=str(tmp_path / "run"), **OPTIONS)
    assert run.load().encoder.inputs.kind == nodes
    assert np.isfinite(run.load().embed(graphs)).all()


def test_views_of_ones_own(tmp_path: Path) -> None:
    def without_edges(graph: GraphBatch) -> GraphBatch:
        return graph.with_edges(graph.edges[:, :0])

    run = contrapose.train("simclr", data=PAIRS, views=without_edges, out=str(tmp_path / "run"), **OPTIONS)
    assert run.outcome.finished


def test_data_are_checked(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data_check(data, quiet=True).facts[0].startswith("nodes  ")
    main(["data", "check", data, "--out", ""])
    printed = capsys.readouterr().out
    assert "48 graphs" in printed
    assert "degree" in printed
    graphs = [*PAIRS, ([1] * 300, [(0, node) for node in range(1, 300)])]
    kinds = {problem.kind for problem in data_check(graphs, quiet=True).problems}
    assert {"large", "duplicates"} <= kinds


def test_the_floor_counts() -> None:
    known = open_graphs(PAIRS)
    features = GRAPH.floor(known)(known.subset([0, 1, 2]))
    counts = np.array(
        # n, m, tags 0, 1, 2, unknown, degrees 0, 1, 2
        [[4, 3, 2, 1, 1, 0, 0, 2, 2], [2, 1, 0, 0, 2, 0, 0, 2, 0], [1, 0, 0, 1, 0, 0, 1, 0, 0]],
        dtype=float,
    )
    spread = np.where(counts.std(0) > 0, counts.std(0), 1)
    np.testing.assert_allclose(features, (counts - counts.mean(0)) / spread, rtol=1e-5, atol=1e-6)


def test_a_graph_is_drawn_the_same_every_time() -> None:
    graphs = open_graphs([*PAIRS, ([0] * 200, [(node // 2, node) for node in range(1, 200)])], node_input="degree")
    drawing = GRAPH.drawing(graphs, 0)
    assert drawing == GRAPH.drawing(graphs, 0)
    assert drawing.count("<circle") == 4
    assert drawing.count("<line") == 3
    assert "<title>4 nodes, 3 edges; degree 1 (2), degree 2 (2)</title>" in drawing
    assert len(set(re.findall(r'fill="([^"]+)"', drawing))) == 2
    tree = GRAPH.drawing(graphs, len(graphs) - 1)
    assert tree.count("<circle") == 60
    assert "the 60 nodes around the one with most edges are drawn" in tree
    places = np.array(
        [[float(value) for value in one] for one in re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)"', drawing)]
    )
    assert places.min() >= 0
    assert places.max() <= 240
    lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert lengths.max() < 1.2 * lengths.min(), "a path is a straight line with even steps"
    alone = GRAPH.drawing(graphs, 2)
    assert alone.count("<circle") == 1
    encoder = GRAPH.encoder(METHODS["simclr"].on("graph")(), graphs)
    found = GRAPH.view_drawings(encoder.prepare(graphs.batch([0, 2])), encoder)
    assert found is not None
    assert found[0] == drawing.replace(graphs.excerpt(0), encoder.in_words(graphs.batch([0]))[0])


def test_words_are_for_a_kind(data: str) -> None:
    assert kind_of(data) == "graph"
    with pytest.raises(ArgumentError, match=r"text_column \(--text-column\) is not an option of graphs"):
        GRAPH.open(data, text_column="x")
    with pytest.raises(ArgumentError, match="node_input"):
        contrapose.train("simclr", data=PAIRS, node_input="tag", **OPTIONS)


def test_a_made_up_batch_is_prepared(run: Path) -> None:
    encoder = contrapose.load(run).encoder
    view = GRAPH.made_up(encoder, 5, 0)
    assert len(view) == 5
    assert encoder(view).shape == (5, 96)
    assert GRAPH.shown_views(view[:1], encoder)[0].startswith("4 nodes, 4 edges; ")


def test_numbers_are_predicted(run: Path, data: str) -> None:
    found = evaluate(run, data=data, number_column="degrees", quiet=True)
    assert "MAE" in found.arms["trained"]
