"""`timm:NAME` and `hf:NAME`: image backbones of timm and of transformers.

Neither library is needed by anything else. What an encoder folder says about these two is data: no code and
no weights are fetched on its account, and arguments that could make the libraries read a file or an address
are refused.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import choice, flag
from contrapose.encoders.backbone import Backbone
from contrapose.encoders.hugging_face import harmless, settings_of
from contrapose.errors import ArgumentError, MissingExtraError
from contrapose.optional import optional

POOLINGS = ("auto", "pooled", "mean")
SET_HERE = ("num_classes", "in_chans", "features_only", "out_indices", "scriptable", "exportable")
READS_FILES = ("checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir", "model_name")


class Adapted(Backbone):
    """A model of another library as a backbone.

    Shapes:
        x: `(B, C, S, S)`; returns `(B, dimension)`, the dimension being what the model returns for one black
            picture.

    Arguments:
        call: model and pictures to features; features may still have axes of size 1.
    """

    def __init__(
        self, model: nn.Module, call: Callable[[nn.Module, Tensor], Tensor], channels: int, image_size: int
    ) -> None:
        super().__init__()
        self.model = model
        self._call = call
        training = model.training
        model.eval()  # a probe in train mode would move running statistics
        with torch.no_grad():
            self.dimension = self(torch.zeros(1, channels, image_size, image_size)).shape[1]  # (1, C, S, S) -> (1, D)
        model.train(training)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        return self._call(self.model, x).flatten(1)  # (B, D) or (B, D, 1, 1) -> (B, D)


def timm_backbone(name: str, *, channels: int, image_size: int, pretrained: bool = False, **arguments: Any) -> Backbone:
    """A model of timm without its classifier.

    Models that are tied to one picture size (transformers) are built for `image_size`; timm resamples their
    learned positions, and sums or repeats the first convolution's weights for another number of channels.

    Arguments:
        pretrained: fetch timm's published weights; off by default, since this library trains from scratch.
        arguments: passed on to `timm.create_model`, e.g. `drop_path_rate`.

    Errors:
        MissingExtraError: timm is not there.
        ArgumentError: a name that timm does not know, an argument it does not take, one that is decided here.
    """
    timm = optional("timm", extra="vision")
    for key in arguments:
        if key in SET_HERE + READS_FILES:
            raise ArgumentError(f"Encoder 'timm:{name}' does not take {key!r}: {_why(key)}. Leave it out.")
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3)
        found = f" Did you mean one of {', '.join(close)}?" if close else " timm.list_models() has all names."
        raise ArgumentError(f"timm has no model {name!r}.{found}")
    known = timm.get_pretrained_cfg(name)
    if getattr(known, "fixed_input_size", False):
        arguments = {"img_size": image_size, **arguments}
    try:
        model = timm.create_model(
            name, pretrained=flag(pretrained, "pretrained"), num_classes=0, in_chans=channels, **arguments
        )
        backbone = Adapted(model, _timm_features, channels, image_size)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise _refused(f"timm:{name}", channels, image_size, error) from error
    if pretrained and known is not None:
        backbone.statistics = (tuple(known.mean), tuple(known.std))
    return backbone


def hf_backbone(
    name: str,
    *,
    channels: int,
    image_size: int,
    pretrained: bool = False,
    pooling: str = "auto",
    config: Mapping[str, Any] | None = None,
) -> Backbone:
    """An image model of transformers (`AutoModel`), by hub name or local folder.

    Its configuration is remembered with the encoder, so that a saved encoder is rebuilt without hub or
    folder.

    Arguments:
        pretrained: fetch the published weights too; off by default. They fix channels and, for transformers,
            image size.
        pooling: `"pooled"`, the model's own pooled output; `"mean"`, the mean over tokens or pixels of the
            last layer; `"auto"`, the former where the model has it.
        config: the configuration as a dictionary with its `model_type`; `None`: read from `name`.

    Errors:
        MissingExtraError: transformers is not there.
        ArgumentError: no configuration to be found, not an image model, pictures that do not fit it.
    """
    transformers = optional("transformers", extra="text")
    pooling, pretrained = choice(pooling, "pooling", POOLINGS), flag(pretrained, "pretrained")
    try:
        settings = settings_of(transformers, name, config)
        if not pretrained:  # published weights keep the sizes they were trained with
            for key, value in (("num_channels", channels), ("image_size", image_size)):
                if hasattr(settings, key):
                    setattr(settings, key, value)
            settings.use_pretrained_backbone = False  # composed models would fetch weights for a part of them
            model = transformers.AutoModel.from_config(settings, trust_remote_code=False)
        else:
            model = transformers.AutoModel.from_pretrained(name, config=settings, trust_remote_code=False)
        if getattr(model, "main_input_name", "") != "pixel_values":
            raise ArgumentError(f"hf:{name} is not an image model: its input is {model.main_input_name!r}.")
        model.float()  # configurations may ask for half precision; precision is the caller's to choose
        backbone = Adapted(model, functools.partial(_hf_features, pooling=pooling), channels, image_size)
    except ImportError as error:  # transformers imports each model when asked for it, torchvision with some
        raise MissingExtraError(
            f"hf:{name} needs something that cannot be imported: {error}. "
            "Reinstall with: pip install --force-reinstall 'contrapose[text]'"
        ) from error
    except (OSError, TypeError, ValueError, KeyError, RuntimeError) as error:
        raise _refused(f"hf:{name}", channels, image_size, error) from error
    backbone.remembered = {"config": harmless(json.loads(settings.to_json_string(use_diff=False)))}
    if pretrained:
        backbone.statistics = _hf_statistics(transformers, name)
    return backbone


def trained_size(name: str) -> int | None:
    """The side of the pictures that the published weights of `timm:NAME` or `hf:NAME` are tied to; None where they
    take any.

    Errors:
        MissingExtraError: the library is not there.
    """
    prefix, _, rest = name.partition(":")
    if prefix == "timm":
        known = optional("timm", extra="vision").get_pretrained_cfg(rest)
        size = known.input_size[-1] if getattr(known, "fixed_input_size", False) else None
    else:
        transformers = optional("transformers", extra="text")
        try:
            size = getattr(settings_of(transformers, rest, None), "image_size", None)
        except (OSError, ValueError, KeyError):  # which building it will explain
            return None
    return size if isinstance(size, int) else None


def _timm_features(model: nn.Module, x: Tensor) -> Tensor:
    return model(x)  # (B, D)


def _hf_features(model: nn.Module, x: Tensor, pooling: str) -> Tensor:
    output = model(pixel_values=x)
    pooled = getattr(output, "pooler_output", None)
    if pooling == "pooled" and pooled is None:
        raise ArgumentError("This model has no pooled output: give pooling='mean'.")
    if pooled is not None and pooling != "mean":
        return pooled  # (B, D) or (B, D, 1, 1)
    last = output.last_hidden_state  # (B, T, D), or (B, D, H, W) of a convolutional model
    return last.mean(dim=1) if last.ndim == 3 else last.mean(dim=(2, 3))  # (B, D)


def _hf_statistics(transformers: Any, name: str) -> tuple[list[float], list[float]] | None:
    """What `preprocessor_config.json` beside the weights says; not every repository has one."""
    try:
        found, _ = transformers.ImageProcessingMixin.get_image_processor_dict(name)
        return list(found["image_mean"]), list(found["image_std"])
    except (OSError, KeyError, TypeError):
        return None


def _why(key: str) -> str:
    return "the adapter sets it itself" if key in SET_HERE else "it would read weights from elsewhere"


def _refused(encoder: str, channels: int, image_size: int, error: Exception) -> ArgumentError:
    if isinstance(error, ArgumentError):
        return error
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ArgumentError(
        f"Encoder {encoder!r} cannot be made for {channels} x {image_size} x {image_size} pictures: "
        f"{reason.rstrip('.')}. Check its name and arguments, or choose another image_size."
    )


ADAPTERS: Mapping[str, Callable[..., Backbone]] = {"timm": timm_backbone, "hf": hf_backbone}
