"""The two sides of pairs: which captions find their picture, which pictures their words, and what prompts confuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contrapose.data import Samples
from contrapose.data.pairs import Pairs
from contrapose.data.ragged import Ragged
from contrapose.data.samples import evenly_spaced
from contrapose.embedder import Embedder
from contrapose.encoders.pairs.prompts import TEMPLATES
from contrapose.errors import ContraposeError
from contrapose.evaluation.inputs import as_rows
from contrapose.evaluation.similarity import directions
from contrapose.report.cards import Card, name_of, show
from contrapose.report.facts.neighbours import commonest
from contrapose.report.page import Absent, Confusion, Direction, Neighbour, Sides, Sought
from contrapose.tasks import Given, Targets, task_for
from contrapose.tasks.prompts import Prompts
from contrapose.words import counted, percent

MOST = 1000  # pictures that are looked among
HITS, MISSES, FOUND = 3, 5, 6

Side = tuple[np.ndarray, Callable[[int], Card], Callable[[int], str]]  # unit rows (N, D), how and what each is


def sides_of(trained: Embedder, samples: Samples) -> Sides | None:
    """Retrieval both ways among at most 1,000 pairs, evenly spaced, with some that found theirs first and some that did
    not; None of samples with one side."""
    if not isinstance(samples, Pairs):
        return None
    pairs = samples.subset(evenly_spaced(len(samples), MOST))
    texts, pictures_of, captions_of = pairs.told_once()
    pictures = pairs.pictures
    shown, said = show(pictures), show(texts)
    names = [_called(str(one), pairs.excerpt(row)) for row, one in enumerate(pictures.identifiers)]
    seen: Side = _unit(trained.embed(pictures)), shown, names.__getitem__
    read: Side = _unit(trained.embed(texts)), said, lambda row: f"caption {row + 1}"
    confusions, prompts = _confused(trained, pairs)
    return Sides(
        [
            _direction("Captions look for their picture", "caption", "picture", read, seen, pictures_of),
            _direction("Pictures look for their words", "picture", "caption", seen, read, captions_of),
        ],
        confusions,
        prompts,
    )


def _called(identifier: str, caption: str) -> str:
    """A picture by its file's name and its own words; by these alone where its name is but a number."""
    return f"“{caption}”" if identifier.isdigit() else f"{name_of(identifier)} “{caption}”"


def _unit(rows: np.ndarray) -> np.ndarray:
    unit, _ = directions(as_rows(rows, "embeddings"))
    return unit.numpy()


def _direction(title: str, one: str, other: str, asked: Side, bank: Side, right: Ragged) -> Direction:
    """What each of one side finds on the other, where `right` says which are its own."""
    cosine = asked[0] @ bank[0].T  # (Q, M)
    mine = np.zeros(cosine.shape, dtype=bool)  # (Q, M)
    mine[np.repeat(np.arange(len(right)), right.lengths), right.values] = True
    among_own = np.where(mine, cosine, -np.inf)  # (Q, M)
    own, best = among_own.argmax(axis=1), among_own.max(axis=1, keepdims=True)  # (Q,), (Q, 1)
    # What is as near as its own counts as nearer: embeddings that are all alike find nothing.
    ranks = 1 + ((cosine >= best) & ~mine).sum(axis=1)  # (Q,)

    def sought(query: int) -> Sought:
        order = np.argsort(-cosine[query], kind="stable")[:FOUND].tolist()

        def entry(row: int) -> Neighbour:
            return Neighbour(bank[1](row), bank[2](row), float(cosine[query, row]), hit=bool(mine[query, row]))

        beyond = None if mine[query, order].any() else entry(int(own[query]))
        return Sought(asked[1](query), asked[2](query), [entry(row) for row in order], int(ranks[query]), beyond)

    hits, misses = np.flatnonzero(ranks == 1), np.flatnonzero(ranks > 1)
    share, ten = percent(float((ranks == 1).mean())), percent(float((ranks <= 10).mean()))
    sentence = (
        f"Of {counted(len(ranks), one)}, {share} have a right {other} first among {len(bank[0]):,}, {ten} among the "
        f"first ten. Shown are {min(HITS, len(hits))} that found one first and {min(MISSES, len(misses))} that did "
        "not, evenly spaced, not chosen."
    )
    some = [
        [sought(int(rows[place])) for place in evenly_spaced(len(rows), most)]
        for rows, most in ((hits, HITS), (misses, MISSES))
    ]
    return Direction(title, sentence, *some)


def _confused(trained: Embedder, pairs: Pairs) -> tuple[list[Confusion] | Absent, str]:
    """Which classes of the pictures prompts take for which, and what the prompts are."""
    if pairs.labels is None:
        return Absent("Which classes are confused can be said of pictures with classes only; name --label-column."), ""
    given = Given(
        trained.encoder,
        pairs,
        None,
        open=lambda samples, **_: samples,
        bring=lambda samples: samples,
        targets=Targets(),
    )
    try:
        measurement = task_for(given, "prompts").prepare(given)
        assert isinstance(measurement, Prompts)
        answers, _ = measurement.answers(trained.embed)  # (N,)
    except ContraposeError as error:
        return Absent(str(error)), ""
    names = np.asarray(measurement.names, dtype=object)
    found = commonest(names[measurement.truths], names[answers], show(measurement.known))
    right = percent(float((answers == measurement.truths).mean()))
    among = ", ".join(repr(text) for text in TEMPLATES)
    return found, f"{right} of {counted(len(answers), 'picture')} lie nearest to the sentences of their class: {among}."
