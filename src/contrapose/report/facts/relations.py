"""Which classes share dimensions, from the gates that a run has learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation import relations
from contrapose.report.page import Absent, Relations

GATES = "class_gates.safetensors"
MOST_DRAWN = 40  # classes: more have cells too small to point at
NAMED = 5  # pairs in a sentence


def relations_of(run: Path, record: dict[str, Any]) -> Relations | Absent | None:
    """The relations of a run's classes; None where its method learns none.

    Arguments:
        run: the folder.
        record: its `config.json`, which has the names of the classes.
    """
    file = run / GATES
    if not file.is_file():
        return None
    try:
        matrix = relations(safetensors.torch.load(file.read_bytes())["gates"])
    except (OSError, SafetensorError, ValueError, KeyError, ArgumentError) as error:
        return Absent(f"{file} cannot be used: {error}")
    names = record.get("data", {}).get("classes") or []
    names = [*names, *(str(number) for number in range(len(names), len(matrix)))][: len(matrix)]
    return related(matrix, [f"class {name}" if str(name).isdigit() else str(name) for name in names])


def related(matrix: Tensor, names: Sequence[str]) -> Relations:
    """The picture of a `(C, C)` matrix, of its first 40 classes, and the pairs of all classes that are most alike."""
    first, second = torch.triu_indices(len(matrix), len(matrix), offset=1)  # (P,) each
    order = matrix[first, second].argsort(descending=True)[:NAMED].tolist()
    closest = [
        f"{names[int(first[pair])]} and {names[int(second[pair])]} ({float(matrix[first[pair], second[pair]]):.2f})"
        for pair in order
    ]
    mean = float(matrix[first, second].mean())
    sentences = [
        f"Most alike: {', '.join(closest)}. Mean over all {len(first):,} pairs of classes: {mean:.2f}.",
        "Gates are open by shares between 0 and 1, so the numbers of one run tell only beside each other.",
    ]
    if len(names) > MOST_DRAWN:
        sentences.append(f"Drawn are the first {MOST_DRAWN} of {len(names):,} classes.")
    drawn = min(len(names), MOST_DRAWN)
    return Relations(list(names[:drawn]), matrix[:drawn, :drawn].tolist(), sentences)
