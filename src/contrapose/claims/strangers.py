"""A ground in parts that nobody shares, and what a saved perturbation does to classifiers that had no part in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from contrapose.claims.ground import Ground, check_enough, open_parts
from contrapose.claims.measures import Subject, probe
from contrapose.claims.protocol import Protocol
from contrapose.classifier import Classifier, load_classifier
from contrapose.data import Images, Samples, class_texts, derived_generator
from contrapose.data.images.made.scans import SIDE, scans
from contrapose.data.images.made.tint import tinted
from contrapose.encoders.capabilities import Patchwise
from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.encoders.layers import read_layers
from contrapose.encoders.perturbations import perturbation_folder
from contrapose.evaluation import accuracy_lost
from contrapose.perturber import load_perturber
from contrapose.robustness import sign_noise

OF_VICTIMS = "pictures of the victims"
"""Name of the pretraining set that victims learn from; "pretraining" is that of surrogates and generators."""
CLEAN, PROBE = "clean accuracy", "probe"
LEVELS = (24, 48)
"""Grey levels of 255 by which a value may change."""
DRAWS = 5
"""Of noise."""
BLOCK = 256
"""Pictures that are embedded together."""
VICTIM = "victim "
"""What the names of their arms begin with."""


def lost_at(level: int) -> str:
    """Name of the accuracy that is gone, mean over victims."""
    return f"lost, {level}/255"


def noise_at(level: int) -> str:
    """The same under noise of that size."""
    return f"lost to noise, {level}/255"


def parted_digits(source: str, protocol: Protocol, seed: int) -> Ground:
    """Scans in colours that say nothing of the class: for surrogates and generators, for victims, to choose on, and to
    report on; no scan is in two of them, and all seeds have the same.

    Where the protocol asks for more than there are, as on a GPU, they are the pictures of `source`, in their own
    colours.

    Errors:
        ArgumentError, DataError: as `open_parts`, or too few pictures.
    """
    pixels, labels = scans(SIDE)
    wanted = protocol.images + protocol.labelled + protocol.validation
    if wanted + protocol.test > len(pixels):
        train, test = open_parts(source)
        check_enough(protocol, wanted, train, test)
        test = test.subset(np.arange(protocol.test))
    else:
        names = [str(number) for number in range(10)]
        images = tinted(Images(pixels, labels, class_names=names, origin="the digits of scikit-learn"), share=None)
        train, test = images, images.subset(np.arange(len(pixels) - protocol.test, len(pixels)))
    first = protocol.images + protocol.labelled
    of_victims = train.subset(np.arange(protocol.images, first))
    return Ground(
        pretraining={"pretraining": train.subset(np.arange(protocol.images)), OF_VICTIMS: of_victims},
        labelled=of_victims,
        validation=train.subset(np.arange(first, wanted)),
        test=test,
    )


def named(subject: Subject) -> dict[str, float]:
    """`clean accuracy` of an arm that trained a classifier, by its own heads."""
    if subject.run is None or classifier_folder(subject.run) is None:
        return {}
    asked = cast("Images", subject.asked)
    return {CLEAN: float(_right(load_classifier(subject.run), asked, asked.pixels).mean())}


def surrogate_probe(subject: Subject) -> dict[str, float]:
    """`probe`, of encoders without heads of their own: of a transformer it reads the mean of its patches, for a class
    token that nothing is asked of (mae) learns nothing. An attack trains no encoder."""
    if _attacks(subject) or named(subject):
        return {}
    encoder: Any = subject.artifacts.get("encoder")
    return probe(replace(subject, embed=_patches_of(encoder), _kept={}) if isinstance(encoder, Patchwise) else subject)


def _patches_of(encoder: Any) -> Callable[[Samples], np.ndarray]:
    """What makes of samples the mean of what the last block says of their patches, `(N, D)`."""
    last = [name for name in encoder.layers if name.count(".") == 1][-1]

    @torch.no_grad()
    def embed(samples: Samples) -> np.ndarray:
        found = []
        for rows in torch.arange(len(samples)).split(BLOCK):
            view = cast("Images", samples).batch(rows).to(next(encoder.parameters()).device)
            tokens = read_layers(encoder, view, [last]).layers[last]  # (B, T, D)
            found.append(tokens[:, encoder.first_tokens :].mean(dim=1).float().cpu())  # (B, D)
        return torch.cat(found).numpy()

    return embed


def led_astray(subject: Subject) -> dict[str, float]:
    """Of an attack, what its perturbation takes from the classifiers among the arms beside it: `lost, 24/255` and
    `lost, 48/255`, the mean over them; `lost to noise` of that size, of 5 draws; each classifier's, by its arm."""
    if not _attacks(subject) or subject.run is None:
        return {}
    perturber, asked = load_perturber(subject.run), cast("Images", subject.asked)
    pixels = torch.from_numpy(asked.pixels)  # (N, C, H, W)
    strangers = {
        name: load_classifier(folder) for name, folder in subject.folders.items() if _is_stranger(name, folder)
    }
    found: dict[str, float] = {}
    for level in LEVELS:
        changed = perturber.within(level / 255).perturb(asked)
        draws = [derived_generator(subject.seed, "noise on victims", level, draw) for draw in range(DRAWS)]
        noisy = [sign_noise(pixels, level / 255, generator=draw).numpy() for draw in draws]
        losses = {
            name: accuracy_lost(
                _right(one, asked, asked.pixels),
                _right(one, asked, changed),
                [_right(one, asked, noise) for noise in noisy],
            )
            for name, one in strangers.items()
        }
        found |= {f"{name}: {lost_at(level)}": lost.drop.value for name, lost in losses.items()}
        found[lost_at(level)] = float(np.mean([lost.clean - lost.changed for lost in losses.values()]))
        found[noise_at(level)] = float(np.mean([lost.clean - lost.noise for lost in losses.values()]))
    return found


def _attacks(subject: Subject) -> bool:
    """Whether its arm is an attack that left a perturbation."""
    return subject.run is not None and perturbation_folder(subject.run) is not None


def _is_stranger(name: str, folder: Path) -> bool:
    """Whether an arm trained a victim: a surrogate with labels has heads too."""
    return name.startswith(VICTIM) and classifier_folder(folder) is not None


def _right(classifier: Classifier, asked: Images, pixels: np.ndarray) -> np.ndarray:
    """1 where a picture is given its class, `(N,)`; pixels stand in for those of `asked`."""
    pictures = Images(pixels, origin=asked.origin, preparation=asked.preparation)
    return np.asarray(classifier.predict(pictures) == np.asarray(class_texts(asked)), np.float64)
