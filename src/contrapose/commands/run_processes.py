"""A run that goes on on another number of processes: the samples of a step stay, and are dealt anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contrapose.errors import ArgumentError
from contrapose.methods import Method
from contrapose.words import counted

LEAST = 2  # samples a process: an anchor needs another one


def dealt_anew(config: Method, record: dict[str, Any], processes: int) -> tuple[Method, str]:
    """The configuration with the batch size that keeps the samples of a step, and what to say of it ("" where nothing
    changes).

        processes before · batch_size before = processes now · batch_size now

    Arguments:
        record: the run's `config.json`; early ones do not say on how many processes it was.

    Errors:
        ArgumentError: so many samples cannot be dealt equally to so many processes.
    """
    before = record.get("environment", {}).get("processes", processes)
    if before == processes:
        return config, ""
    together = before * config.batch_size
    if together % processes or together // processes < LEAST:
        possible = [str(number) for number in range(1, together // LEAST + 1) if together % number == 0]
        raise ArgumentError(
            f"This run takes {together} samples a step ({_of(before)} x {config.batch_size}), and they cannot be dealt "
            f"equally to {_of(processes)}, {LEAST} or more to each. "
            f"Continue it on {', '.join(possible[:-1])} or {possible[-1]}."
        )
    share = together // processes
    said = (
        f"This run was on {_of(before)} and goes on with {processes}: its steps take the same {together} samples, "
        f"{share} in each process. Views, dropout and batch statistics are a process's own: where there are any, the "
        "numbers are not to the bit those of a run that stayed."
    )
    return replace(config, batch_size=share), said


def _of(processes: int) -> str:
    return counted(processes, "process", "processes")
