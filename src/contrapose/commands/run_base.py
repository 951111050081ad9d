"""The frozen encoder of a run: found for a new one, kept in its record, and found again, unchanged, to go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contrapose.commands.run_data import FROM_PYTHON, places_now, places_of
from contrapose.encoders import Frozen, frozen
from contrapose.errors import ArgumentError, RunError
from contrapose.methods import Method, WithBase, name_of


def base_for(config: Method, given: Any) -> Frozen | None:
    """The frozen encoder of a new run; None for a method that asks none.

    Arguments:
        given: what was handed over in Python.

    Errors:
        ArgumentError: none was named, or one of another kind of data.
    """
    if not isinstance(config, WithBase) or not config.asks_base:
        return None
    if config.base != FROM_PYTHON:
        return config.frozen()
    found = frozen(given)
    found.check_kind(config.modality)
    return found


def base_again(
    config: Method, record: dict[str, Any], run: Path, given: Any = None
) -> tuple[Frozen | None, dict[str, Any]]:
    """The frozen encoder that a run asked before, and the option that says where it lies now.

    Arguments:
        given: where it is, or a module, when that was said.

    Errors:
        ArgumentError: one for a method that asks none; a run that was started with a module, and none is given.
        RunError: it is gone, or was changed since.
    """
    if not isinstance(config, WithBase) or not config.asks_base:
        if given is not None:
            raise ArgumentError(f"{name_of(config)} asks no frozen encoder; leave base out.")
        return None, {}
    known = record.get("base", {})
    if given is None and config.base == FROM_PYTHON:
        raise ArgumentError(
            f"{run} asks a frozen encoder that was given in Python; resume it there: contrapose.resume(run, base=...)."
        )
    places = [given] if given is not None else places_now(str(config.base), known.get("places"), run, "base")
    for place in places:
        try:
            found = frozen(place)
        except RunError:  # something else of that name
            if place == places[-1]:
                raise
            continue
        if found.fingerprint == known.get("fingerprint"):
            moved = isinstance(place, str | Path) and str(place) != config.base
            return found, {"base": str(place)} if moved else {}
    raise RunError(
        f"The frozen encoder {known.get('source')} that {run} asks has changed since it began, so its steps cannot be "
        "repeated. Restore it, or say where it lies with --base, or start a new run with another --out."
    )


def base_record(config: Method, base: Frozen | None, run: Path) -> dict[str, Any] | None:
    """What `config.json` keeps of a frozen encoder."""
    if base is None or not isinstance(config, WithBase):
        return None
    places = places_of(str(config.base), run)
    return {"source": base.source, "encoder": base.name, "fingerprint": base.fingerprint, "places": places}
