"""`PairViewMaker`: a batch of pairs into views of it, weak and strong ones of both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.padded import Padded
from contrapose.paired import Paired
from contrapose.views.images import ViewGenerator
from contrapose.views.images.options import ImageViews
from contrapose.views.pairs.captions import edited, without_stop_words
from contrapose.views.pairs.options import PairViews
from contrapose.views.texts.remembered import Remembered


class PairViewMaker:
    """Random views of a batch of pairs; the first is weak, the others are strong.

        pictures   weak: a crop; strong: all that `options.images` says
        captions   weak: without stop words by chance; strong: the same, and then one word changed

    Where a picture has several captions, its views take different ones as far as these go: they are its positives.

    Shapes:
        raw: `pixels` `(B, C, H, W)` and `captions`, B tuples of texts; returns `count` `Paired` of B.

    Arguments:
        prepare: texts to `Padded`.
        channels, image_size: of the pictures.
        synonyms: words that may stand for others, in small letters.

    Errors:
        OptionError: options of pictures that these channels do not allow.
    """

    def __init__(
        self,
        options: PairViews,
        prepare: Callable[[Any], Padded],
        *,
        channels: int,
        image_size: int,
        synonyms: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.options, self.synonyms = options, synonyms or {}
        self.prepare, self.remembered = prepare, Remembered(prepare)
        size = options.images.size
        weak = ImageViews(recipe="none", count=1, size=size, crop_scale_min=options.weak_crop_min)
        self.weak = ViewGenerator(weak, channels=channels, image_size=image_size)
        strong = dataclasses.replace(options.images, count=max(1, options.strong))
        self.strong = ViewGenerator(strong, channels=channels, image_size=image_size)

    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Paired, ...]:
        """Views of the pairs; the same state of `generator` (torch's global one if `None`) gives the same views."""
        device = "cpu" if generator is None else generator.device
        seed = torch.randint(2**62, (), generator=generator, device=device)
        random = np.random.default_rng(int(seed))
        pictures = self.weak(raw.pixels, generator=generator)  # (B, C, S, S)
        if self.options.strong:
            pictures = (*pictures, *self.strong(raw.pixels, generator=generator))
        # Each picture's captions in an order of its own: its views take one after another.
        orders = [random.permutation(len(some)) for some in raw.captions]
        views = []
        for number, picture in enumerate(pictures):
            chosen = [some[order[number % len(some)]] for some, order in zip(raw.captions, orders, strict=True)]
            words = self._words(chosen, random, strong=number > 0)
            views.append(Paired(picture, words.to(picture.device)))
        return tuple(views)

    def _words(self, captions: Sequence[str], random: np.random.Generator, *, strong: bool) -> Padded:
        share = self.options.texts.stop_words
        if share:
            silent = random.random(len(captions)) < share  # (B,)
            captions = [
                without_stop_words(text) if drop else text for text, drop in zip(captions, silent.tolist(), strict=True)
            ]
        if not strong:
            return self.remembered(captions)
        # Changed ones hardly come again, so they are not remembered.
        return self.prepare([edited(text, random, self.options.texts, self.synonyms) for text in captions])

    def __repr__(self) -> str:
        return f"PairViewMaker({self.options})"
