"""What `evaluate --robust` means for a run, and what it is given: attacks on a classifier, or how far a table looks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.errors import ArgumentError, RunError
from contrapose.perturber import load_perturber
from contrapose.tasks import Attacks, Review, Saved
from contrapose.tasks.attacks import TABLE
from contrapose.tasks.review import AREA

FACTS = "repair.json"


def asked_of_robustness(
    run: str | Path,
    task: str | None,
    *,
    eps_l2: float,
    eps_linf: float,
    steps: int | None,
    restarts: int,
    area: float,
    perturbations: Sequence[str | Path],
    repair: str | Path | None,
    device: str,
) -> tuple[str | None, Attacks | None, Review | None]:
    """The task, the attacks of a classifier and the review of any other encoder, as far as they were asked for.

    Arguments:
        task: "robust" of what is no classifier, or with saved changes, becomes the robustness table.
        steps: of each attack; None: 20 on a classifier, 150 of the search for a patch and for a delta.

    Errors:
        ArgumentError: options of the one or the other where it is not asked for.
        RunError: no perturbation or no repair in what was named.
    """
    pointed = [*perturbations, *([] if repair is None else [repair])]
    if task == "robust" and (pointed or classifier_folder(run) is None):
        task = TABLE
    balls = (("l2", eps_l2), ("linf", eps_linf))
    attacks = Attacks(balls, Attacks.steps if steps is None else steps, restarts)
    if task != TABLE:
        if pointed or area != AREA:
            raise ArgumentError(
                "--perturbation, --repair and --patch-area are of the robustness table: ask for it with --robust "
                "(robust=True), or leave these out."
            )
        if task != "robust":
            attacks.check_unasked()
        return task, attacks if task == "robust" else None, None
    if (eps_l2, restarts) != (Attacks().radii[0][1], Attacks().restarts):
        raise ArgumentError(
            "--eps-l2 and --restarts are of attacks on single pictures of a classifier, and the robustness table has "
            "one patch and one delta for all: leave them out."
        )
    review = Review(
        radius=eps_linf,
        area=area,
        saved=tuple(Saved(str(one), load_perturber(one, device=device)) for one in perturbations),
        repair=None if repair is None else repair_of(repair),
        repaired_in="" if repair is None else str(repair),
        looked_into=frozenset() if repair is None else looked_into(repair),
        **({} if steps is None else {"steps": steps}),
    )
    return task, None, review


def repair_of(run: str | Path) -> Mapping[str, Any]:
    """What a run of `repair invertune` found.

    Errors:
        RunError: nothing there, or damaged.
    """
    file = Path(run) / FACTS
    try:
        found = json.loads(file.read_bytes())
        if not {"found", "target"} <= set(found):
            raise ValueError("it does not say what was found")
    except OSError:
        raise RunError(
            f"{run} holds no {FACTS}: give a run that contrapose repair invertune has finished, or leave out --repair."
        ) from None
    except (ValueError, TypeError) as error:
        raise RunError(f"{file} is damaged and cannot be read ({error}). Repair again.") from None
    return dict(found)


def looked_into(run: str | Path) -> frozenset[str]:
    """Fingerprints of the towers that a repair was given, and of those that it made; empty where the run no longer says
    so."""
    from contrapose.embedder import load
    from contrapose.encoders import fingerprint_of
    from contrapose.training.run_folder import RunFolder

    try:
        given = RunFolder(Path(run)).read_record()["init"]["fingerprint"]
        return frozenset({str(given), fingerprint_of(load(run).encoder)})
    except (RunError, KeyError, TypeError):
        return frozenset()
