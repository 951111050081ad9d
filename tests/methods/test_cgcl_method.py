"""cgcl: its options, what it says of graphs that can hardly change, what it logs, and what it is without its edit."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data import Batch, Graphs
from contrapose.errors import ArgumentError
from contrapose.learners import Counted, Siamese
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.views.graphs import GraphViews

CGCL: Any = METHODS["cgcl"]


def graphs(count: int = 12, *, chords: int = 0) -> Graphs:
    """Rings, each node joined to those `chords` further on as well; without chords paths."""
    made = []
    for size in range(8, 8 + count):
        pairs = [(v, v + 1) for v in range(size - 1)]
        pairs += [(v, (v + step) % size) for step in range(2, 2 + chords) for v in range(size)]
        made.append((size, pairs))
    return MODALITIES["graph"].open(made)


def small(**options: Any) -> Any:
    return CGCL(batch_size=6, projection_hidden=8, projection_dimension=8, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"leaders": 0.0}, "leaders"),
        ({"leaders": 1.5}, "leaders"),
        ({"change": "swap"}, "both, delete, add, substitute"),
        ({"temperature": 0.0}, "temperature"),
        ({"views": GraphViews(count=1)}, "at least 2"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        CGCL(**options)


def test_it_is_for_graphs() -> None:
    with pytest.raises(ArgumentError, match="cgcl is for graphs, for it is edges that it changes; these are texts"):
        CGCL.on("text")


def test_edits_have_its_leaders_by_default() -> None:
    assert CGCL().views == GraphViews(edit="control")
    assert METHODS["simclr"].on("graph")().views.edit != "control"


def test_it_says_where_few_edges_can_change() -> None:
    with pytest.warns(UserWarning, match="0% of the edges that are asked to go can"):
        assemble(small(leaders=0.01), graphs())  # paths
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assemble(small(leaders=0.01), graphs(chords=3))
        assemble(small(leaders=0.01, change="add"), graphs())
        assemble(small(views=GraphViews(edit="edges")), graphs())


def test_it_logs_what_could_change_and_no_network_sees_it() -> None:
    samples = graphs(chords=2)
    learner, make = assemble(small(), samples)
    rows = torch.arange(6)
    views = make(samples.batch(rows), generator=torch.Generator().manual_seed(0))
    assert len(views) == 3
    step = learner(Batch(views=views, indices=rows))
    asked, gone, come = views[-1].sum(0)
    assert step.log == {"edges_deleted": gone / asked, "edges_added": come / asked}
    assert 0 < step.log["edges_deleted"] <= 1
    alone = learner(Batch(views=views[:2], indices=rows))
    assert alone.log == {}
    assert alone.loss.item() == pytest.approx(step.loss.item())
    with pytest.raises(ArgumentError, match=r"\(B, 3\)"):
        learner(Batch(views=(*views[:2], views[2][:, :2]), indices=rows))


def test_with_other_edits_it_is_simclr() -> None:
    samples, rows = graphs(chords=2), torch.arange(6)
    how = {"batch_size": 6, "projection_hidden": 8, "projection_dimension": 8, "views": GraphViews(edit="edges")}
    losses = []
    for method in (CGCL, METHODS["simclr"].on("graph")):
        learner, make = assemble(method(**how), samples)
        views = make(samples.batch(rows), generator=torch.Generator().manual_seed(0))
        assert len(views) == 2
        losses.append(learner(Batch(views=views, indices=rows)).loss.item())
        assert isinstance(learner, Siamese)
    assert losses[0] == losses[1]
    assert isinstance(assemble(CGCL(**how), samples)[0], Counted)


def test_leaders_and_change_reach_the_views() -> None:
    samples = graphs(chords=3)
    counts = {}
    for name, options in {"few": {"leaders": 0.01}, "all": {"leaders": 1.0}, "delete": {"change": "delete"}}.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, make = assemble(replace(small(), **options), samples)
        counts[name] = make(samples.batch(np.arange(12)), generator=torch.Generator().manual_seed(0))[-1].sum(0)
    assert counts["few"][1] > counts["all"][1] == 0  # where all lead, every edge is somebody's only way
    assert counts["delete"][2] == 0 < counts["delete"][1]
