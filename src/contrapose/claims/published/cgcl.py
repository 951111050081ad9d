"""CGCL: views of graphs that can be steered as they can, beside as many changes at random, on two sets of graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from contrapose.claims.claim import UNTRAINED, Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.registry import register
from contrapose.claims.results import difference
from contrapose.data import Graphs, only_labelled, stratified_folds
from contrapose.evaluation import nested_svm
from contrapose.modalities import MODALITIES

SVM = "nested SVM"
SHARE = 0.2
ARMS: Mapping[str, str] = {"control": "control", "matched": "matched", "GraphCL": "mixed", "copies": "none"}
"""Arms, and the edit of each: edges as far as distances from leaders stay, as many at random, one of four random
changes, and nothing."""


def in_folds(source: str, protocol: Protocol, seed: int) -> Ground:
    """All graphs that `--data` names (evenly spaced where the protocol wants fewer): learned from without labels, and
    tested in nested folds. There is nothing to be chosen, so that the validation part is a formality."""
    graphs = only_labelled(MODALITIES["graph"].open(source))
    if protocol.labelled < len(graphs):
        graphs = graphs.subset(np.linspace(0, len(graphs) - 1, protocol.labelled).astype(int))
    part = graphs.subset(np.arange(0, len(graphs), 2))
    return Ground({"pretraining": graphs}, labelled=graphs, validation=part, test=graphs)


def by_nested_folds(subject: Subject) -> dict[str, float]:
    """`nested SVM`: accuracy over all graphs of the ground, in their own folds (else ten by class), the penalty of each
    chosen on the two folds beside it."""
    graphs = cast(Graphs, subject.ground.test)
    labels = graphs.labels
    assert labels is not None, "only labelled graphs are in the ground"
    folds = stratified_folds(labels, 10, seed=0) if graphs.folds is None else graphs.folds  # (N,)
    return {SVM: nested_svm(subject.embeddings(graphs), labels, folds, every=False).value}


def _claim(name: str, graphs: str, known: str, count: int) -> Claim:
    def gain(one: str, other: str, role: Any = "secondary") -> Prediction:
        return Prediction(f"{one} - {other}, {SVM}", (one, other), difference(one, other, SVM), role=role)

    return Claim(
        name=name,
        title=f"Views of {graphs} that keep all distances from leaders teach more about their classes than views in "
        "which as many edges change at random.",
        paper="Ahmad et al., ACC 2024, https://arxiv.org/abs/2403.04923: seven sets of graphs; its tables were not at "
        "hand",
        arms=tuple(Arm(arm, "cgcl", {"views": {"edit": edit, "share": SHARE}}) for arm, edit in ARMS.items()),
        predictions=(
            gain("control", "matched", "claim"),
            gain("control", UNTRAINED, "claim"),
            gain("matched", UNTRAINED),
            gain("control", "copies"),
            gain("control", "GraphCL"),
        ),
        protocol=Protocol(
            options={"epochs": 20, "batch_size": 128, "encoder": "gin", "learning_rate": 1e-3},
            images=count,
            labelled=count,
            validation=count,
            test=count,
        ),
        full=Protocol(
            options={"epochs": 100, "batch_size": 128, "encoder": "gin", "learning_rate": 1e-3},
            images=count,
            labelled=count,
            validation=count,
            test=count,
        ),
        ground=in_folds,
        measures=(by_nested_folds,),
        choose_by=SVM,
        modality="graph",
        outside=("CTRL", "nodes and edges alone"),
        source=None,
        remarks=(
            f"Made for {graphs} ({count:,} of {known}, 10 folds that come with them); of any other file of labelled "
            "graphs as many are taken.",
            "All graphs are learned from without their labels, as is usual; each is tested once by a support vector "
            "machine whose penalty was chosen without its fold.",
            "matched takes away and adds as many edges of each graph and view as control could: of those asked for "
            "(20 % of a graph's edges to go and as many to come) fewer are possible.",
            "GraphCL draws for each graph one of: a fifth of the nodes left out, of the edges put elsewhere, of the "
            "tags hidden, a connected part kept. copies shows the graph twice: only others are to be told apart.",
        ),
    )


CLAIM = register(_claim("cgcl", "proteins", "PROTEINS", 1113))
IMDB = register(_claim("cgcl-imdb", "ego networks of actors", "IMDB-BINARY", 1000))
