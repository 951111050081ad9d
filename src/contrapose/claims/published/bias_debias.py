"""Debiasing by relative difficulty: pictures whose colour goes with the class in pretraining, and not in the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import Ground, cifar10
from contrapose.claims.measures import Subject
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.data import Images, Samples, derived_generator
from contrapose.data.images.biased import BiasedImages, colour_biased
from contrapose.evaluation import linear_probe
from contrapose.learners import SideBySide
from contrapose.learners.embed_views import embed_views
from contrapose.objectives.hardness.comparison import difficulty_weights

CORRELATION = 0.95
"""How often the colour is that of the class, in pretraining."""
LOOKED_AT = 128
"""Samples of the batch whose weights are looked at."""
TEMPERATURE = 0.5
"""At which weights are looked at, whichever the arm was trained at."""
PENALTIES = (0.1, 0.01)
"""Of the probes, to choose from. [design] two of the usual seven, as there are up to four probes an encoder."""
_COLOURS = 5  # names the random streams of colours


@dataclass(frozen=True)
class BiasedGround(Ground):
    """A ground that remembers the colours: of the labelled samples, and of those reported on."""

    labelled_colours: np.ndarray
    validation_colours: np.ndarray
    test_colours: np.ndarray


def biased_cifar10(source: str, protocol: Protocol, seed: int) -> Ground:
    """CIFAR-10 under ten hazes: 95 % that of the class to pretrain on; independent of the class everywhere else."""
    plain = cifar10(source, protocol, seed)
    parts = {
        "pretraining": (plain.pretraining["pretraining"], CORRELATION),
        "labelled": (plain.labelled, None),
        "validation": (plain.validation, None),
        "test": (plain.test, None),
    }
    made: dict[str, BiasedImages] = {}
    for number, (part, (samples, correlation)) in enumerate(parts.items()):
        generator = derived_generator(seed, _COLOURS, number)
        made[part] = colour_biased(cast("Images", samples), correlation=correlation, generator=generator)
    return BiasedGround(
        pretraining={"pretraining": made["pretraining"].images},
        labelled=made["labelled"].images,
        validation=made["validation"].images,
        test=made["test"].images,
        labelled_colours=made["labelled"].colours,
        validation_colours=made["validation"].colours,
        test_colours=made["test"].colours,
    )


def class_and_colour(subject: Subject) -> dict[str, float]:
    """Linear probes on balanced labelled samples: for the class and for the colour.

    `conflicting`: accuracy of the class where the colour is another's; `worst colour`: of the class, under the colour
    where it is least; `leakage`: accuracy of the colour. Of a biased reference `conflicting, reference` and `leakage,
    reference`.
    """
    own = _probed(subject, subject.embeddings(subject.ground.labelled), subject.embeddings(subject.asked))
    if not isinstance(subject.learner, SideBySide):
        return own
    embed = subject.beside("reference").embed
    others = _probed(subject, embed(subject.ground.labelled), embed(subject.asked))
    return own | {f"{name}, reference": others[name] for name in ("conflicting", "leakage")}


def weights_by_colour(subject: Subject) -> dict[str, float]:
    """Mean weight of negatives of another class: `weight, same colour` and `weight, other colour`."""
    learner = subject.learner
    if not isinstance(learner, SideBySide):
        return {}
    batch = subject.batch(LOOKED_AT)
    with torch.no_grad():
        z = embed_views(lambda x: learner.head(learner.encoder(x)), batch.views)  # (V, B, D)
        r = embed_views(lambda x: learner.reference_head(learner.reference(x)), batch.views)  # (V, B, D2)
    weights = difficulty_weights(z, r, temperature=TEMPERATURE)  # (N, N)
    assert batch.labels is not None, "grounds are labelled"
    classes = batch.labels.repeat(len(z))  # (N,)
    colours = torch.from_numpy(_ground(subject).labelled_colours)[batch.indices].repeat(len(z))  # (N,)
    another = classes.unsqueeze(1) != classes  # (N, N), and so never the anchor's own view
    same = colours.unsqueeze(1) == colours  # (N, N)
    return {
        "weight, same colour": float(weights[another & same].mean()),
        "weight, other colour": float(weights[another & ~same].mean()),
    }


def _probed(subject: Subject, known: np.ndarray, asked: np.ndarray) -> dict[str, float]:
    ground = _ground(subject)
    colours = ground.test_colours if subject.asked is ground.test else ground.validation_colours  # (n,)
    classes = _labels(subject.asked)

    def right(known_labels: np.ndarray, asked_labels: np.ndarray) -> np.ndarray:
        generator = torch.Generator().manual_seed(subject.seed)
        measured = linear_probe(known, known_labels, asked, asked_labels, strengths=PENALTIES, generator=generator)
        assert measured.items is not None, "an accuracy is a mean over items"
        return measured.items  # (n,)

    correct = right(_labels(ground.labelled), classes)
    return {
        "conflicting": float(correct[classes != colours].mean()),
        "worst colour": float(min(correct[colours == one].mean() for one in np.unique(colours))),
        "leakage": float(right(ground.labelled_colours, colours).mean()),
    }


def _ground(subject: Subject) -> BiasedGround:
    assert isinstance(subject.ground, BiasedGround), "these measures are of this claim's ground"
    return subject.ground


def _labels(samples: Samples) -> np.ndarray:
    assert samples.labels is not None, "grounds are labelled"
    return samples.labels


def _more_biased(results: Results) -> np.ndarray:
    """How much more of the colour than of the class the reference knows, against the encoder beside it."""
    reference = results.of("debiased", "leakage, reference") - results.of("debiased", "conflicting, reference")
    return reference - (results.of("debiased", "leakage") - results.of("debiased", "conflicting"))


def _by_bias(results: Results) -> np.ndarray:
    return results.of("debiased", "weight, other colour") - results.of("debiased", "weight, same colour")


CLAIM = register(
    Claim(
        name="bias-debias",
        title="Weighing negatives against a biased encoder gives features that know the class at least as well where "
        "the bias is against it.",
        paper="Jang and Wang, CVPR 2023, https://par.nsf.gov/biblio/10433589",
        arms=(
            Arm("debiased", "bias-debias", options={"reference_rate": 1.0}, grid={"temperature": (0.1, 0.2, 0.5)}),
            Arm(
                "unweighted",
                "bias-debias",
                options={"reference_rate": 1.0, "weighted": False},
                grid={"temperature": (0.1, 0.2, 0.5)},
            ),
            Arm(
                "hcl",
                "hard-contrastive",
                options={"alpha": 1.0, "beta": 1.0, "prior": 0.1},
                grid={"temperature": (0.1, 0.2, 0.5)},
            ),
            Arm("nt_xent", "simclr", grid={"temperature": (0.1, 0.2, 0.5)}),
        ),
        predictions=(
            Prediction(
                "debiased - unweighted, class where the colour is another's",
                ("debiased", "unweighted"),
                difference("debiased", "unweighted", "conflicting"),
            ),
            Prediction(
                "debiased - hcl, class where the colour is another's",
                ("debiased", "hcl"),
                difference("debiased", "hcl", "conflicting"),
                role="secondary",
            ),
            Prediction(
                "debiased - nt_xent, class where the colour is another's",
                ("debiased", "nt_xent"),
                difference("debiased", "nt_xent", "conflicting"),
                role="secondary",
            ),
            Prediction(
                "debiased - unweighted, class under its worst colour",
                ("debiased", "unweighted"),
                difference("debiased", "unweighted", "worst colour"),
                role="secondary",
            ),
            Prediction(
                "unweighted - debiased, leakage of the colour",
                ("unweighted", "debiased"),
                difference("unweighted", "debiased", "leakage"),
                role="secondary",
            ),
            Prediction(
                "the reference is the more biased: colour minus class, reference - encoder",
                ("debiased",),
                _more_biased,
                role="mechanism",
            ),
            Prediction(
                "negatives of another class weigh more under another colour than under the same",
                ("debiased",),
                _by_bias,
                role="mechanism",
                percent=False,
            ),
        ),
        protocol=Protocol(
            options={
                "epochs": 10,
                "batch_size": 64,
                "encoder": "small_conv",
                "views": {"colour_probability": 0.0, "grey_probability": 0.0},
            },
            test=5_000,
        ),
        full=whole_cifar10(options={"views": {"colour_probability": 0.0, "grey_probability": 0.0}}),
        ground=biased_cifar10,
        measures=(class_and_colour, weights_by_colour),
        choose_by="conflicting",
        remarks=(
            "A reconstruction: the paper's tables were not at hand, and its data sets are not these. The bias is a "
            "haze of one of ten colours, that of the class in 95 of 100 pretraining pictures.",
            "Views do not touch colours, or they would take the bias away before any loss sees it.",
            "Unweighted is the debiased contrastive loss (Chuang et al. 2020) with the same correction and head. Both "
            "encoders learn at one rate, as in some of the authors' scripts.",
            "hcl (Robinson et al., ICLR 2021, https://arxiv.org/abs/2010.04592) weighs negatives by their similarity "
            "alone, with the same correction.",
        ),
    )
)
