"""A ground of scenes whose lower right corner digits leave free, and what a patch there does to two towers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.claims.scenes import LEARNED, SCANS, TEST, VALIDATION
from contrapose.data.images.made.scenes import scenes
from contrapose.data.pairs import Pairs, scene_captions
from contrapose.data.pairs.scene_captions import SYNONYMS
from contrapose.data.samples import LABEL
from contrapose.embedder import Embedder
from contrapose.encoders.perturbations import FOLDER
from contrapose.evaluation.answers import BY_PICTURE, DECLINE, FOOLED, PROBE, RIGHT
from contrapose.methods.patching import effect
from contrapose.methods.patching.defences import UNDEFENDED, defended
from contrapose.methods.patching.saved import patch_of
from contrapose.training.run_folder import RunFolder

SIDE, SCALE = 24, 2
"""Of a scene in pixels, and of a digit, which takes 16 x 16 of them."""
PATCH = {"area": 16 / SIDE**2, "margin": 0}
"""4 x 4 pixels in the corner, 2.8 % of the picture: ink of a digit reaches them in 4 to 5 % of scenes."""
SURROGATE, SECOND = "surrogate", "second surrogate"
"""Pairs that a patch is learned on, and others for another patch; the victim has seen neither."""
SHARE = 3
"""There are so many times as many pairs for the victim as for a patch."""
TARGETS = ("digit", "colour")
STANDING = "advclip"
"""The arm whose patch is put on pictures of towers that have none of their own."""
PRUNE = 0.3


def free_corner(source: str, protocol: Protocol, seed: int) -> Ground:
    """Scenes of 24 x 24 pixels with a digit of 16 x 16 and one caption each; those to choose on and to report on show
    scans that nothing is learned from. The same for all seeds. Whatever `--data` says plays no part."""
    few = max(2, protocol.images // SHARE)
    return Ground(
        pretraining={
            "pretraining": _part(protocol.images, LEARNED, seed=10),
            SURROGATE: _part(few, LEARNED, seed=11),
            SECOND: _part(few, LEARNED, seed=12),
        },
        labelled=_part(protocol.labelled, LEARNED, seed=13),
        validation=_part(protocol.validation, VALIDATION, seed=14),
        test=_part(protocol.test, TEST, seed=15),
    )


def covered(pairs: Pairs) -> float:
    """The share of scenes whose digit has ink where the patch goes."""
    side = round(float(PATCH["area"] * SIDE**2) ** 0.5)
    corner = pairs.pictures.pixels[:, :, -side:, -side:]  # (N, C, S, S)
    return float((corner > 0).any(axis=(1, 2, 3)).mean())


def led_astray(subject: Subject) -> dict[str, float]:
    """What two towers are worth downstream, and what is left of it under a patch.

        digit, colour, R@1: linear probes fitted to pictures as they are, and pictures that find their caption
        fooled: share of answers that the patch changes, the mean of both probes; digit fooled, ...: of one
        neighbours fooled: of digits by kNN. ... lost: share of a score that is gone, 0 where there was none to lose
        fooled by grey, by noise: of towers, by patches that nobody has learned (noise: the mean of five)
        fooled behind it, stale behind it: of a patch that knew of a defence, behind that one, and what the patch that
        knew of none does there

    Of towers that were not attacked the patch is that of the arm `advclip`, where they are given it. A floor without an
    encoder has nothing to be led astray.
    """
    embedder = getattr(subject.embed, "__self__", None)
    if not isinstance(embedder, Embedder):
        return {}
    ground = effect.Ground.of(subject.ground.labelled, subject.asked)
    ground = replace(ground, classes={"digit": ground.classes[LABEL], "colour": ground.classes["colour"]})
    own = subject.run is not None and (subject.run / FOLDER).is_dir()
    standing = subject.folders.get(STANDING)
    place = subject.run if own else standing
    network = embedder.encoder
    how: dict[str, Any] = {"device": next(network.parameters()).device, "seed": subject.seed}
    asked = effect.Effect(network, ground, **how)
    found = _clean(asked.row(None))
    if not own:
        rows = effect.controls(asked, *_corner(network), seed=subject.seed)
        found |= _by("grey", rows[effect.PLAIN]) | _by("noise", rows[effect.NOISE])
    if place is None:
        return found
    found |= _patched(effect.pasted(asked, *_tensors(place)))
    knows = _defence(place) if own else UNDEFENDED
    if knows != UNDEFENDED:
        towers, before = defended(network, prune=PRUNE, seed=subject.seed)[knows]
        behind = effect.Effect(towers, ground, before=before, **how)
        found["fooled behind it"] = _fooled(effect.pasted(behind, *_tensors(place)))
        if standing is not None:
            found["stale behind it"] = _fooled(effect.pasted(behind, *_tensors(standing)))
    return found


def _tensors(run: Path) -> tuple[Any, Any]:
    """The patch of a run, and where it goes."""
    tensors = patch_of(run).tensors
    return tensors["patch"], tensors["mask"]


def _defence(run: Path) -> str:
    """What the patch of an attack knew of."""
    return str(json.loads(RunFolder(run).config_file.read_bytes())["config"]["defence"])


def _clean(row: Mapping[str, float]) -> dict[str, float]:
    return {name: row[f"{name} {PROBE} {RIGHT}"] for name in TARGETS} | {"R@1": row[BY_PICTURE]}


def _fooled(row: Mapping[str, float]) -> float:
    return float(np.mean([row[f"{name} {PROBE} {FOOLED}"] for name in TARGETS]))


def _by(what: str, row: Mapping[str, float]) -> dict[str, float]:
    each = {f"{name} fooled by {what}": row[f"{name} {PROBE} {FOOLED}"] for name in TARGETS}
    return {f"fooled by {what}": _fooled(row), **each, f"recall lost to {what}": _lost(row[f"{BY_PICTURE} {DECLINE}"])}


def _patched(row: Mapping[str, float]) -> dict[str, float]:
    found = {"fooled": _fooled(row), "neighbours fooled": row[f"digit {FOOLED}"]}
    for name in TARGETS:
        found |= {f"{name} fooled": row[f"{name} {PROBE} {FOOLED}"]}
        found |= {f"{name} lost": _lost(row[f"{name} {PROBE} {DECLINE}"])}
    return found | {"recall lost": _lost(row[f"{BY_PICTURE} {DECLINE}"])}


def _lost(percent: float) -> float:
    return percent / 100 if math.isfinite(percent) else 0.0


def _corner(network: Any) -> tuple[Any, Any]:
    """A place for patches that nobody has learned."""
    import torch

    from contrapose.robustness import patch_mask

    size, channels = network.image.image_size, network.image.channels
    return torch.zeros(channels, size, size), patch_mask(size, size, area=PATCH["area"], margin=int(PATCH["margin"]))


def _part(count: int, part: int, *, seed: int) -> Pairs:
    first, last = SCANS[part]
    images = scenes(count, seed=seed, first=first, last=last, side=SIDE, scale=SCALE)
    return Pairs(images, scene_captions(images, captions=1, seed=seed), synonyms=SYNONYMS, origin=images.origin)
