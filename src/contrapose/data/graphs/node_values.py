"""What is read of the nodes of graphs: their tags, their features, or how many edges they have."""

from __future__ import annotations

import numpy as np

from contrapose.data.graphs.found import Found, GraphRequest
from contrapose.errors import ArgumentError, DataError
from contrapose.node_inputs import KINDS, UNKNOWN, NodeInputs, degrees
from contrapose.words import counted

MOST_TAGS = 256
"""Tags that are told apart, the most frequent ones [design], as of categories in tables."""
MOST_DEGREE = 255
"""The largest degree that is told from larger ones [design]: as many tags at most."""


def choose_inputs(found: Found, degree: np.ndarray, request: GraphRequest) -> tuple[NodeInputs, list[str]]:
    """What the nodes hold, and why, in sentences.

    Errors:
        DataError: an encoder, or the user, asks for what is not there.
        ArgumentError: an unknown word.
    """
    if request.inputs is not None:
        return _as_encoder(found, request.inputs), []
    asked = request.node_input
    if asked not in ("auto", *KINDS):
        raise ArgumentError(f"node_input must be one of auto, {', '.join(KINDS)}, got {asked!r}.")
    there = {"tags": found.tags is not None, "features": found.features is not None, "degree": True}
    if asked != "auto" and not there[asked]:
        raise DataError(
            f"The nodes of {found.origin} have no {asked}: give --node-input degree (node_input=), or leave it out."
        )
    notes = []
    values, counts = np.unique(found.tags, return_counts=True) if found.tags is not None else (np.zeros(0), np.zeros(0))
    if asked == "auto":
        asked = "tags" if len(values) > 1 else "features" if there["features"] else "degree"
        if there["features"] and asked == "tags":
            notes.append(
                "Nodes have features besides their tags, which are not read: --node-input features reads them."
            )
        if asked == "degree":
            why = "have no tags" if found.tags is None else "all have the same tag"
            notes.append(f"Nodes {why}: how many edges each has is taken in its place.")
    if asked == "features":
        return NodeInputs("features", features=found.features.shape[1]), notes  # type: ignore[union-attr]
    if asked == "degree":
        most = int(min(degree.max(initial=0), MOST_DEGREE))
        if degree.max(initial=0) > MOST_DEGREE:
            notes.append(f"Degrees above {MOST_DEGREE} are taken as {MOST_DEGREE}; the largest is {degree.max():,}.")
        return degrees(most), notes
    often = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_TAGS]])
    if len(values) > MOST_TAGS:
        notes.append(f"Nodes have {len(values):,} tags; all but the {MOST_TAGS} most frequent are taken as unknown.")
    return NodeInputs("tags", tuple(map(str, often.tolist()))), notes


def node_values(found: Found, degree: np.ndarray, inputs: NodeInputs) -> tuple[np.ndarray, list[str]]:
    """`(S,)` int64 tags or `(S, F)` float32 features, and a sentence on tags that are unknown.

    Errors:
        DataError: features that are no finite numbers.
    """
    if inputs.kind == "degree":
        return np.minimum(degree, len(inputs.values) - 1).astype(np.int64), []
    if inputs.are_numbers:
        values = np.asarray(found.features, np.float32)  # (S, F)
        wrong = ~np.isfinite(values).all(axis=1)  # (S,)
        if wrong.any():
            node = int(wrong.argmax())
            graph = int(np.searchsorted(np.cumsum(found.node_counts), node, side="right"))
            raise DataError(
                f"Node {node - int(found.node_counts[:graph].sum())} of graph {found.name(graph)} of {found.origin} "
                "has a feature that is missing or infinite: give numbers throughout, or --node-input degree."
            )
        return values, []
    distinct, inverse = np.unique(np.asarray(found.tags), return_inverse=True)
    place = {value: number for number, value in enumerate(inputs.values)}
    codes = np.array([place.get(str(value), UNKNOWN) for value in distinct.tolist()], np.int64)
    strange = [str(value) for value, code in zip(distinct.tolist(), codes, strict=True) if code == UNKNOWN]
    if not strange or len(distinct) > MOST_TAGS:
        return codes[inverse], []
    shown = f"{strange[0]!r}{', ...' if len(strange) > 1 else ''}"
    return codes[inverse], [f"{counted(len(strange), 'tag')} of nodes ({shown}) are unknown to the encoder."]


def _as_encoder(found: Found, inputs: NodeInputs) -> NodeInputs:
    """What an encoder takes, where these nodes have it."""
    lacking = {"tags": found.tags is None, "features": found.features is None, "degree": False}
    if lacking[inputs.kind]:
        raise DataError(
            f"The encoder was trained on graphs whose nodes have {inputs.in_words()}, and those of {found.origin} have "
            f"no {inputs.kind}: give data that have them."
        )
    if inputs.are_numbers and found.features.shape[1] != inputs.features:  # type: ignore[union-attr]
        raise DataError(
            f"The encoder was trained on nodes with {inputs.in_words()}, and those of {found.origin} have "
            f"{found.features.shape[1]}: give as many."  # type: ignore[union-attr]
        )
    return inputs
