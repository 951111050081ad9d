"""`hf:NAME`: text models of transformers, by hub name or local folder, with their tokenizers.

What an encoder folder says about one is data: no code and no weights are fetched on its account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.encoders.arguments import choice, flag
from contrapose.encoders.hugging_face import harmless, settings_of
from contrapose.encoders.texts.backbone import LexicalBackbone, mean_of_tokens
from contrapose.encoders.texts.tokenizer import MAX_LENGTH, Tokenizer
from contrapose.errors import ArgumentError, MissingExtraError
from contrapose.optional import optional
from contrapose.padded import Padded

POOLINGS = ("mean", "token")


class HuggingFaceText(LexicalBackbone):
    """A text model of transformers as a backbone.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D)`, D being what the model returns for each token.

    Arguments:
        model: takes `input_ids` and `attention_mask`, gives `last_hidden_state`.
        pad: the number that the model knows padding by; some count their positions with it.
        pooling: `"mean"` over the real tokens, or `"token"`, the first one.
    """

    def __init__(self, model: nn.Module, *, pad: int, pooling: str, max_length: int) -> None:
        super().__init__()
        self.model = model
        self.pad = pad
        self.pooling = pooling
        training = model.training
        model.eval()
        with torch.no_grad():  # of full length: a model with fewer places says so now
            ids = torch.full((1, max_length), pad)
            self.dimension = self.tokens(Padded(ids, torch.ones_like(ids, dtype=torch.bool))).shape[-1]
        model.train(training)

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.model.get_input_embeddings().weight  # type: ignore[operator]

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return self.model.get_input_embeddings()(self._ids(view))  # type: ignore[operator]

    def tokens_of(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B T D"]:
        return self.model(inputs_embeds=embedded, attention_mask=view.mask.long()).last_hidden_state  # (B, T, D)

    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        """By numbers, from which some models count their places."""
        return self.model(input_ids=self._ids(view), attention_mask=view.mask.long()).last_hidden_state  # (B, T, D)

    def _ids(self, view: Padded) -> Int[Tensor, "B T"]:
        return view.values.masked_fill(~view.mask, self.pad)  # (B, T)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        return tokens[:, 0] if self.pooling == "token" else mean_of_tokens(tokens, view)  # (B, D)


def hf_text_backbone(
    name: str,
    *,
    tokenizer: Tokenizer,
    pretrained: bool = False,
    pooling: str = "mean",
    config: Mapping[str, Any] | None = None,
) -> HuggingFaceText:
    """A text model of transformers (`AutoModel`), by hub name or local folder.

    Its configuration is remembered with the encoder, so that a saved encoder is rebuilt without hub or folder.

    Arguments:
        tokenizer: the model's own (`hf_tokenizer`), or for new weights any other.
        pretrained: fetch the published weights too; off by default, since this library trains from scratch.
        pooling: `"mean"` over the real tokens, as Sentence-BERT found best (https://arxiv.org/abs/1908.10084), or
            `"token"`, the first one.
        config: the configuration as a dictionary with its `model_type`; `None`: read from `name`.

    Errors:
        MissingExtraError: transformers is not there.
        ArgumentError: no configuration to be found, not a text encoder, a tokenizer that does not fit it.
    """
    transformers = optional("transformers", extra="text")
    pooling, pretrained = choice(pooling, "pooling", POOLINGS), flag(pretrained, "pretrained")
    try:
        settings = settings_of(transformers, name, config)
        if getattr(settings, "is_encoder_decoder", False):
            raise ArgumentError(f"hf:{name} is an encoder with a decoder: give one without, such as BERT.")
        if pretrained:
            model = transformers.AutoModel.from_pretrained(name, config=settings, trust_remote_code=False)
        else:
            settings.vocab_size, settings.pad_token_id = tokenizer.size, tokenizer.pad
            model = transformers.AutoModel.from_config(settings, trust_remote_code=False)
        _check(name, model, tokenizer)
        model.float()  # configurations may ask for half precision; precision is the caller's to choose
        if isinstance(getattr(model, "pooler", None), nn.Module):
            model.pooler = None  # weights without a gradient, over which several processes would wait for each other
        backbone = HuggingFaceText(model, pad=tokenizer.pad, pooling=pooling, max_length=tokenizer.max_length)
    except ImportError as error:
        raise MissingExtraError(
            f"hf:{name} needs something that cannot be imported: {error}. "
            "Reinstall with: pip install --force-reinstall 'contrapose[text]'"
        ) from error
    except (OSError, TypeError, ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
        raise _refused(name, tokenizer.max_length, error) from error
    backbone.remembered = {"config": harmless(json.loads(settings.to_json_string(use_diff=False)))}
    return backbone


def hf_tokenizer(name: str, *, max_length: int = MAX_LENGTH) -> Tokenizer:
    """The published tokenizer of a text model, by hub name or local folder.

    Errors:
        MissingExtraError: transformers or tokenizers is not there.
        ArgumentError: there is none, or not as the library `tokenizers` has them.
    """
    transformers = optional("transformers", extra="text")
    library = optional("tokenizers", extra="text")
    try:
        found = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, TypeError, ValueError, KeyError, ImportError) as error:
        raise _refused(name, max_length, error) from error
    backend = getattr(found, "backend_tokenizer", None)
    if backend is None:
        raise ArgumentError(
            f"hf:{name} has a tokenizer in Python only ({type(found).__name__}), which cannot be kept with an encoder. "
            "Take a model that has a tokenizer.json."
        )
    own = library.Tokenizer.from_str(backend.to_str())
    return Tokenizer(own, max_length=max_length, pad=found.pad_token_id or 0, mask=found.mask_token_id)


def _check(name: str, model: nn.Module, tokenizer: Tokenizer) -> None:
    """Stop at a model that takes no tokens, or fewer kinds of them than there are."""
    taken = getattr(model, "main_input_name", "")
    if taken != "input_ids":
        raise ArgumentError(f"hf:{name} is not a text model: its input is {taken!r}.")
    known = model.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if known < tokenizer.size:
        raise ArgumentError(
            f"hf:{name} knows {known:,} tokens and its tokenizer has {tokenizer.size:,}: "
            "take the tokenizer that was published with the weights."
        )


def _refused(name: str, max_length: int, error: Exception) -> ArgumentError:
    if isinstance(error, ArgumentError):
        return error
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ArgumentError(
        f"Encoder 'hf:{name}' cannot be made for texts of {max_length} tokens: {reason.rstrip('.')}. Check its name "
        "and arguments, or choose a smaller max_length (--max-length)."
    )
