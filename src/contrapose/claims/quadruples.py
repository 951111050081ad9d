"""Made sentences whose looks mislead: a paraphrase in other words, and a contradiction in the same ones."""

from __future__ import annotations

import itertools

import numpy as np

from contrapose.claims.measures import Subject
from contrapose.errors import ArgumentError
from contrapose.evaluation import nearer

COUNT = 400
NEARER = "paraphrase nearer"
WHO = (
    *(("the woman", "a lady"), ("the boy", "some lad"), ("the man", "a guy"), ("the child", "some kid")),
    *(("the doctor", "a physician"), ("the teacher", "an instructor"), ("the king", "a monarch")),
    *(("the author", "some writer"), ("the player", "an athlete"), ("the company", "a firm")),
)
DID = (
    *(("bought", "acquired", "sold"), ("found", "discovered", "lost"), ("built", "constructed", "destroyed")),
    *(("liked", "enjoyed", "hated"), ("remembered", "recalled", "forgot"), ("began", "started", "finished")),
    *(("opened", "unlocked", "closed"), ("praised", "admired", "criticized"), ("kept", "retained", "left")),
    ("took", "accepted", "rejected"),
)
WHAT = (
    *(("the house", "a home"), ("the car", "an automobile"), ("the film", "a movie"), ("the book", "some novel")),
    *(("the song", "a tune"), ("the story", "some tale"), ("the road", "a street"), ("the boat", "a ship")),
    *(("the work", "some job"), ("the picture", "an image")),
)
WHEN = (
    *(("in the morning", "at dawn"), ("in the evening", "before dark"), ("in autumn", "during fall")),
    *(("later", "afterwards"), ("quickly", "with speed"), ("at first", "initially")),
    *(("secretly", "without telling anybody"), ("again", "once more")),
)


def quadruples(count: int = COUNT, *, seed: int = 0) -> dict[str, list[str]]:
    """A table of sentences by templates, four in a row, no two anchors alike.

        anchor          the woman bought the house in the morning
        paraphrase      at dawn a lady acquired a home             no word in common
        contradiction   the woman sold the house in the morning    all words but one in common
        random          the king praised the film later            of other things, in the same frame

    `contrapose.evaluate(RUN, data=quadruples())` asks which of the second and the third is nearer to the first.

    Arguments:
        count: rows; 400, and at most as many as there are anchors (8,000).
        seed: which anchors, and which random ones.

    Errors:
        ArgumentError: fewer than 2 rows, or more than there are anchors.
    """
    every = list(itertools.product(*(range(len(slot)) for slot in (WHO, DID, WHAT, WHEN))))
    if not 2 <= count <= len(every):
        raise ArgumentError(f"count must be from 2 to {len(every):,}, the anchors that there are; got {count}.")
    draws = np.random.default_rng(seed)
    chosen = [every[place] for place in draws.permutation(len(every))[:count]]
    table: dict[str, list[str]] = {"anchor": [], "paraphrase": [], "contradiction": [], "random": []}
    for who, did, what, when in chosen:
        (person, other_person), (verb, other_verb, opposite) = WHO[who], DID[did]
        (thing, other_thing), (time, other_time) = WHAT[what], WHEN[when]
        table["anchor"].append(f"{person} {verb} {thing} {time}")
        table["paraphrase"].append(f"{other_time} {other_person} {other_verb} {other_thing}")
        table["contradiction"].append(f"{person} {opposite} {thing} {time}")
        shift = [int(draws.integers(1, len(slot))) for slot in (WHO, DID, WHAT, WHEN)]  # another one of each slot
        a, b, c, d = (
            slot[(place + further) % len(slot)][0]
            for slot, place, further in zip((WHO, DID, WHAT, WHEN), (who, did, what, when), shift, strict=True)
        )
        table["random"].append(f"{a} {b} {c} {d}")
    return table


def paraphrase_nearer(subject: Subject) -> dict[str, float]:
    """`paraphrase nearer`: of 400 made anchors, to how many is the paraphrase in other words nearer than the
    contradiction in the same ones. Words in common alone have 0, no idea has a half."""
    table, open_texts = quadruples(), subject.ground.modality.open
    anchor, paraphrase, contradiction = (
        subject.embed(open_texts(table[name])) for name in ("anchor", "paraphrase", "contradiction")
    )  # (400, D) each
    return {NEARER: nearer(anchor, paraphrase, contradiction).value}
