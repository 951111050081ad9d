"""PixPro: maps that are learned cell by cell tell better what every pixel shows than maps learned from whole crops."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import Ground
from contrapose.claims.measures import by_task
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.data import Images
from contrapose.data.images.made import canvases

UNASKED = 1_200
"""Scans that are learned from; of the other 597 the first 197 to choose on, and 400 to report on."""
CHOSEN = 1_397

WHOLE = ("byol", "simclr")
"""Arms that compare whole crops."""

NETWORK = {"encoder": "dense_conv", "projection_hidden": 128, "projection_dimension": 64}
VIEWS = {"recipe": "natural", "size": 32}


def digits_on_canvas(source: str, protocol: Protocol, seed: int) -> Ground:
    """Canvases to learn from, the same for all seeds; no scan on them is on those to choose on, or to report on."""
    return Ground(
        {"pretraining": _part(protocol.images, 0, 0, UNASKED)},
        labelled=_part(protocol.labelled, 1, 0, UNASKED),
        validation=_part(protocol.validation, 2, UNASKED, CHOSEN),
        test=_part(protocol.test, 3, CHOSEN, None),
    )


@lru_cache(maxsize=4)
def _part(count: int, seed: int, first: int, last: int | None) -> Images:
    """Canvases of these scans, made once: all arms and seeds have the same."""
    return canvases(count, seed=seed, first=first, last=last)


def over_whole_crops(arm: str) -> Callable[[Results], np.ndarray]:
    """mIoU of an arm less that of the better of those that compare whole crops, seed by seed."""
    return lambda results: results.of(arm, "mIoU") - np.max([results.of(other, "mIoU") for other in WHOLE], axis=0)


CLAIM = register(
    Claim(
        name="pixpro",
        title="Maps learned cell by cell tell better what every pixel shows than maps learned from whole crops.",
        paper="Xie et al., CVPR 2021, https://arxiv.org/abs/2011.10043 (VOC detection: 58.8 AP after 100 epochs, MoCo "
        "v2 57.6 after 800; Cityscapes 77.2 mIoU)",
        arms=(
            Arm("pixpro", "pixpro"),
            Arm("pixcontrast", "pixcontrast"),
            Arm("unpropagated", "pixpro", options={"propagated": False}),
            Arm("byol", "pixpro", options={"pixel_weight": 0.0, "instance_weight": 1.0}),
            Arm("simclr", "simclr"),
        ),
        predictions=(
            Prediction(
                "pixpro - the better of byol and simclr, mIoU, by 2 points",
                ("pixpro", *WHOLE),
                over_whole_crops("pixpro"),
                threshold=0.02,
            ),
            Prediction(
                "pixcontrast - the better of byol and simclr, mIoU, by 2 points",
                ("pixcontrast", *WHOLE),
                over_whole_crops("pixcontrast"),
                threshold=0.02,
            ),
            Prediction(
                "pixpro - unpropagated, mIoU, not half a point worse",
                ("pixpro", "unpropagated"),
                difference("pixpro", "unpropagated", "mIoU"),
                threshold=-0.005,
            ),
            *(
                Prediction(
                    f"{arm} - untrained, mIoU",
                    (arm, "untrained"),
                    difference(arm, "untrained", "mIoU"),
                    role="secondary",
                )
                for arm in ("pixpro", "pixcontrast", *WHOLE)
            ),
        ),
        protocol=Protocol(
            options={**NETWORK, "views": VIEWS, "epochs": 12, "batch_size": 64, "learning_rate": 1e-3},
            images=2_000,
            labelled=40,
            validation=150,
            test=300,
            seeds=3,
        ),
        full=Protocol(
            options={**NETWORK, "views": VIEWS, "epochs": 100, "batch_size": 256},
            images=20_000,
            labelled=200,
            validation=1_000,
            test=2_000,
            seeds=5,
        ),
        ground=digits_on_canvas,
        measures=(by_task("dense"),),
        choose_by="mIoU",
        remarks=(
            "On canvases of three to five real digits (made:canvases), 48 x 48; crops of 32 x 32 have maps of 8 x 8 "
            "cells, whole canvases of 12 x 12. --data plays no part.",
            "mIoU over ten digits and the background, of a 1 x 1 linear probe that learned from 40 canvases.",
            "All arms have the same encoder, crops, batches and steps, and none is tuned. byol is the instance branch "
            "of pixpro alone, on the mean cell; simclr compares the mean cells of a batch.",
            "The authors train a ResNet-50 on ImageNet, and measure detection and segmentation.",
        ),
    )
)
