"""Grounds of tinted pictures: a colour that goes with the class in what is learned from, and not in what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from contrapose.claims.digits import digits
from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject, probe
from contrapose.claims.protocol import Protocol
from contrapose.data import Images
from contrapose.data.images.made.tint import colours_of, tinted
from contrapose.encoders.generator_folder import FOLDER, read_translator
from contrapose.evaluation.bias_groups import bias_groups
from contrapose.learners import TranslatedHeads
from contrapose.methods.oracle import LEAST_STEPS, Judges
from contrapose.training.heads import embeddings_of

NO_EXCEPTION, ONE_IN_TWENTY = "pretraining", "5 of 100 in another colour"
"""Names of the pretraining sets."""
TRANSLATED = 200
"""Pictures of the training set that judges see translated, to every class."""


@dataclass(frozen=True)
class TintedGround(Ground):
    """A ground that has the training pictures in colours that say nothing of the class, too: for judges alone."""

    unbiased: Images


def tinted_digits(source: str, protocol: Protocol, seed: int) -> Ground:
    """The digits of `digits` (where the protocol asks for more, those of `source`), each in the colour of its class:
    all of them, or but for one in twenty; to choose on and to report on, in any colour.

    Errors:
        ArgumentError, DataError: as `digits`.
    """
    plain = digits(source, protocol, seed)
    learned, labelled = cast("Images", plain.pretraining["pretraining"]), cast("Images", plain.labelled)
    others = [cast("Images", part) for part in (plain.validation, plain.test)]
    # colours of the parts are drawn by numbers far from each other
    return TintedGround(
        pretraining={
            NO_EXCEPTION: tinted(learned, share=0.0, seed=seed),
            ONE_IN_TWENTY: tinted(learned, share=0.05, seed=seed + 1000),
        },
        labelled=tinted(labelled, share=0.0, seed=seed),
        validation=tinted(others[0], share=None, seed=2000),
        test=tinted(others[1], share=None, seed=3000),
        unbiased=tinted(learned, share=None, seed=4000),
    )


def classified(subject: Subject) -> dict[str, float]:
    """`unbiased`, `conflicting`, `aligned`: accuracy of the arm's own heads; of what has none, or has not trained them,
    of a linear probe of the biased labelled pictures (`unbiased` alone)."""
    learner, asked = subject.learner, cast("Images", subject.asked)
    if not isinstance(learner, TranslatedHeads) or not any(bool(weight.any()) for weight in learner.heads.weights):
        return {"unbiased": probe(subject)["probe"]}
    device = next(learner.parameters()).device
    encoder: Any = learner.encoder
    (logits,) = learner.heads(embeddings_of(encoder, asked, device))  # (T, K)
    answers = logits.argmax(dim=1).cpu().numpy()  # (T,)
    labels = np.asarray(asked.labels)
    own = {str(number): str(number) for number in np.unique(labels).tolist()}
    found = bias_groups(answers == labels, labels, colours_of(asked), tied=own)
    return {name.removeprefix("accuracy, "): metric.value for name, metric in found.items()}


def translated(subject: Subject) -> dict[str, float]:
    """`flip` and `keep` rates of the arm's translator on training pictures, and how often the judges are right by
    themselves; of arms with a translator alone."""
    ground = subject.ground
    if subject.run is None or not isinstance(ground, TintedGround):
        return {}
    folder = subject.run / "stages" / "translate" / FOLDER
    if not folder.is_dir():
        return {}
    some = cast("Images", ground.labelled).subset(np.arange(min(TRANSLATED, len(ground.labelled))))
    asked = cast("Images", subject.asked)
    count = int(np.asarray(ground.unbiased.labels).max()) + 1
    judged = _judges(_Known(ground.unbiased, subject.seed))(
        read_translator(folder),
        some,
        colours_of(some),
        np.arange(count),
        real=asked,
        real_bias=colours_of(asked),
    )
    return {
        "flip": judged.rates.flip.value,
        "keep": judged.rates.keep.value,
        "judge of the class": judged.class_oracle.value,
        "judge of the colour": judged.bias_oracle.value,
    }


@dataclass(frozen=True, eq=False)
class _Known:
    """What judges learn from; the same pictures and seed make the same judges."""

    images: Images
    seed: int

    def __hash__(self) -> int:
        return hash((self.images.fingerprint, self.seed))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and hash(self) == hash(other)


@lru_cache(maxsize=2)
def _judges(known: _Known) -> Judges:
    steps = min(LEAST_STEPS, len(known.images))  # a smoke version has few pictures, and its judges few steps
    return Judges.trained(known.images, colours_of(known.images), seed=known.seed, least_steps=steps)
