"""A tiny BERT that the tests make, in a folder as a hub's repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "dog", "##s", "."]


def write_tokenizer(folder: Path) -> None:
    """With [CLS] before and [SEP] behind each text."""
    numbers = {word: number for number, word in enumerate(WORDS)}
    own = tokenizers.Tokenizer(tokenizers.models.WordPiece(numbers, unk_token="[UNK]"))
    own.normalizer = tokenizers.normalizers.BertNormalizer()
    own.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    own.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    transformers.PreTrainedTokenizerFast(tokenizer_object=own, **special).save_pretrained(folder)


def write_bert(folder: Path, **changes: Any) -> Path:
    """Configuration, weights, tokenizer; `changes` are of the configuration."""
    write_tokenizer(folder)
    torch.manual_seed(0)
    config = {"vocab_size": len(WORDS), "max_position_embeddings": 32, **TINY, **changes}
    transformers.BertModel(transformers.BertConfig(**config)).save_pretrained(folder)
    return folder
