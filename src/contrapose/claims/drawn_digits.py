"""What claims on generative classifiers share: scanned digits with seeds beside them, and how like digits what is drawn
from these seeds is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from contrapose.claims.digits import scans
from contrapose.claims.ground import Ground, cifar10
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.classifier import load_classifier
from contrapose.data import Images, patch_shuffled
from contrapose.data.images.made import fields
from contrapose.encoders import build
from contrapose.evaluation import diversity, frechet_distance
from contrapose.learners import AttackedClassifier, Classifier
from contrapose.methods import METHODS
from contrapose.robustness import Steps, climb, cross_entropy_attack
from contrapose.training.in_memory import train_in_memory
from contrapose.views import ViewGenerator
from contrapose.views.images.options import ImageViews

NATIVE = 8  # pixels of the scans
DRAWN = 500
"""Pictures that are drawn from each kind of seeds."""
LENGTHS = (5, 10, 20, 40)
"""Steps of ascents that are tried. By the distance to the pictures that were learned from one is chosen, for each arm
and kind of seeds, and by that to the tested ones it is reported."""
STEP, RADIUS = 0.1, 0.5
FEATURES, FEATURE_EPOCHS, FEATURE_SEED = 64, 20, 77
"""The network that distances are measured by: its width, how long it is trained, and by what it is drawn."""
SEEDS = ("fields", "shuffled")

Network = Callable[[Tensor], Tensor]
_judges: dict[str, nn.Module] = {}


def digits_beside_seeds(source: str, protocol: Protocol, seed: int) -> Ground:
    """Scans as they are, 8 x 8, the same for all seeds; as many smooth fields, and scans with their patches mixed up.

    Where the protocol asks for more than there are, as on a GPU, it is the pictures of `source`: see `cifar10`.

    Errors:
        ArgumentError, DataError: as `cifar10`.
    """
    pixels, labels = scans(NATIVE)
    wanted = max(protocol.images, protocol.labelled) + protocol.validation
    if wanted + protocol.test > len(pixels):
        ground = cifar10(source, protocol, seed)
        images = cast("Images", ground.pretraining["pretraining"])
        return Ground(_with_seeds(images), ground.labelled, ground.validation, ground.test)
    images = Images(pixels, labels, origin="the digits of scikit-learn")
    return Ground(
        _with_seeds(images.subset(np.arange(protocol.images))),
        images.subset(np.arange(protocol.labelled)),
        images.subset(np.arange(wanted - protocol.validation, wanted)),
        images.subset(np.arange(len(pixels) - protocol.test, len(pixels))),
    )


def _with_seeds(images: Images) -> dict[str, Images]:
    return {"pretraining": images, **{name: seeds(name, images, len(images), 0) for name in SEEDS}}


def seeds(name: str, images: Images, count: int, number: int) -> Images:
    """`count` seeds of a kind, at most as many as pictures where they are made of these; another `number`, others."""
    if name == "shuffled":
        return patch_shuffled(images, seed=number, most=count)
    return fields(count, channels=images.channels, image_size=images.image_size, seed=number)


def borne(subject: Subject) -> dict[str, float]:
    """`clean`: right as they are; `robust`: under PGD-20 in L2, radius 0.5; of the floor without a network the share of
    its largest class. `diverged`: 1 where the log density ran away. `ascents`: T that was reached."""
    asked = cast("Images", subject.asked)
    network = network_of(subject)
    assert asked.labels is not None, "grounds are labelled"
    labels = torch.from_numpy(asked.labels)  # (N,)
    if network is None:
        share = float(np.bincount(asked.labels).max() / len(asked))
        return {"clean": share, "robust": share, "diverged": 0.0, "ascents": 0.0}
    x = torch.from_numpy(asked.pixels) / 255  # (N, C, H, W)
    with torch.no_grad():
        clean = float((network(x).argmax(dim=1) == labels).float().mean())
    found = cross_entropy_attack(network, x, labels, Steps(20, 2.5 * RADIUS / 20, radius=RADIUS))
    left = _left(subject.run)
    return {
        "clean": clean,
        "robust": 1 - float(found.fooled.float().mean()),
        "diverged": float(left.get("diverged", 0.0)),
        "ascents": float(left.get("length", 0.0)),
    }


def drawn(subject: Subject) -> dict[str, float]:
    """Of each kind of seeds: `distance`, Frechet's, of what ascents make of them to the reported pictures, in features
    of a plain classifier; `diversity` as a share of theirs; `steps`, the length that was chosen by the learned ones.
    Without a network, of the seeds themselves."""
    known, asked = cast("Images", subject.ground.labelled), cast("Images", subject.asked)
    assert known.labels is not None, "grounds are labelled"
    assert asked.labels is not None, "grounds are labelled"
    network, judge = network_of(subject), _judge(known)
    of_known, of_asked = (_features(judge, torch.from_numpy(one.pixels) / 255) for one in (known, asked))
    found: dict[str, float] = {}
    for name in SEEDS:
        begun = seeds(name, known, min(DRAWN, len(asked)), 1 + subject.seed)
        classes = np.arange(len(begun)) % (int(known.labels.max()) + 1)
        x, before, tried = torch.from_numpy(begun.pixels) / 255, 0, []
        for length in LENGTHS if network is not None else ():
            x = climb(_towards(network, classes), x, Steps(length - before, STEP))
            before = length
            tried.append((length, _features(judge, x)))
        if network is None:
            tried = [(0, _features(judge, x))]
        length, rows = min(tried, key=lambda one: frechet_distance(one[1], of_known))
        found |= {
            f"distance, {name}": frechet_distance(rows, of_asked),
            f"diversity, {name}": diversity(rows, of_asked, classes, asked.labels),
            f"steps, {name}": float(length),
        }
    return found


def network_of(subject: Subject) -> Network | None:
    """What names classes, in evaluation mode: the classifier that a run left, else the learner's own; None without."""
    if subject.run is not None:
        found = load_classifier(subject.run)
        encoder, heads = found.encoder.eval(), found.trained.heads
        return lambda x: cast("Tensor", heads(encoder(x))[0])
    if isinstance(subject.learner, AttackedClassifier):  # untrained: its heads are at zero, and say nothing
        return subject.learner.eval().logits
    return None


def _towards(network: Network | None, classes: np.ndarray) -> Network:
    assert network is not None
    labels = torch.from_numpy(classes)  # (N,)
    return lambda x: network(x).gather(1, labels[:, None]).squeeze(1)  # (N,)


def _left(run: Path | None) -> dict[str, Tensor]:
    """What the second stage said of its ascents."""
    file = None if run is None else run / "ascents.safetensors"
    return safetensors.torch.load(file.read_bytes()) if file is not None and file.is_file() else {}


def _judge(known: Images) -> nn.Module:
    """A plain classifier of what was learned from, trained once in a process: the features of all arms are its."""
    if known.fingerprint not in _judges:
        assert known.labels is not None, "grounds are labelled"
        mean, std = known.statistics()
        size: dict[str, Any] = {"channels": known.channels, "image_size": known.image_size}
        encoder = build(
            "small_conv", **size, seed=FEATURE_SEED, mean=mean, std=std, widths=[32, 64], embedding=FEATURES
        )
        with torch.random.fork_rng():
            torch.manual_seed(FEATURE_SEED)
            learner = Classifier(encoder, dimension=FEATURES, classes=int(known.labels.max()) + 1)
        config = METHODS["supervised"](epochs=FEATURE_EPOCHS, batch_size=min(64, len(known) // 2), seed=FEATURE_SEED)
        train_in_memory(learner, known, ViewGenerator(ImageViews(count=1, recipe="none"), **size), config)
        _judges[known.fingerprint] = encoder.eval().requires_grad_(False)
    return _judges[known.fingerprint]


@torch.no_grad()
def _features(judge: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([judge(part) for part in x.split(500)])  # (N, D)
