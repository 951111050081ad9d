"""Pictures that an encoder is asked about, and what it answers: captions, classes, or other pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from contrapose.data import Images, Samples, class_texts, derived_generator
from contrapose.data.pairs import Pairs
from contrapose.data.samples import evenly_spaced
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import knn_predict
from contrapose.evaluation.inputs import as_rows
from contrapose.evaluation.similarity import directions
from contrapose.report.cards import name_of

MOST = 600  # pictures: one half is asked about, the other one is what neighbours are looked for in
FEWEST = 4
NEIGHBOURS = 20
CAPTION, CLASS, NEIGHBOUR = "first caption", "class", "nearest picture"
LONGEST = 120  # characters of a caption


@dataclass(frozen=True, eq=False)
class AskedGround:
    """Pictures that are asked about, and what is known of them.

    Arguments:
        victim: who is asked.
        known: pictures that neighbours are looked for in; bank: their unit rows.
        asked: the pictures.
        captions: the different captions of these, their unit rows, and whether each is a picture's own `(N, T)`; None
            where there are none.
        classes: of known and of asked pictures, as texts; None where they are not known.
    """

    victim: Embedder
    known: Images
    asked: Images
    bank: Float[np.ndarray, "K D"]
    captions: tuple[Sequence[str], Float[np.ndarray, "T D"], np.ndarray] | None
    classes: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, victim: Embedder, samples: Samples, seed: int) -> AskedGround:
        if not isinstance(samples, Pairs | Images):
            raise ArgumentError(f"An attack changes pictures, and {samples.origin} holds none.")
        if len(samples) < FEWEST:
            raise DataError(
                f"{samples.origin} has {len(samples)} pictures, and {FEWEST} at least are to be asked about."
            )
        samples = samples.subset(evenly_spaced(len(samples), MOST))
        order = torch.randperm(len(samples), generator=derived_generator(seed, "halves"))  # (N,)
        parts = [samples.subset(half.sort().values) for half in order.chunk(2)]  # classes may alternate in the data
        known, asked = (part.pictures if isinstance(part, Pairs) else part for part in parts)
        captions = None
        if isinstance(parts[1], Pairs):
            texts, _, of_pictures = parts[1].told_once()
            own = np.zeros((len(asked), len(texts)), dtype=bool)  # (N, T)
            own[np.repeat(np.arange(len(asked)), of_pictures.lengths), of_pictures.values] = True
            captions = (texts.texts, _unit(victim.embed(texts)), own)
        named = [class_texts(part) for part in (known, asked)]
        classes = None
        if all(one is not None and None not in one and len(set(one)) > 1 for one in named):
            classes = (np.asarray(named[0], object), np.asarray(named[1], object))
        return cls(victim, known, asked, _unit(victim.embed(known)), captions, classes)

    def answers(self, pixels: UInt8[np.ndarray, "N C H W"]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """By question, the answers about pictures, as texts `(N,)`; and their unit rows `(N, D)`."""
        z = _unit(self.victim.embed(Images(pixels, preparation=self.asked.preparation)))  # (N, D)
        found: dict[str, np.ndarray] = {}
        if self.captions is not None:
            texts, rows, _ = self.captions
            found[CAPTION] = np.asarray(texts, object)[(z @ rows.T).argmax(axis=1)]
        if self.classes is not None:
            labels = self.classes[0].astype(str)
            found[CLASS] = knn_predict(self.bank, labels, z, k=min(NEIGHBOURS, len(labels)))
        if not found:  # nobody knows what is right, yet another neighbour is another answer
            names = np.asarray([name_of(one) for one in self.known.identifiers], object)
            found[NEIGHBOUR] = names[(z @ self.bank.T).argmax(axis=1)]
        return found, z

    def right(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """By question that has right answers, which of them are, `(N,)`."""
        found = {}
        if self.captions is not None:
            texts, _, own = self.captions
            place = {text: number for number, text in enumerate(texts)}
            found[CAPTION] = np.array([own[row, place[said]] for row, said in enumerate(answers[CAPTION])])
        if self.classes is not None:
            found[CLASS] = answers[CLASS] == self.classes[1].astype(str)
        return found

    def truth(self, row: int) -> str:
        """What is known of a picture, in words."""
        own = [] if self.captions is None else [self.captions[0][int(self.captions[2][row].argmax())]]
        named = [] if self.classes is None else [str(self.classes[1][row])]
        return ": ".join([*named, *(cut(f"“{text}”") for text in own)])


def cut(text: str) -> str:
    """A caption, or the beginning of a long one."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3].rstrip() + "..."


def _unit(rows: np.ndarray) -> np.ndarray:
    unit, _ = directions(as_rows(rows, "embeddings"))
    return unit.numpy()
