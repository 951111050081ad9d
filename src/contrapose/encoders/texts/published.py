"""Published weights of a text model: which names and folders are some, and the encoder that they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contrapose.encoders.hugging_face import settings_of
from contrapose.encoders.texts.factory import HUGGING_FACE, build_text
from contrapose.encoders.texts.hugging_face import hf_tokenizer
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.encoders.texts.tokenizer import MAX_LENGTH
from contrapose.errors import ArgumentError
from contrapose.optional import optional

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
POOLINGS = {"mean": "mean", "cls": "token"}
"""How sentence-transformers calls a pooling -> how we do."""
_BEHIND = ("Pooling", "Normalize")
"""Modules of sentence-transformers behind the transformer that an encoder here has, or leaves to who compares: the
length of an embedding is none of an encoder's business."""


def published_name(init: str) -> str | None:
    """`hf:FOLDER` of a folder as transformers (or sentence-transformers) writes it; None of any other.

    Errors:
        ArgumentError: a folder with such weights, and nothing that says of which model they are.
    """
    folder = Path(init).expanduser()
    settings = _json(folder / "config.json")
    if isinstance(settings, dict) and "model_type" in settings:
        return f"{HUGGING_FACE}{folder}"
    weights = next((name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is not None and not (folder / "config.json").is_file():
        raise ArgumentError(
            f"{init} holds weights ({weights}) and no config.json, which says of what model they are. Give the whole "
            "folder, as save_pretrained of transformers writes it."
        )
    return None


def takes_texts(name: str) -> bool:
    """Whether the model `hf:NAME` takes numbers of tokens.

    Errors:
        ArgumentError: there is no model of that name, or not as transformers knows them.
        MissingExtraError: transformers is not there.
    """
    transformers = optional("transformers", extra="text")
    place = name.removeprefix(HUGGING_FACE)
    published_name(place)  # which refuses what lacks a configuration
    try:
        kind = type(settings_of(transformers, place, None))
        model = transformers.MODEL_MAPPING[kind]
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise _no_model(name, error) from error
    return str(getattr(model, "main_input_name", "")) == "input_ids"


def published_text(name: str, *, max_length: int | None = None) -> TextEncoder:
    """The encoder `hf:NAME` with its published weights and tokenizer, pooled as its folder says.

    A folder of sentence-transformers says how its tokens are pooled; of all others the mean is taken. Its embeddings
    are those before any scaling to length 1.

    Arguments:
        name: `hf:` and a hub name or a local folder.
        max_length: the most tokens of a text; None: 64, as of all encoders of texts.

    Errors:
        ArgumentError: weights that do not fit the model or are not there, no tokenizer, fewer places than
            `max_length`, a pooling or modules that no encoder here has.
        MissingExtraError: transformers is not there.
    """
    place = name.removeprefix(HUGGING_FACE)
    pooling = _pooling(Path(place).expanduser(), name)
    tokenizer = hf_tokenizer(place, max_length=MAX_LENGTH if max_length is None else max_length)
    return build_text(name, tokenizer, pretrained=True, pooling=pooling)


def _pooling(folder: Path, name: str) -> str:
    """How a local folder of sentence-transformers pools; `"mean"` of what is none."""
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        return "mean"
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    beyond = [kind for kind in kinds[1:] if kind not in _BEHIND]
    if kinds[:1] != ["Transformer"] or beyond:
        raise ArgumentError(
            f"{name} is made of {', '.join(kinds)} (modules.json): weights to begin with are those of a Transformer, "
            "pooled. Give another model."
        )
    places = [module.get("path", "") for module, kind in zip(modules, kinds, strict=True) if kind == "Pooling"]
    settings = _json(folder / places[0] / "config.json") if places else None
    return _usual(settings, name) if isinstance(settings, dict) else "mean"


def _usual(settings: dict[str, Any], name: str) -> str:
    """Our name of the pooling that a `config.json` of sentence-transformers asks for."""
    asked = settings.get("pooling_mode")
    if asked is None:  # before their version 6 each had a switch of its own
        switched = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value]
        asked = [key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key in switched]
    modes = [asked] if isinstance(asked, str) else list(asked) or ["mean"]
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise ArgumentError(
            f"{name} pools its tokens by {' and '.join(map(str, modes))}, and encoders here by the mean or the first "
            "token. Give another model."
        )
    return POOLINGS[modes[0]]


def _json(path: Path) -> Any:
    """What stands in a JSON file; None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _no_model(name: str, error: Exception) -> ArgumentError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return ArgumentError(
        f"{name} is no model that transformers knows ({reason}). Give the name of one on the hub, or a folder with "
        "config.json, weights and tokenizer.json, as save_pretrained writes it."
    )
