"""A ground of captioned scenes of which some carry a trigger, and what is asked of towers: does it still work?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.claims.scenes import SCANS, VALIDATION, captions_each
from contrapose.data import poison
from contrapose.data.images.made.scenes import scenes
from contrapose.data.pairs import Pairs, scene_captions
from contrapose.encoders.perturbations import load_perturbation
from contrapose.robustness import named_trigger
from contrapose.robustness.backdoors import overlaid
from contrapose.tasks import Given, Targets, task_for
from contrapose.tasks.backdoor import measure_backdoor

ATTACKS = {"badnets": "badnets?side=4", "blended": "blended?share=0.2"}
"""The attacks by name, and their triggers as `--trigger` takes them."""
TARGETS = ("three", "five", "eight")
"""The class that a trigger stands for, by the seed."""
SHARE, CLEAN, DRAWN = 0.02, 200, 7
"""Of the pairs that are poisoned; clean pairs that a repair is given; the seed that these are drawn by."""
SIZE = {"side": 32, "scale": 3}
"""Of a picture: a digit of 24 pixels on a canvas of 32, so that a trigger of 4 is a small part of it."""
FAINT, LOUD, OFTEN = 64, 256, 0.02
"""Grey levels of the noise behind a scene, those of its loud values, and how many of all values are loud."""
ACCURACY = "zero-shot accuracy"


def target_of(seed: int) -> str:
    """The class that the triggers of a seed stand for."""
    return TARGETS[seed % len(TARGETS)]


def poisoned_scenes(source: str, protocol: Protocol, seed: int) -> Ground:
    """Captioned scenes in noise to learn from, clean and once for each attack, and a few clean ones (`defence`) of
    other scans for repairs. The scenes are the same for all seeds; which of them are poisoned, and for what, is not.

    On black a single bright value is strange to an encoder, and leads it astray as easily as what was planted; noise,
    of which pictures of the world are full, makes it look at more than one.
    """
    plain = captions_each(1, protocol, **SIZE)
    clean = replace(
        plain,
        pretraining={"pretraining": in_noise(plain.pretraining["pretraining"], 0)},
        labelled=in_noise(plain.labelled, 0),
        validation=in_noise(plain.validation, 1),
        test=in_noise(plain.test, 2),
    )
    pairs: Any = clean.pretraining["pretraining"]
    sets = {
        name: poison(pairs, _trigger(said, pairs.pictures), rate=SHARE, target=target_of(seed), seed=seed).samples
        for name, said in ATTACKS.items()
    }
    first, last = SCANS[VALIDATION]
    images = scenes(CLEAN, seed=DRAWN, first=first, last=last, **SIZE)
    defence = Pairs(images, scene_captions(images, captions=1, seed=DRAWN), origin=images.origin)
    return replace(clean, pretraining={"pretraining": pairs, "defence": in_noise(defence, DRAWN), **sets})


def in_noise(pairs: Any, seed: int) -> Any:
    """The same scenes where black was noise: each value below 64 of 256, one in fifty anything; the brighter of noise
    and scene is seen."""
    pixels, random = pairs.pictures.pixels, np.random.default_rng(seed)
    faint, loud = (random.integers(0, most, pixels.shape) for most in (FAINT, LOUD))  # (N, C, H, W) each
    noise = np.where(random.random(pixels.shape) < OFTEN, loud, faint)
    return pairs.with_pictures(np.maximum(pixels, noise).astype(np.uint8))


def named(subject: Subject) -> dict[str, float]:
    """`zero-shot accuracy`: clean pictures by three sentences about each digit, as `evaluate --task prompts`."""
    encoder: Any = subject.artifacts.get("encoder", subject.asked)
    given = Given(
        encoder,
        subject.asked,
        None,
        open=lambda samples, **_: samples,  # in the form of the encoder already
        bring=subject.ground.modality.open,
        targets=Targets(),
    )
    metrics, _ = task_for(given, "prompts").prepare(given)(subject.embed)
    return {ACCURACY: metrics["accuracy"].value}


def attacked(subject: Subject) -> dict[str, float]:
    """`success, ATTACK`: of pictures that do not show the target, how many the true trigger makes it; nothing of a
    floor without an encoder."""
    encoder: Any = subject.artifacts.get("encoder")
    if encoder is None:
        return {}
    return {f"success, {name}": _success(subject, encoder, said) for name, said in ATTACKS.items()}


def repaired(subject: Subject) -> dict[str, float]:
    """Of a repair: `rank` of the target among suspects (1: the first), whether it is `first` and `among three`, whether
    a trigger was `found`, `right` (found, and of the target), the `mask` of what was inverted, and `success, inverted`,
    how often that still works after the repair."""
    if subject.run is None or not (subject.run / "repair.json").is_file():
        return {}
    suspects = json.loads((subject.left("target") / "suspects.json").read_bytes())
    record = json.loads((subject.run / "repair.json").read_bytes())
    target = target_of(subject.seed)
    rank = [suspects["classes"][number] for number in suspects["order"]].index(target) + 1
    inverted = load_perturbation(subject.left("invert")).tensors
    mask, pattern = inverted["mask"], inverted["patch"]
    encoder: Any = subject.artifacts["encoder"]
    found = measure_backdoor(encoder, subject.asked, lambda x: overlaid(x, mask, pattern), record["target"])
    return {
        "rank": rank,
        "first": float(rank == 1),
        "among three": float(rank <= 3),
        "found": float(record["found"]),
        "right": float(record["found"] and record["target"] == target),
        "mask": float(mask.mean()),
        "success, inverted": found.success.value,
    }


def _trigger(said: str, pictures: Any) -> Any:
    return named_trigger(said, channels=pictures.channels, image_size=pictures.image_size)


def _success(subject: Subject, encoder: Any, said: str) -> float:
    pairs: Any = subject.asked
    return measure_backdoor(encoder, pairs, _trigger(said, pairs.pictures), target_of(subject.seed)).success.value
