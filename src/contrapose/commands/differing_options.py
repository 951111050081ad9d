"""What was done differently: the options in which runs differ, and the stages that their encoders are of."""

from __future__ import annotations

import json
from typing import Any

from contrapose.encoders import architecture_of
from contrapose.errors import RunError
from contrapose.training.run_folder import RunFolder

NOT_AN_OPTION = frozenset({"out"})  # where a run was written says nothing of how it was trained


def differing_options(folders: dict[str, RunFolder]) -> dict[str, dict[str, Any]]:
    """For each option that is not the same everywhere, the value of every run that has it.

    Errors:
        RunError: a run whose record lacks its method or options.
    """
    flat = {}
    for name, folder in folders.items():
        record = folder.read_record()
        try:
            flat[name] = {"method": record["method"], **_flat(record["config"]), **_stage(folder)}
        except (KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{folder.config_file} is damaged: it lacks its method or options ({error}).") from error
    keys = dict.fromkeys(key for values in flat.values() for key in values if key not in NOT_AN_OPTION)
    found = {key: {name: values[key] for name, values in flat.items() if key in values} for key in keys}
    # JSON text, because lists cannot be put into a set
    return {
        key: values
        for key, values in found.items()
        if len(values) < len(flat) or len({json.dumps(value) for value in values.values()}) > 1
    }


def _stage(folder: RunFolder) -> dict[str, str]:
    """The stage that made the encoder, of a run with several."""
    try:
        return {"stage": architecture_of(folder.encoder).extra["stage"]}
    except (RunError, KeyError):  # one stage, or no encoder yet, which others say
        return {}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted names, e.g. `views.count`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
