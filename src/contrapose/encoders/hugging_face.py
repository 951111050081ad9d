"""Configurations of transformers, as data: what could make that library fetch and run code is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from contrapose.errors import ArgumentError

FETCHES = (
    "auto_map",
    "attn_implementation",
    "experts_implementation",
    "quantization_config",
    "use_kernels",
)
CLASSIFIER = ("id2label", "label2id")  # a thousand lines of encoder.json that no backbone needs


def settings_of(transformers: Any, name: str, config: Mapping[str, Any] | None) -> Any:
    """The configuration given as a dictionary with its `model_type`, else that of `name` (a hub name or a folder)."""
    if config is None:
        return transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
    return transformers.AutoConfig.for_model(**harmless(config))


def published_model(transformers: Any, name: str, settings: Any) -> Any:
    """The model of these settings with the weights of `name`, all of them.

    Errors:
        ArgumentError: weights of another model: transformers would draw at random what it does not find.
    """
    with _quiet(transformers):
        model, found = transformers.AutoModel.from_pretrained(
            name, config=settings, trust_remote_code=False, output_loading_info=True
        )
    missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))  # which nobody asks
    if missing:
        raise ArgumentError(
            f"The weights of hf:{name} are not those of a {type(model).__name__}, as its config.json has it: "
            f"{len(missing)} tensors are missing, such as {missing[0]!r}. Take config.json and weights from one place."
        )
    return model


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """transformers says nothing of how it loads: what is missing is an error here, and the rest is as it should be."""
    logging = transformers.utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def harmless(config: Mapping[str, Any]) -> dict[str, Any]:
    """`config` without what could make transformers fetch code: custom classes, attention kernels."""
    left_out = FETCHES + CLASSIFIER
    kept = {key: value for key, value in config.items() if key not in left_out and not key.startswith("_")}
    return {key: harmless(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
