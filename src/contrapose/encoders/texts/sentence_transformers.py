"""An encoder of texts as a folder of sentence-transformers: the same numbers, in modules that this library knows.

Nothing in such a folder is code. Where none of its modules computes what a backbone does, there is no such folder.

    hf:NAME        the model itself, Pooling
    transformer    XLM-RoBERTa-XL (pre-norm blocks, learned places, a norm behind the last), Pooling
    bag_of_words   OpenAI GPT of no blocks, which is its table of words; Pooling by the mean; two Dense
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from contrapose.encoders.hugging_face import harmless
from contrapose.encoders.texts.bag_of_words import BagOfWords
from contrapose.encoders.texts.hugging_face import HuggingFaceText
from contrapose.encoders.texts.text_encoder import TOKENIZER_FILE, TextEncoder
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.encoders.texts.transformer import TextTransformer
from contrapose.errors import RunError
from contrapose.optional import optional

WEIGHTS = "model.safetensors"
MODULES = "modules.json"
_NAMES = "sentence_transformers.models."
"""Where versions 2 to 6 find their modules."""


@dataclass(frozen=True)
class Parts:
    """What the modules hold.

    Arguments:
        settings: of the transformer, as its `config.json` has them.
        weights: of the transformer, by the names that transformers gives them.
        pooling: `"mean"` or `"token"`.
        dense: linear maps behind the pooling, each with the activation that follows it.
    """

    settings: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    pooling: str
    dimension: int
    dense: list[tuple[nn.Linear, type[nn.Module]]] = field(default_factory=list)


def sentence_transformers_files(encoder: TextEncoder) -> dict[str, bytes]:
    """The files of the folder, by their paths in it.

    Errors:
        RunError: a backbone that no module of sentence-transformers is equal to.
        MissingExtraError: an `hf:` encoder without transformers.
    """
    backbone, tokenizer = encoder.backbone, encoder.tokenizer
    make = next((make for kind, make in _PARTS.items() if isinstance(backbone, kind)), None)
    if make is None:
        raise RunError(
            f"No module of sentence-transformers computes what a {type(backbone).__name__} does, and a folder with "
            "code of its own is not written. Take --to onnx or --to folder."
        )
    parts = make(backbone, tokenizer)
    files = {
        "config.json": _json({**parts.settings, "dtype": "float32", "torch_dtype": "float32"}),
        WEIGHTS: _tensors(parts.weights),
        "sentence_bert_config.json": _json({"max_seq_length": tokenizer.max_length, "do_lower_case": False}),
        "config_sentence_transformers.json": _json({"prompts": {}, "default_prompt_name": None}),
        "1_Pooling/config.json": _json(_pooling(parts)),
        **_tokenizer_files(tokenizer),
    }
    kinds = ["Transformer", "Pooling"]
    for linear, activation in parts.dense:
        folder = f"{len(kinds)}_Dense"
        files[f"{folder}/config.json"] = _json(_dense(linear, activation))
        files[f"{folder}/{WEIGHTS}"] = _tensors({"linear.weight": linear.weight, "linear.bias": linear.bias})
        kinds.append("Dense")
    listed = [
        {"idx": number, "name": str(number), "path": f"{number}_{kind}" if number else "", "type": _NAMES + kind}
        for number, kind in enumerate(kinds)
    ]
    return {**files, MODULES: _json(listed)}


def _published(backbone: HuggingFaceText, tokenizer: Tokenizer) -> Parts:
    """The model as it is, with zeros for the pooler that was left out when it was made and that nobody asks."""
    transformers = optional("transformers", extra="text")
    model: Any = backbone.model
    settings = harmless(json.loads(model.config.to_json_string(use_diff=False)))
    with torch.device("meta"):
        whole = type(model)(transformers.AutoConfig.for_model(**settings)).state_dict()
    weights = dict(model.state_dict())
    absent = {name: like for name, like in whole.items() if name not in weights and name.startswith("pooler.")}
    weights |= {name: torch.zeros(like.shape) for name, like in absent.items()}
    settings = {**settings, "architectures": [type(model).__name__]}
    return Parts(settings, weights, backbone.pooling, backbone.dimension)


def _transformer(backbone: TextTransformer, tokenizer: Tokenizer) -> Parts:
    """Pre-norm blocks as XLM-RoBERTa-XL has them; places are counted from behind the number of padding."""
    blocks, dimension, places = backbone.blocks, backbone.dimension, tokenizer.pad + 1
    first: Any = blocks[0]
    dropout = getattr(backbone.dropout, "p", 0.0)
    settings = {
        "model_type": "xlm-roberta-xl",
        "architectures": ["XLMRobertaXLModel"],
        "vocab_size": backbone.embedding.num_embeddings,
        "hidden_size": dimension,
        "num_hidden_layers": len(blocks),
        "num_attention_heads": first.attention.heads,
        "intermediate_size": 4 * dimension,
        "hidden_act": "gelu",
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": places + backbone.max_length,
        "type_vocab_size": 1,
        "layer_norm_eps": backbone.norm.eps,
        "pad_token_id": tokenizer.pad,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    positions = torch.zeros(places + backbone.max_length, dimension)  # (pad + 1 + T, D)
    positions[places:] = backbone.positions.detach()[0].float()
    weights = {
        "embeddings.word_embeddings.weight": backbone.embedding.weight,
        "embeddings.position_embeddings.weight": positions,
        "embeddings.token_type_embeddings.weight": torch.zeros(1, dimension),
        **_both("encoder.LayerNorm", backbone.norm),
        **_both("pooler.dense", None, dimension),
    }
    for number, block in enumerate(blocks):
        weights |= {f"encoder.layer.{number}.{name}": tensor for name, tensor in _block(block).items()}
    return Parts(settings, weights, backbone.pooling, dimension)


def _block(block: Any) -> dict[str, Tensor]:
    """One block by the names of transformers; queries, keys and values apart."""
    attention, (rise, _, fall) = block.attention, block.mlp
    whole = attention.project_in
    apart = zip(whole.weight.chunk(3), whole.bias.chunk(3), strict=True)  # each (D, D) and (D,)
    found: dict[str, Tensor] = {}
    for name, (weight, bias) in zip(("query", "key", "value"), apart, strict=True):
        found |= {f"attention.self.{name}.weight": weight, f"attention.self.{name}.bias": bias}
    return {
        **found,
        **_both("attention.self_attn_layer_norm", block.norm_attention),
        **_both("attention.output.dense", attention.project_out),
        **_both("LayerNorm", block.norm_mlp),
        **_both("intermediate.dense", rise),
        **_both("output.dense", fall),
    }


def _bag_of_words(backbone: BagOfWords, tokenizer: Tokenizer) -> Parts:
    """A GPT of no blocks gives the embeddings of the tokens, to which places of zero are added."""
    words, dimension = backbone.embedding.weight.shape  # (M, D)
    settings = {
        "model_type": "openai-gpt",
        "architectures": ["OpenAIGPTModel"],
        "vocab_size": words,
        "n_positions": tokenizer.max_length,
        "n_embd": dimension,
        "n_layer": 0,
        "n_head": 1,
        "embd_pdrop": 0.0,
        "pad_token_id": tokenizer.pad,
    }
    weights = {
        "tokens_embed.weight": backbone.embedding.weight,
        "positions_embed.weight": torch.zeros(tokenizer.max_length, dimension),
    }
    rise: Any = backbone.layers[0]
    fall: Any = backbone.layers[2]
    return Parts(settings, weights, "mean", dimension, [(rise, nn.ReLU), (fall, nn.Identity)])


_PARTS: dict[type[nn.Module], Callable[..., Parts]] = {
    HuggingFaceText: _published,
    TextTransformer: _transformer,
    BagOfWords: _bag_of_words,
}


def _both(name: str, module: Any, dimension: int = 0) -> dict[str, Tensor]:
    """Weight and bias of a module under another name; zeros of a square one that nobody asks, for None."""
    if module is None:
        return {f"{name}.weight": torch.zeros(dimension, dimension), f"{name}.bias": torch.zeros(dimension)}
    return {f"{name}.weight": module.weight, f"{name}.bias": module.bias}


def _pooling(parts: Parts) -> dict[str, Any]:
    return {
        "word_embedding_dimension": parts.dimension,
        "pooling_mode_cls_token": parts.pooling == "token",
        "pooling_mode_mean_tokens": parts.pooling == "mean",
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }


def _dense(linear: nn.Linear, activation: type[nn.Module]) -> dict[str, Any]:
    return {
        "in_features": linear.in_features,
        "out_features": linear.out_features,
        "bias": True,
        "activation_function": f"{activation.__module__}.{activation.__qualname__}",
    }


def _tokenizer_files(tokenizer: Tokenizer) -> dict[str, bytes]:
    """The vocabulary, and how transformers is to read it: special tokens that a text spells are words to it."""
    backend = tokenizer.backend
    unknown = json.loads(backend.to_str())["model"].get("unk_token")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": tokenizer.max_length,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
        "padding_side": "right",
        "truncation_side": "right",
        "pad_token": backend.id_to_token(tokenizer.pad),
        **({} if tokenizer.mask is None else {"mask_token": backend.id_to_token(tokenizer.mask)}),
        **({} if unknown is None else {"unk_token": unknown}),
    }
    return {TOKENIZER_FILE: tokenizer.to_json(), "tokenizer_config.json": _json(settings)}


def _json(found: Any) -> bytes:
    return (json.dumps(found, indent=2) + "\n").encode()


def _tensors(weights: Mapping[str, Tensor]) -> bytes:
    """As transformers reads them: float32, each with memory of its own."""
    own = {
        name: tensor.detach().cpu().float().clone(memory_format=torch.contiguous_format)
        for name, tensor in weights.items()
    }
    return safetensors.torch.save(own, metadata={"format": "pt"})
