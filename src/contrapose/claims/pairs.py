"""A ground of sentences, asked by scored pairs of them (semantic textual similarity); no score is ever learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.claims.ground import TEST, VALIDATION, Ground, check_enough
from contrapose.claims.parts import HUB, check_kind, part_places
from contrapose.claims.protocol import Protocol
from contrapose.data import Samples
from contrapose.data.files.names import expanded
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.opening import table_of
from contrapose.data.tables.pairs import ScoredPairs, pair_columns, read_pairs
from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import MODALITIES
from contrapose.tasks import SCORED_PAIRS

KIND = "text"
SENTENCES = "sentences"
"""What a file of texts to learn from is called, beside the parts."""


def scored_sentences(source: str, protocol: Protocol, seed: int) -> Ground:
    """Sentences of pairs of the training part to learn from, its other pairs to choose on, pairs of the test part to
    report on; the same for all seeds.

    Pairs are chosen evenly spaced, for tables of them are sorted by where they come from; `protocol.validation` and
    `protocol.test` count them. A sentence is learned from once, however many pairs it is part of.

    Arguments:
        source: a folder with tables `train` and `test`, or `hub:OWNER/NAME`: two columns of sentences and a score.

    Errors:
        ArgumentError: a protocol that asks for more than there is.
        DataError: no such tables.
    """
    train, test = _parts(source, protocol)
    rest = np.setdiff1d(np.arange(len(train.scores)), evenly_spaced(len(train.scores), protocol.validation))  # (n,)
    sentences = dict.fromkeys(side[row] for row in rest for side in (train.first, train.second))
    return _ground(_texts([*sentences]), train, test, protocol)


def sentences_beside_pairs(source: str, protocol: Protocol, seed: int) -> Ground:
    """Where the folder has `sentences` beside `train` and `test`, these to learn from, evenly spaced; else, and for all
    that is asked, as `scored_sentences`.

    Errors:
        ArgumentError, DataError: as of `scored_sentences`.
    """
    folder = None if source.startswith(HUB) else expanded(source)
    places = [] if folder is None else sorted(folder.glob(f"{SENTENCES}.*"))
    if not places:
        return scored_sentences(source, protocol, seed)
    return _ground(MODALITIES[KIND].open(str(places[0])), *_parts(source, protocol), protocol)


def _parts(source: str, protocol: Protocol) -> tuple[ScoredPairs, ScoredPairs]:
    """The training and the test pairs, as many as the protocol asks for or more."""
    train, test = (_pairs(place) for place in part_places(source, MODALITIES[KIND]))
    if protocol.validation >= len(train.scores) or protocol.test > len(test.scores):
        raise ArgumentError(
            f"The protocol asks for {protocol.validation:,} pairs to choose on and {protocol.test:,} to report on; "
            f"{train.origin} has {len(train.scores):,} and {test.origin} {len(test.scores):,}."
        )
    return train, test


def _ground(known: Samples, train: ScoredPairs, test: ScoredPairs, protocol: Protocol) -> Ground:
    """Texts that are known, and questions of either part."""
    parts = {
        VALIDATION: _some(train, evenly_spaced(len(train.scores), protocol.validation)),
        TEST: _some(test, evenly_spaced(len(test.scores), protocol.test)),
    }
    asked = {part: _texts([*table["sentence1"], *table["sentence2"]]) for part, table in parts.items()}  # 2N each
    check_enough(protocol, max(protocol.images, protocol.labelled), known, asked[TEST])
    return Ground(
        {"pretraining": known.subset(evenly_spaced(len(known), protocol.images))},
        labelled=known.subset(evenly_spaced(len(known), protocol.labelled)),
        validation=asked[VALIDATION],
        test=asked[TEST],
        questions=parts,
    )


def _pairs(place: str) -> ScoredPairs:
    check_kind(place, MODALITIES[KIND], {})
    table = table_of(place)
    columns = None if table is None else pair_columns(table.kinds, KIND, origin=table.origin)
    if table is None or columns is None:
        raise DataError(f"The claim is measured on scored pairs, which {place} does not have: {SCORED_PAIRS.needs}.")
    return read_pairs(table, columns)


def _some(pairs: ScoredPairs, rows: np.ndarray) -> dict[str, Any]:
    """The table of these pairs."""
    first, second = ([side[row] for row in rows] for side in (pairs.first, pairs.second))
    return {"sentence1": first, "sentence2": second, "score": pairs.scores[rows]}


def _texts(sentences: list[str]) -> Samples:
    return MODALITIES[KIND].open(sentences)
