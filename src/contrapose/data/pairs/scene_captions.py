"""What is said of scenes (`made:scenes`): sentences of a small grammar, and other words for those in them."""

from __future__ import annotations

import numpy as np

from contrapose.data.images.images import Images
from contrapose.errors import ArgumentError

TEMPLATES = (
    "a photo of a {colour} {digit}",
    "this is a {digit} in {colour}",
    "the {colour} {digit} is at the {place}",
    "here you can see the digit {digit} and it is {colour}",
)
SYNONYMS = {
    "red": ("crimson",),
    "green": ("emerald",),
    "blue": ("azure",),
    "yellow": ("golden",),
    "magenta": ("fuchsia",),
    "cyan": ("turquoise",),
    "photo": ("picture",),
    "digit": ("numeral",),
    "top": ("upper",),
    "bottom": ("lower",),
    "zero": ("nil",),
    "one": ("single",),
    "two": ("couple",),
    "three": ("trio",),
    "four": ("quartet",),
    "five": ("quintet",),
    "six": ("sextet",),
    "seven": ("septet",),
    "eight": ("octet",),
    "nine": ("nonet",),
}
"""One other word for each that says something; captions have none of them, word augmentation may put them there."""


def scene_captions(images: Images, *, captions: int = 2, seed: int = 0) -> list[tuple[str, ...]]:
    """So many captions of each scene, of different templates in an order of their own; each names digit and colour.

    Arguments:
        images: scenes, whose targets say what they show.
        captions: of a scene, 1 to 4.
        seed: draws which templates.

    Errors:
        ArgumentError: another number of captions.
    """
    if not 1 <= captions <= len(TEMPLATES):
        raise ArgumentError(f"captions={captions}: a scene has from 1 to {len(TEMPLATES)} captions.")
    random = np.random.default_rng(seed)
    orders = random.random((len(images), len(TEMPLATES))).argsort(axis=1)[:, :captions]  # (N, captions)
    words = {
        name: np.asarray(images.names_of[name])[images.targets[name].astype(np.int64)]
        for name in ("digit", "colour", "place")
    }
    return [
        tuple(TEMPLATES[template].format(**{name: word[row] for name, word in words.items()}) for template in order)
        for row, order in enumerate(orders.tolist())
    ]
