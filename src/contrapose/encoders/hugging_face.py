"""Configurations of transformers, as data: what could make that library fetch and run code is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def harmless(config: Mapping[str, Any]) -> dict[str, Any]:
    """`config` without what could make transformers fetch code: custom classes, attention kernels."""
    left_out = FETCHES + CLASSIFIER
    kept = {key: value for key, value in config.items() if key not in left_out and not key.startswith("_")}
    return {key: harmless(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
