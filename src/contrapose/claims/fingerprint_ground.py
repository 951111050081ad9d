"""A ground of pictures with and without the traces of made-up generators: a stand-in for real and synthetic ones."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.claims.digits import TEST, VALIDATION
from contrapose.claims.ground import Ground, check_enough, open_parts
from contrapose.claims.protocol import Protocol
from contrapose.data import Images, derived_generator
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.images.made.fingerprints import degraded, fingerprinted, from_scans

MOST = 10_000
"""More pictures than this are not made of so few scans."""
FEW = 40
"""Pictures of the shifted domain that scores are set right on."""
HARSH = (20, 40)
"""Qualities of the JPEG files of the shifted domain; training and usual processing have 50 to 95."""
UNKNOWN = "bilinear"
"""The generator that nothing is learned from."""
HELD_OUT, SHIFTED, FEW_SHIFTED = "a generator held out", "shifted", "few of the shifted"
"""Further samples of the ground, by name."""


def fingerprint_ground(source: str, protocol: Protocol, seed: int) -> Ground:
    """Real digits and such with one of four traces, by origin (label) and family (target); each part of other scans.

    Beside them: test scans with the trace of a generator held out; test scans of all families after harsh compression,
    and 40 such of the validation scans, to set scores right on. The same for all seeds.

    Where the protocol asks for more than 10,000 pictures, those of `source` take the place of the scans.

    Errors:
        ArgumentError, DataError: as `cifar10`, in that case.
    """
    if protocol.images > MOST:
        return _of_pictures(source, protocol)
    grey = digit_scans()[0]  # (M, 8, 8)
    learned, chosen, asked = np.split(grey, [len(grey) - TEST - VALIDATION, len(grey) - TEST])
    count = max(protocol.images, protocol.labelled)
    return _ground(
        protocol,
        learned=from_scans(learned, count, seed=1),
        chosen=from_scans(chosen, protocol.validation, seed=2),
        asked=from_scans(asked, protocol.test, seed=3),
        held_out=from_scans(asked, protocol.test, seed=4, generators=UNKNOWN),
        plain=from_scans(asked, protocol.test, seed=5, processed=0),
        few=from_scans(chosen, FEW, seed=6, processed=0),
    )


def _of_pictures(source: str, protocol: Protocol) -> Ground:
    train, test = open_parts(source)
    count = max(protocol.images, protocol.labelled)
    check_enough(protocol, count + protocol.validation + FEW, train, test)
    ends = np.cumsum([0, count, protocol.validation, FEW])
    learned, chosen, few = (train.subset(np.arange(ends[part], ends[part + 1])) for part in range(3))
    asked = test.subset(np.arange(protocol.test))
    return _ground(
        protocol,
        learned=fingerprinted(learned, seed=1),
        chosen=fingerprinted(chosen, seed=2),
        asked=fingerprinted(asked, seed=3),
        held_out=fingerprinted(asked, seed=4, generators=UNKNOWN),
        plain=fingerprinted(asked, seed=5, processed=0),
        few=fingerprinted(few, seed=6, processed=0),
    )


def _ground(
    protocol: Protocol,
    *,
    learned: Images,
    chosen: Images,
    asked: Images,
    held_out: Images,
    plain: Images,
    few: Images,
) -> Ground:
    known = by_origin(learned)
    return Ground(
        pretraining={"pretraining": known.subset(np.arange(protocol.images))},
        labelled=known.subset(np.arange(protocol.labelled)),
        validation=by_origin(chosen),
        test=by_origin(asked),
        further={
            HELD_OUT: by_origin(held_out),
            SHIFTED: shifted(by_origin(plain), seed=1),
            FEW_SHIFTED: shifted(by_origin(few), seed=2),
        },
    )


def by_origin(images: Images) -> Images:
    """The same, labelled real (0) or synthetic (1); the family stays a target."""
    return images.with_labels(images.targets["origin"].astype(np.int64), images.names_of["origin"])


def shifted(images: Images, *, seed: int) -> Images:
    """The same pictures, every one of them harshly compressed."""
    start = int(torch.randint(2**62, (), generator=derived_generator(seed, "shifted")))
    pixels = degraded(images.pixels, np.random.default_rng(start), qualities=HARSH, jpeg=1.0)
    found = Images(pixels, targets=images.targets, class_names=images.class_names, origin=f"{images.origin}, shifted")
    found.names_of = images.names_of
    return found
