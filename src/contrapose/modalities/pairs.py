"""Pairs: pictures with words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import ArgumentError
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.pairs.options import PairViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Samples
    from contrapose.data.pairs import Pairs
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, Start
    from contrapose.encoders.pairs import Towers

_PYTHON = ("cache", "channels", "preparation")  # options of `open_pairs` that no method has
_OF_TOWERS = ("text_encoder", "vocabulary", "image_size")
_OF_PICTURES = ("image_column", "image_size", "fit", "white", "workers")


@dataclass(frozen=True, kw_only=True)
class PairOptions(Options):
    """What a method has on pairs of a picture and its words."""

    views: PairViews = field(default_factory=PairViews)
    """How views are made."""
    encoder: str = "tiny_conv"
    """The picture tower: an encoder of pictures (tiny_conv, small_conv, resnet18, vit_tiny, ..., timm:NAME); or
    hf:NAME, a CLIP-like model of transformers, which is both towers (--init hf:NAME begins with the published
    weights)."""
    text_encoder: str = "transformer"
    """The text tower: transformer, bag_of_words, word_conv, or hf:NAME."""
    image_column: str | None = None
    """Column of a table with the pictures or their paths. Default: one with a usual name (image, path, file, ...)."""
    text_column: str | None = None
    """Column of a table with the captions, one or a list of them a row. Default: one with a usual name (caption, text,
    ...), else the only one that holds texts."""
    image_size: int | None = None
    """Working resolution in pixels. Default: as stored up to 96, else 64."""
    fit: Literal["crop", "pad"] = "crop"
    """Pictures that are not square: crop keeps their central square, pad the whole picture with its edge continued."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: by the range of them all."""
    workers: int | None = None
    """Processes that decode photos. Default: one per core."""
    max_length: int = 64
    """Tokens of a caption that are read; what comes after is cut. CLIP reads 77."""
    vocabulary: int | None = None
    """Tokens that are told apart, learned from the captions. Default: as the tokenizer has it for so many."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "workers", "white", "vocabulary"):
            self._check(name, getattr(self, name) is None or getattr(self, name) > 0, "above 0")
        self._check_choice("fit", ("crop", "pad"))
        self._check("max_length", self.max_length >= 2, "2 or more")


class _Pairs(Modality):
    name, noun, plural = "pairs", "pair", "pairs"
    options: ClassVar[type[Options]] = PairOptions
    reading = (*_OF_PICTURES, "text_column")
    floor_name = "pixels beside word counts"
    example = '[(picture, "a red three"), ...]'
    sides = ("image", "text")
    measured_by = "PAIRS"

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.pairs import open_pairs

        return open_pairs(spec, **check_reading(self, reading, python=_PYTHON))

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        """Pairs, or one side alone: pictures without words, texts without pictures."""
        from contrapose.data.kinds import kind_of
        from contrapose.modalities.known import MODALITIES

        towers = cast("Towers", encoder)
        asked = {name for name in ("image_column", "text_column") if reading.get(name) is not None}
        side = "pairs" if len(asked) == 2 and not isinstance(spec, list) else kind_of(spec)  # a list has no columns
        if side in self.sides:
            kind, tower = (MODALITIES["image"], towers.image) if side == "image" else (MODALITIES["text"], towers.text)
            own = {name: value for name, value in reading.items() if name not in self.reading or name in kind.reading}
            return kind.open_for(tower, spec, **own)
        form = {"preparation": towers.image.preparation, **reading}
        return self.open(spec, **{**form, "image_size": towers.image.image_size, "channels": towers.image.channels})

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, **{"preparation": cast("Pairs", samples).pictures.preparation, **reading})

    def as_query(self, query: Any) -> Any:
        """A picture, or words: either looks among pictures and among texts."""
        from contrapose.modalities.known import MODALITIES

        picture = MODALITIES["image"].as_query(query)
        return MODALITIES["text"].as_query(query) if picture is query else picture

    def faced(self, samples: Samples, asked: str | None) -> Samples:
        """A picture looks among captions, words look among pictures; a pair among pairs."""
        if asked not in self.sides or samples.modality != self.name:
            return samples
        from contrapose.data.pairs.captioned import CaptionedImages

        pairs = cast("Pairs", samples)
        return pairs.texts if asked == "image" else CaptionedImages.of(pairs)

    def start(self, init: Any, config: Any) -> Start:
        from contrapose.encoders import starting_point
        from contrapose.encoders.initial import Start
        from contrapose.encoders.pairs import clip_model
        from contrapose.modalities.known import MODALITIES

        if isinstance(init, str) and init.startswith("hf:"):
            towers = clip_model(init, pretrained=True, max_length=config.max_length)
            return Start(init, init, self.name, lambda _: copy.deepcopy(towers))
        found = starting_point(init, option=config.start_option)
        if found.modality != self.name:
            raise ArgumentError(
                f"{found.source} holds an encoder of {MODALITIES[found.modality].plural}, and pairs need two towers: "
                "give a run of pairs, or hf:NAME of a CLIP-like model. From Python, "
                "contrapose.encoders.joined_towers makes towers of two trained encoders."
            )
        return found

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        pictures = cast("Towers", start.encoder()).image  # for which pairs are opened
        kept, form = pictures.preparation, {"image_size": pictures.image_size, "channels": pictures.channels}
        return {"preparation": kept, "fit": kept.fit, **form}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders.pairs import build_towers, clip_model
        from contrapose.encoders.texts import tokenizer_for

        pairs = cast("Pairs", samples)
        pictures = pairs.pictures
        if config.encoder.startswith("hf:"):
            towers = clip_model(
                config.encoder, max_length=config.max_length, seed=config.seed, preparation=pictures.preparation
            )
            wanted = (towers.image.channels, towers.image.image_size)
            if (pictures.channels, pictures.image_size) != wanted:
                raise ArgumentError(
                    f"{config.encoder} takes pictures of {wanted[0]} x {wanted[1]} x {wanted[1]}, and these are "
                    f"{pictures.in_words()}: give --image-size {wanted[1]}."
                )
            return towers
        mean, std = pictures.statistics()
        tokenizer = tokenizer_for(
            config.text_encoder, pairs.every_text, max_length=config.max_length, vocabulary=config.vocabulary
        )
        return build_towers(
            config.encoder,
            config.text_encoder,
            channels=pictures.channels,
            image_size=pictures.image_size,
            tokenizer=tokenizer,
            mean=mean,
            std=std,
            preparation=pictures.preparation,
            seed=config.seed,
            **config.encoder_arguments,
        )

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.pairs import PairViewMaker

        pairs, towers = cast("Pairs", samples), cast("Towers", encoder)
        return PairViewMaker(
            options,
            towers.text.prepare,
            channels=pairs.pictures.channels,
            image_size=pairs.pictures.image_size,
            synonyms=pairs.synonyms,
        )

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        """The user's `(picture (C, H, W), captions) -> (picture, caption)`, called for each pair and view."""
        from contrapose.views.pairs.own import own_pair_views

        return own_pair_views(views, options.count, cast("Towers", encoder).text.prepare)

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        from contrapose.modalities.known import MODALITIES
        from contrapose.paired import Paired

        towers = cast("Towers", encoder)
        pictures = MODALITIES["image"].made_up(towers.image, size, seed)  # (B, C, S, S)
        return Paired(pictures, MODALITIES["text"].made_up(towers.text, size, seed))

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        return cast("Towers", encoder).text.tokenizer.decode(view.second)

    def drawing(self, samples: Samples, row: int) -> str | None:
        """The picture above its first caption."""
        from contrapose.data.pairs.drawing import pair_drawing

        raw = cast("Pairs", samples).batch([row])
        return pair_drawing(raw.pixels[0].numpy(), raw.captions[0][0])

    def view_drawings(self, view: Any, encoder: Encoder) -> list[str] | None:
        from contrapose.data.pairs.drawing import pair_drawing

        pixels = (255 * view.first).round().clamp(0, 255).byte().cpu().numpy()  # (B, C, S, S)
        words = self.shown_views(view, encoder)
        return [pair_drawing(picture, text) for picture, text in zip(pixels, words, strict=True)]

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.pairs.problems import pair_problems

        return pair_problems(cast("Pairs", samples))

    def false_negatives(self, samples: Samples, batch: int) -> str | None:
        from contrapose.data.pairs.problems import false_negatives

        return false_negatives(cast("Pairs", samples), batch)

    def unused(self, config: Any, encoder: Encoder) -> list[str]:
        published = str(config.init).startswith("hf:")  # of which --max-length cuts the captions
        names = _OF_TOWERS if published else (*_OF_TOWERS, "max_length")
        given = [name for name in names if getattr(config, name) != getattr(PairOptions, name)]
        flags = ", ".join(f"--{name.replace('_', '-')} {getattr(config, name)}" for name in given)
        say = f"play{'s' * (len(given) == 1)} no part: {config.init} brings its towers along, as they are"
        return [f"{flags} {say}."] if given else []

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.pairs.problems import pair_facts

        return pair_facts(cast("Pairs", samples))

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """Raw pixels and TF-IDF of the captions, each of length 1, side by side: what needs no network."""
        from contrapose.data.pairs.floor import pixels_and_words

        return pixels_and_words(cast("Pairs", known))

    def takes(self, encoder: Encoder) -> list[str]:
        from contrapose.modalities.known import MODALITIES

        towers = cast("Towers", encoder)
        return [
            "Input: pictures, texts, or pairs of both; pictures and texts are embedded into one space.",
            *(line for side in self.sides for line in MODALITIES[side].takes(getattr(towers, side))),
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        from contrapose.modalities.known import MODALITIES

        MODALITIES["image"].settle(cast("Towers", encoder).image, cast("Pairs", samples).pictures)


PAIRS = _Pairs()
