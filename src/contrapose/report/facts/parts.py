"""From data to the samples of the page: what is looked among, what is asked, and their embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contrapose.data import Samples, class_texts, only_labelled
from contrapose.data.copies import split_samples
from contrapose.data.samples import NUMBER, evenly_spaced
from contrapose.embedder import Embedder
from contrapose.encoders import untrained_like
from contrapose.report.cards import name_of, show
from contrapose.report.embedded import Embedded
from contrapose.report.facts.spectrum import spectra_of
from contrapose.report.page import Absent, Spectra

SPECTRUM_ROWS = 2000  # several times the dimension of any encoder here: more rows hardly move a singular value


@dataclass(frozen=True)
class Parts:
    """Embedded data in the parts that the sections need.

    Arguments:
        bank: where neighbours are looked for.
        asked: where queries and the points of the map come from; `None`: the bank itself.
        spectra: of the bank, trained beside untrained.
    """

    bank: Embedded
    asked: Embedded | None
    spectra: Spectra | Absent

    @property
    def mapped(self) -> Embedded:
        """The points of the map."""
        return self.bank if self.asked is None else self.asked


def parts_of(
    trained: Embedder, samples: Samples, test: Samples | None, *, seed: int = 0, most: int | None = None
) -> Parts:
    """Embed `samples`, and `test` or a fifth of `samples` held out class by class; without labels, all is one part.

    Arguments:
        samples, test: in the encoder's form.
        seed: of the split and of the untrained encoder.
        most: samples of `samples`, and of `test`, that are embedded, evenly spaced; None: all.
    """
    rest = most
    if test is None and samples.labels is not None and np.unique(samples.labels, return_counts=True)[1].max() > 1:
        parts = split_samples(only_labelled(samples), seed=seed)  # as `evaluate` does: before anything is left out
        samples, test = parts.bank, parts.test
        rest = None if most is None else max(2, most // 5)
        most = None if most is None or rest is None else max(2, most - rest)
    samples = samples.subset(evenly_spaced(len(samples), most))
    test = None if test is None else test.subset(evenly_spaced(len(test), rest))
    some = samples.subset(evenly_spaced(len(samples), SPECTRUM_ROWS))
    untrained = Embedder(untrained_like(trained.encoder, seed))
    return Parts(
        bank=embedded(trained, samples),
        asked=None if test is None else embedded(trained, test),
        spectra=spectra_of(trained.embed(some), untrained.embed(some)),
    )


def embedded(trained: Embedder, samples: Samples) -> Embedded:
    """Samples with their embeddings, names, and classes as text."""
    names = [name_of(identifier) for identifier in samples.identifiers]
    numbers = samples.targets.get(NUMBER)
    return Embedded(trained.embed(samples), show(samples), names, label_names(samples), numbers)


def label_names(samples: Samples) -> np.ndarray | None:
    """What the class of each sample is called; `class 3` where it is but a number, `None` where it is not known."""
    texts = class_texts(samples)
    if texts is None:
        return None
    return np.asarray([f"class {text}" if text is not None and text.isdigit() else text for text in texts], object)
