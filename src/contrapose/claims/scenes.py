"""A ground of captioned scenes, and what it is asked: which digit a picture shows, by sentences alone."""

from __future__ import annotations

from itertools import product
from typing import Any

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.data.images.made.scenes import PLACES, scenes
from contrapose.data.images.made.trifeature import COLOURS
from contrapose.data.pairs import Pairs, scene_captions
from contrapose.data.pairs.scene_captions import SYNONYMS, TEMPLATES
from contrapose.embedder import Embedder
from contrapose.tasks import Given, Targets, task_for

LEARNED, VALIDATION, TEST = range(3)
"""Seeds of the parts, and their places in `SCANS`."""
SCANS = ((0, 900), (900, 1200), (1200, None))
"""Which of the 1,797 scans each part shows; no scan is in two of them."""
ACCURACY = "zero-shot accuracy"


def captioned_scenes(source: str, protocol: Protocol, seed: int) -> Ground:
    """Scenes of one digit with one caption each; those to choose on and to report on show scans that are not learned
    from. The same for all seeds, so that seeds differ in weights, batches and views only. Whatever `--data` says plays
    no part."""
    return captions_each(1, protocol)


def captions_each(captions: int, protocol: Protocol, **size: int) -> Ground:
    """The same with several captions of each scene, and of another size (`side` and `scale` of `scenes`)."""
    train = _part(max(protocol.images, protocol.labelled), LEARNED, captions, **size)
    return Ground(
        pretraining={"pretraining": train.subset(range(protocol.images))},
        labelled=train.subset(range(protocol.labelled)),
        validation=_part(protocol.validation, VALIDATION, captions, **size),
        test=_part(protocol.test, TEST, captions, **size),
    )


def named_by_prompts(subject: Subject) -> dict[str, float]:
    """`zero-shot accuracy`: the digit of a picture is that whose sentences, in every colour and at every place, lie
    nearest to it on average, as `contrapose evaluate --task prompts` measures. Weak and strong heads count alike."""
    embedder = getattr(subject.embed, "__self__", None)
    given = Given(
        embedder.encoder if isinstance(embedder, Embedder) else subject.asked,
        subject.asked,
        None,
        open=lambda samples, **_: samples,  # in the form of the encoder already
        bring=subject.ground.modality.open,
        targets=Targets(prompts=prompts()),
    )
    metrics, _ = task_for(given, "prompts").prepare(given)(subject.embed)
    return {ACCURACY: metrics["accuracy"].value}


def prompts() -> list[str]:
    """What captions may say of a digit, which `{}` stands for."""
    words: Any = {"colour": COLOURS, "place": PLACES}
    said = [
        template.format(digit="{}", colour=colour, place=place)
        for template, colour, place in product(TEMPLATES, words["colour"], words["place"])
    ]
    return list(dict.fromkeys(said))


def _part(count: int, part: int, captions: int = 1, **size: int) -> Pairs:
    first, last = SCANS[part]
    images = scenes(count, seed=part, first=first, last=last, **size)
    return Pairs(images, scene_captions(images, captions=captions, seed=part), synonyms=SYNONYMS, origin=images.origin)
