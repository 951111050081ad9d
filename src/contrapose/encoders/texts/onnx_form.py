"""How an encoder of texts becomes an ONNX file: from numbers of tokens on, with the vocabulary beside it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.encoders.onnx_form import OnnxForm
from contrapose.encoders.texts.backbone import TextBackbone
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.optional import optional
from contrapose.padded import Padded

IDS, MASK = "input_ids", "attention_mask"  # as transformers and its kin call them
AXES = {0: "batch", 1: "tokens"}
LONGEST_EXAMPLE = 128  # tokens: of a model of thousands the comparison would take minutes
VOCABULARY = "tokenizer.json"

_USE = """\
import numpy as np, onnxruntime
from tokenizers import Tokenizer
texts = Tokenizer.from_file("tokenizer.json").encode_batch(["some words", "other words"])  # cut, and padded
ids, mask = (np.array([getattr(text, name) for text in texts]) for name in ("ids", "attention_mask"))
z = onnxruntime.InferenceSession("model.onnx").run(None, {"input_ids": ids, "attention_mask": mask})[0]
"""


class _FromTokens(nn.Module):
    """The backbone above two tensors.

    Shapes:
        ids, mask: `(B, T)` int64, mask 1 where a token is real; returns `(B, D)`.
    """

    def __init__(self, backbone: TextBackbone, pad: int) -> None:
        super().__init__()
        self.backbone, self.pad = backbone, pad

    def forward(self, ids: Int[Tensor, "B T"], mask: Int[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        real = mask != 0  # (B, T)
        first = torch.arange(ids.shape[1], device=ids.device) == 0  # (T,)
        none = first & ~real.any(dim=1, keepdim=True)  # (B, T), the first token of a text that has none
        ids = ids.masked_fill(~real, 0).masked_fill(none, self.pad)  # (B, T)
        return self.backbone(Padded(ids, real | none))  # (B, D)


def onnx_form(backbone: TextBackbone, tokenizer: Tokenizer) -> OnnxForm:
    """What `to_onnx` needs to know of an encoder of these two."""
    return OnnxForm(
        network=_FromTokens(backbone, tokenizer.pad),
        inputs={IDS: AXES, MASK: AXES},
        examples=_examples(tokenizer),
        takes=f"int64 (batch, tokens) {IDS} and {MASK}, at most {tokenizer.max_length} tokens,",
        preparation=f"numbers of tokens by {VOCABULARY}, padded; the mask is 1 where one is real",
        use=_USE,
        metadata={"max_length": str(tokenizer.max_length), "pad": str(tokenizer.pad)},
        files={VOCABULARY: _that_cuts_and_pads(tokenizer)},
    )


def _examples(tokenizer: Tokenizer) -> list[tuple[Tensor, Tensor]]:
    """Random tokens: of the longest text beside shorter ones and one of none, of one token, of some."""
    longest = min(tokenizer.max_length, LONGEST_EXAMPLE)
    draw = torch.Generator().manual_seed(0)
    found = []
    for batch, length in ((2, min(5, longest)), (1, 1), (4, longest), (3, max(1, longest // 2))):
        ids = torch.randint(tokenizer.size, (batch, length), generator=draw)  # (b, t)
        lengths = length - torch.arange(batch) * length // max(
            1, batch - 1
        )  # (b,), the last one 0 where there are more
        mask = (torch.arange(length) < lengths[:, None]).long()  # (b, t)
        found.append((ids, mask))
    return found


def _that_cuts_and_pads(tokenizer: Tokenizer) -> bytes:
    """A `tokenizer.json` by which the library `tokenizers` does all that `Tokenizer.encode` does."""
    library = optional("tokenizers", extra="text")
    own = library.Tokenizer.from_str(tokenizer.to_json().decode())
    own.enable_truncation(tokenizer.max_length)
    own.enable_padding(pad_id=tokenizer.pad, pad_token=own.id_to_token(tokenizer.pad) or "[PAD]")
    return str(own.to_str()).encode()
