"""Sentences about classes, and what towers make of them: a row a class, with which pictures are compared."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.pairs.towers import Towers
from contrapose.errors import ArgumentError

TEMPLATES = ("a photo of a {}", "this is a {}", "{}")
"""Sentences about a class where none are given: two of CLIP's (arXiv 2103.00020), and the name alone [design]."""


def sentences_about(names: Sequence[str], templates: Sequence[str] | None = None) -> list[list[str]]:
    """The sentences about each class, a list a class.

    Errors:
        ArgumentError: no sentence, or one without a place for the name.
    """
    chosen = TEMPLATES if templates is None else tuple(templates)
    wrong = [one for one in chosen if "{}" not in one]
    if wrong or not chosen:
        given = repr(wrong[0]) if wrong else "none"
        raise ArgumentError(
            f"prompts (--prompts) are sentences with {{}} where the class is named, got {given}: write "
            '"a photo of a {}".'
        )
    return [[one.replace("{}", name) for one in chosen] for name in names]


@torch.no_grad()
def class_prototypes(
    towers: Towers, names: Sequence[str], templates: Sequence[str] | None = None
) -> Float[Tensor, "K D"]:
    """A unit row for each class: of its sentences the mean, brought back to length 1.

    Errors:
        ArgumentError: as of `sentences_about`.
    """
    rows = []
    for some in sentences_about(names, templates):
        embedded = towers.embed_texts(towers.text.prepare(some).to(towers.device))  # (P, D)
        rows.append(towers.centre(embedded.float()))  # (D,)
    return torch.stack(rows)  # (K, D)
