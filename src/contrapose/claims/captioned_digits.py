"""A ground of scanned digits with sentences about their strokes, and how good pictures are that are drawn for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.data import Images
from contrapose.data.images.made.scans import SIDE, scans
from contrapose.data.pairs import Pairs
from contrapose.encoders.images.painter import Painter
from contrapose.encoders.pairs.towers import Towers
from contrapose.errors import ArgumentError
from contrapose.methods.painting.measured import Judge, as_floats, draw_for, measure, trained_judge
from contrapose.painter import load_painter

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = ("a {} {}", "the digit {1}, {0}", "{1} in {0} strokes", "somebody wrote a {} {}")
"""Of which each caption takes one, by its number; first what the strokes are like, then the class."""
SAMPLES = 2_000
"""Pictures that are drawn."""
JUDGE_EPOCHS, JUDGE_SEED = 8, 77
DISTANCE, CONSISTENCY, DIVERSITY = "distance", "consistency", "diversity"

_judges: dict[str, Judge] = {}


def captioned_digits(source: str, protocol: Protocol, seed: int) -> Ground:
    """The 1,797 scans of scikit-learn at 16 x 16 with two captions each, the same for all seeds.

    Pictures and classes are real; the captions are made: the class by its word, and adjectives that are measured on the
    picture. Whatever `--data` says plays no part.

    Errors:
        ArgumentError: more of them are asked for than there are.
    """
    pixels, labels = scans(SIDE)
    learned = max(protocol.images, protocol.labelled)
    if learned + protocol.validation + protocol.test > len(pixels):
        raise ArgumentError(
            f"There are {len(pixels):,} scans, and {learned:,} to learn from, {protocol.validation:,} to choose on and "
            f"{protocol.test:,} to report on are asked for: ask for fewer."
        )
    images = Images(pixels, labels, class_names=WORDS, origin="the digits of scikit-learn")
    said = adjectives(pixels, known=learned)
    captions = [
        [TEMPLATES[(row + 2 * number) % len(TEMPLATES)].format(one, WORDS[label]) for number, one in enumerate(some)]
        for row, (some, label) in enumerate(zip(said, labels.tolist(), strict=True))
    ]
    pairs = Pairs(images, captions)
    end, test = learned + protocol.validation, len(pixels) - protocol.test
    return Ground(
        pretraining={"pretraining": pairs.subset(np.arange(protocol.images))},
        labelled=pairs.subset(np.arange(protocol.labelled)),
        validation=pairs.subset(np.arange(learned, end)),
        test=pairs.subset(np.arange(test, len(pixels))),
    )


def adjectives(pixels: np.ndarray, *, known: int) -> list[tuple[str, str]]:
    """Two descriptions of the strokes of each picture: how thick and wide they are, and how thick and which way they
    lean.

    Ink is the mean of the pixels; width the deviation of ink across, and leaning the covariance of across and down, in
    units of the deviation down. Thick and wide are above the median of the pictures that are learned from; leaning is
    beyond a third of them to either side.

    Shapes:
        pixels: `(N, 1, S, S)` uint8.

    Arguments:
        known: how many of them, from the first, are learned from.
    """
    ink = pixels[:, 0].astype(np.float64) / 255  # (N, S, S)
    total = ink.sum(axis=(1, 2))  # (N,)
    place = np.arange(ink.shape[1], dtype=np.float64)
    across, down = ((ink.sum(axis=axis) @ place) / total for axis in (1, 2))  # (N,) each
    x, y = place[None, :] - across[:, None], place[None, :] - down[:, None]  # (N, S) each
    wide = np.sqrt(np.einsum("nij,nj->n", ink, x**2) / total)  # (N,)
    high = np.einsum("nij,ni->n", ink, y**2) / total  # (N,)
    leans = -np.einsum("nij,ni,nj->n", ink, y, x) / total / high  # (N,), above 0: to the right, for down is positive
    low, up = np.quantile(leans[:known], (1 / 3, 2 / 3))
    thick = np.where(total > np.median(total[:known]), "thick", "thin")
    wider = np.where(wide > np.median(wide[:known]), "wide", "narrow")
    slant = np.where(leans > up, "right-leaning", np.where(leans < low, "left-leaning", "upright"))
    return [(f"{a} {b}", f"{a} {c}") for a, b, c in zip(thick, wider, slant, strict=True)]


def drawn(subject: Subject) -> dict[str, float]:
    """`distance`: Frechet's, of 2,000 pictures drawn for the captions that are asked about to their own pictures, in
    features of a classifier that no arm has seen, trained once on what was learned from. `consistency`: the share that
    it takes for the class of their caption. `diversity` within a class, as a share of real pictures'.

    Of the floor without a network, real pictures that were learned from are in the place of drawn ones; of the
    untrained network, what an untrained painter draws."""
    known, asked = cast("Pairs", subject.ground.labelled), cast("Pairs", subject.asked)
    judge, seed = _judge(known), 1 + subject.seed
    if subject.run is None and subject.learner is None:
        made, classes = as_floats(known.pictures), np.asarray(known.labels)
    else:
        painter, towers = _painter(subject)
        told = _told(towers, asked)  # (S, D)
        times = max(1, min(SAMPLES, 5 * len(known)) // len(told))
        made = draw_for(painter, told, seed=seed, times=times)
        classes = np.tile(np.asarray(asked.labels)[asked.owners], times)
    found = measure(judge, made, classes, learned=known.pictures, kept=asked.pictures)
    return {DISTANCE: found.frechet, CONSISTENCY: found.consistent, DIVERSITY: found.diversity or 0.0}


def _painter(subject: Subject) -> tuple[Any, Towers]:
    """The painter of a run; one with first weights where there is none."""
    if subject.run is not None and (Path(subject.run) / "generator").is_dir():
        found = load_painter(subject.run)
        return found.painter, found.towers
    learner: Any = subject.learner
    towers = cast("Towers", learner.encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(subject.seed)
        size: dict[str, Any] = {"channels": towers.image.channels, "image_size": towers.image.image_size}
        return Painter(**size, text_dimension=towers.dimension).eval(), towers


@torch.no_grad()
def _told(towers: Towers, pairs: Pairs) -> torch.Tensor:
    words = list(pairs.captions.values)
    return torch.cat([towers.embed_texts(towers.text.prepare(words[i : i + 256])) for i in range(0, len(words), 256)])


def _judge(known: Pairs) -> Judge:
    """Trained once in a process: all arms are judged by it."""
    if known.fingerprint not in _judges:
        classes = len(WORDS)
        _judges[known.fingerprint] = trained_judge(
            known.pictures, classes=classes, epochs=JUDGE_EPOCHS, seed=JUDGE_SEED
        )
    return _judges[known.fingerprint]
