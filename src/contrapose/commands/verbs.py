"""`contrapose attack` and `contrapose repair`: what `train` does, for a trained encoder that is given."""

from __future__ import annotations

import os
from typing import Any

from contrapose.commands.train import Run, train
from contrapose.methods import Method
from contrapose.methods.verbs import method_for


def attack(method: str | Method, run: Any, *, data: Any = None, base: Any = None, **options: Any) -> Run:
    """Look for one change of all pictures that leads a trained encoder astray; the encoder stays as it is.

    What is found lies in the run folder as a perturbation that names its victim, its bound and its purpose, and
    `contrapose apply RUN PICTURES --out FOLDER` puts it on pictures. It is for measuring what one's own encoder bears.

    >>> found = contrapose.attack("dsva", "runs/dhel-photos", data="photos/")     # doctest: +SKIP
    >>> contrapose.apply(found.path, "test/", out="perturbed")                    # doctest: +SKIP

    Arguments:
        method: a method of this verb, by name, or a configuration.
        run: the encoder: a run or encoder folder, `timm:NAME`, `hf:NAME`, an encoder, what `contrapose.load` returns.
        data: what it is looked for on, as in `contrapose.train`.
        base: a second frozen encoder, for methods that ask one.
        options: the method's configuration, and those of `contrapose.train`.

    Errors:
        ArgumentError: a method of another verb, or as `contrapose.train`.
        DataError, RunError: as `contrapose.train`.
    """
    return _on("attack", method, run, data=data, base=base, **options)


def repair(method: str | Method, run: Any, *, data: Any = None, base: Any = None, **options: Any) -> Run:
    """Look for a planted trigger in a trained encoder and take it away, or go on training it with known patches; what
    is repaired lies in a run folder of its own, and the given one stays as it is.

    Arguments and errors are those of `attack`.
    """
    return _on("repair", method, run, data=data, base=base, **options)


def _on(verb: str, method: str | Method, run: Any, **options: Any) -> Run:
    if isinstance(method, str):
        method_for(verb, method)
    given = os.fspath(run) if isinstance(run, os.PathLike) else run
    return train(method, verb=verb, init=given, **options)
