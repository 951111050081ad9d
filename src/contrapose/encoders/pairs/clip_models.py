"""`hf:NAME`: CLIP-like models of transformers (CLIP, SigLIP, ...) as two towers.

What an encoder folder says about one is data: no code and no weights are fetched on its account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.backbone import Backbone
from contrapose.encoders.factory import seeded
from contrapose.encoders.hugging_face import harmless, published_model, settings_of
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.images.layered import LayeredImageEncoder
from contrapose.encoders.layers import Layer
from contrapose.encoders.pairs.towers import Towers
from contrapose.encoders.texts.backbone import TextBackbone
from contrapose.encoders.texts.hugging_face import hf_tokenizer
from contrapose.encoders.texts.text_encoder import TOKENIZER_FILE, TextEncoder
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.errors import ArgumentError, MissingExtraError
from contrapose.optional import optional
from contrapose.padded import Padded
from contrapose.preparation import Preparation

HUGGING_FACE = "hf:"
SIDES = ("get_image_features", "get_text_features")
USUAL = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and deviation that CLIP was trained with (arXiv 2103.00020); where a repository says others, those are taken."""


class _Pictures(Backbone):
    """The picture side of such a model."""

    def __init__(self, tower: nn.Module, projection: nn.Module, dimension: int) -> None:
        super().__init__()
        self.tower, self.projection, self.dimension = tower, projection, dimension

    @property
    def layers(self) -> dict[str, Layer]:
        """Its blocks, by name; none where the model keeps them elsewhere than CLIP and SigLIP do."""
        blocks: Any = getattr(getattr(self.tower, "encoder", None), "layers", ())
        return {f"blocks.{number}": Layer(block, _tokens) for number, block in enumerate(blocks)}

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        return self.projection(self.tower(pixel_values=x).pooler_output)


def _tokens(output: Any) -> Float[Tensor, "B T D"]:
    """What a block gives, which some releases of transformers put first in a tuple."""
    return output[0] if isinstance(output, tuple) else output


class _Words(TextBackbone):
    """The text side of such a model."""

    def __init__(self, tower: nn.Module, projection: nn.Module, dimension: int, pad: int) -> None:
        super().__init__()
        self.tower, self.projection, self.dimension, self.pad = tower, projection, dimension, pad

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        ids = view.values.masked_fill(~view.mask, self.pad)  # (B, T)
        return self.projection(self.tower(input_ids=ids, attention_mask=view.mask.long()).pooler_output)


def clip_model(
    name: str,
    *,
    pretrained: bool = False,
    max_length: int = 64,
    seed: int | None = None,
    preparation: Preparation | None = None,
) -> Towers:
    """The towers of `hf:NAME`, a hub name or a local folder: compared as they come out of the model.

    Arguments:
        pretrained: fetch the published weights too; off: only the architecture and the vocabulary.
        max_length: tokens of a text that are read, at most as many as the model has places for.
        seed: first weights without `pretrained`.
        preparation: how the pictures become pixels.

    Errors:
        MissingExtraError: transformers is not there.
        ArgumentError: no such model, or one without two towers.
    """
    rest = name.removeprefix(HUGGING_FACE)
    transformers = optional("transformers", extra="text")
    try:
        settings = settings_of(transformers, rest, None)
        tokenizer = hf_tokenizer(rest, max_length=_places(settings, max_length))
        with seeded(seed):
            model = (
                published_model(transformers, rest, settings)
                if pretrained
                else transformers.AutoModel.from_config(settings, trust_remote_code=False)
            )
    except ImportError as error:
        raise MissingExtraError(f"{name} needs something that cannot be imported: {error}.") from error
    except (OSError, TypeError, ValueError, KeyError, RuntimeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"{name} cannot be opened: {str(error).strip().splitlines()[0].rstrip('.')}.") from error
    config = harmless(json.loads(settings.to_json_string(use_diff=False)))
    return _towers(name, model, config, tokenizer, preparation or Preparation(), _statistics(transformers, rest))


def rebuild_clip_model(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> Towers:
    """The same from its folder, with new weights; nothing is fetched.

    Errors:
        ArgumentError: no configuration or vocabulary in it.
        MissingExtraError: transformers is not there.
    """
    if not isinstance(arguments.get("config"), Mapping) or TOKENIZER_FILE not in files:
        raise ArgumentError(f"{name!r} comes without its config or its vocabulary, which would have to be fetched.")
    transformers = optional("transformers", extra="text")
    words = form["text"]
    tokenizer = Tokenizer.from_json(
        files[TOKENIZER_FILE], max_length=words["max_length"], pad=words.get("pad", 0), mask=words.get("mask")
    )
    with seeded(seed):
        settings = settings_of(transformers, name, arguments["config"])
        model = transformers.AutoModel.from_config(settings, trust_remote_code=False)
    preparation = Preparation.from_json(form["image"].get("preparation", {}))
    return _towers(name, model, arguments["config"], tokenizer, preparation, (0.5, 0.5))


def _towers(
    name: str,
    model: Any,
    config: Mapping[str, Any],
    tokenizer: Tokenizer,
    preparation: Preparation,
    statistics: tuple[Any, Any],
) -> Towers:
    vision, words = (getattr(model, side, None) for side in ("vision_model", "text_model"))
    if vision is None or words is None or not all(hasattr(model, side) for side in SIDES):
        raise ArgumentError(
            f"{name} is a {type(model).__name__} and has no two towers, of pictures and of texts, as CLIP and SigLIP "
            "have. An encoder of one side is named as --encoder of a run on pictures or texts."
        )
    model.float()  # configurations may ask for half precision; precision is the caller's to choose
    projections = [getattr(model, f"{side}_projection", None) or nn.Identity() for side in ("visual", "text")]
    widths = [_width(model.config, projection, side) for projection, side in zip(projections, SIZED, strict=True)]
    size, channels = int(model.config.vision_config.image_size), int(model.config.vision_config.num_channels)
    pictures = _Pictures(vision, projections[0], widths[0])
    image = (LayeredImageEncoder if pictures.layers else ImageEncoder)(
        pictures,
        name=name,
        arguments={},
        channels=channels,
        image_size=size,
        mean=statistics[0],
        std=statistics[1],
        preparation=preparation,
    )
    text = TextEncoder(_Words(words, projections[1], widths[1], tokenizer.pad), tokenizer, name=name, arguments={})
    towers = Towers(image, text, name=name, arguments={"config": dict(config)}, width=0)
    if hasattr(model, "logit_scale"):
        with torch.no_grad():
            towers.log_scales.copy_(model.logit_scale.reshape(1))
        towers.clamp_scales()
    return towers


SIZED = ("vision_config", "text_config")


def _width(config: Any, projection: nn.Module, side: str) -> int:
    if isinstance(projection, nn.Linear):
        return projection.out_features
    own = getattr(config, side)
    return int(getattr(own, "projection_size", None) or own.hidden_size)


def _places(settings: Any, wanted: int) -> int:
    own = getattr(getattr(settings, "text_config", None), "max_position_embeddings", wanted)
    return min(int(own), wanted)


def _statistics(transformers: Any, name: str) -> tuple[Any, Any]:
    """What `preprocessor_config.json` says, else CLIP's own."""
    try:
        found, _ = transformers.ImageProcessingMixin.get_image_processor_dict(name)
        return list(found["image_mean"]), list(found["image_std"])
    except (OSError, KeyError, TypeError):
        return USUAL
