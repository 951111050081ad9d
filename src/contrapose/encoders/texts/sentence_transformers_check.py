"""Whether a folder of sentence-transformers gives the embeddings of the encoder that it was made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.hugging_face import published_model
from contrapose.encoders.texts.backbone import mean_of_tokens
from contrapose.encoders.texts.sentence_transformers import MODULES, WEIGHTS
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.errors import RunError
from contrapose.optional import optional
from contrapose.padded import Padded

TOLERANCE = 1e-4
"""Largest difference, as a share of the largest number in an embedding. [design] as of ONNX files; usual is 1e-7."""
LONGEST = 128  # tokens: of a model of thousands the comparison would take minutes


@torch.no_grad()
def check_equal(folder: Path, encoder: TextEncoder) -> float:
    """The largest difference of the folder's embeddings, by transformers and its own tokenizer, from the encoder's.

    Errors:
        RunError: they differ.
        MissingExtraError: transformers is not there.
    """
    encoder = encoder.eval()
    texts = _texts(encoder)
    ours = encoder(encoder.prepare(texts)).float()  # (B, D)
    theirs = _embedded(folder, texts)  # (B, D)
    difference, scale = float((ours - theirs).abs().max()), float(ours.abs().max())
    if not difference <= TOLERANCE * scale:  # written so that NaN is refused too
        raise RunError(
            f"The exported modules embed texts otherwise than encoder {encoder.name!r}: by up to {difference:.1e}, "
            f"where numbers are as large as {scale:.2g}. Take --to onnx or --to folder, and report this please."
        )
    return difference


def _texts(encoder: TextEncoder) -> list[str]:
    """Made of the vocabulary's own words: of one word, of some, of more than are read, of none."""
    tokenizer = encoder.tokenizer
    draw = torch.Generator().manual_seed(0)
    longest = min(tokenizer.max_length, LONGEST)
    ids = torch.randint(tokenizer.size, (4, 2 * longest), generator=draw)  # (4, 2T)
    lengths = torch.tensor([1, 3, longest // 2 + 1, 2 * longest if longest == tokenizer.max_length else longest])
    view = Padded(ids, torch.arange(ids.shape[1]) < lengths[:, None])
    return [*tokenizer.decode(view), ""]


def _embedded(folder: Path, texts: list[str]) -> Float[Tensor, "B D"]:
    """By the modules that `modules.json` lists, with transformers alone."""
    transformers = optional("transformers", extra="text")
    place = str(folder)
    model = published_model(transformers, place, transformers.AutoConfig.from_pretrained(place)).eval()
    given = transformers.AutoTokenizer.from_pretrained(place)(texts, padding=True, truncation=True, return_tensors="pt")
    tokens = model(**given).last_hidden_state  # (B, T, D)
    z = tokens[:, 0]  # (B, D)
    for module in json.loads((folder / MODULES).read_bytes())[1:]:
        part = folder / module["path"]
        settings = json.loads((part / "config.json").read_bytes())
        if module["type"].endswith("Dense"):
            z = _dense(part, settings)(z)  # (B, D')
        elif settings["pooling_mode_mean_tokens"]:
            z = mean_of_tokens(tokens, Padded(given["input_ids"], given["attention_mask"] != 0))  # (B, D)
    return z


def _dense(part: Path, settings: dict[str, Any]) -> nn.Module:
    linear = nn.Linear(settings["in_features"], settings["out_features"])
    state = safetensors.torch.load((part / WEIGHTS).read_bytes())
    linear.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in state.items()})
    return nn.Sequential(linear, getattr(nn, settings["activation_function"].rsplit(".", 1)[-1])())
