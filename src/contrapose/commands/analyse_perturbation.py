"""`contrapose analyse perturbation`: what a saved change of pictures does to encoders that it was not made against."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.errors import ArgumentError

if TYPE_CHECKING:
    from contrapose.perturber import Perturber
    from contrapose.tasks.parts import Parts

FORMAT = 1
FILE = "victims.json"
WHITE = 255


@dataclass(frozen=True, kw_only=True)
class AnalysePerturbationOptions:
    """Measure what the perturbation of a run of `attack` does to encoders and classifiers of pictures that had no part
    in it: their accuracy as it is, under noise of the same size, and under the perturbation."""

    run: Positional[str]
    """The run folder of `attack`, or a perturbation's folder."""
    on: tuple[str, ...]
    """Whom to measure: runs, encoder folders, timm:NAME, hf:NAME. A classifier answers by its own heads; on any other
    encoder a linear probe is trained, and neighbours vote."""
    data: str
    """Labelled pictures. Of encoders without heads four fifths are learned from and a fifth is asked; where all are
    classifiers, all are asked."""
    test_data: str | None = None
    """Labelled pictures to ask; --data is then only learned from."""
    levels: tuple[int, ...] = ()
    """Bounds to measure at, in grey levels of 255. Default: half of what it was made for, that, and twice."""
    draws: int = 5
    """How often noise is drawn; its accuracy is the mean."""
    label_column: str | None = None
    """Column or array with the classes. Default: one with a usual name."""
    image_column: str | None = None
    """Column of a table, or array of an .npz, with the pictures or their paths. Default: likewise."""
    limit: int | None = None
    """Use at most so many pictures of each, evenly spaced."""
    seed: int = 0
    """Of the parts, of the probe and of noise."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for victims.json. Default: the run folder."""


def analyse_perturbation(options: AnalysePerturbationOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the record, and return it.

    Errors:
        RunError: no perturbation in the run, or no encoder in one of `on`.
        ArgumentError: an encoder of another form than the perturbation, or of another kind of data; levels for a patch.
        DataError: unlabelled pictures, one class only, or classes that no classifier knows.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
    """
    from contrapose.atomic import write_atomically
    from contrapose.commands.perturbed_victims import Learned, victim_of
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.environment import environment
    from contrapose.perturber import load_perturber

    if options.draws < 1:
        raise ArgumentError(f"--draws must be at least 1, got {options.draws}; 5 is usual.")
    perturber = load_perturber(options.run, device=options.device)
    bounds = _bounds(perturber, options.levels)
    victims = [victim_of(place, perturber, device=options.device) for place in options.on]
    parts = _parts(perturber, options, asked_all=all(victim.heads for victim in victims))
    say(f"{options.run} holds {perturber.in_words()}; {len(parts.test):,} pictures are asked ({parts.origin})")
    learned = Learned.of(options.run, perturber)
    rows: list[dict[str, Any]] = []
    for victim in victims:
        answers = victim.answering(parts, seed=options.seed)
        kin = learned.kin_of(victim, parts.test)
        for bound in bounds:
            measured = answers.under(bound, draws=options.draws, seed=options.seed)
            rows += [{**victim.facts, **kin, **bound.facts, "by": by, **found} for by, found in measured.items()]
    for line in table(rows):
        say(line)
    notes = [*parts.notes, *dict.fromkeys(row["note"] for row in rows if row["note"])]
    for note in notes:
        say(f"note: {note}")
    record = {
        "format": FORMAT,
        "analysis": "perturbation",
        "perturbation": perturber.saved.kind,
        "bound": dict(perturber.saved.bound),
        "surrogates": [vars(victim) for victim in perturber.saved.victims],
        "data": parts.origin,
        "asked": len(parts.test),
        "draws": options.draws,
        "seed": options.seed,
        "rows": rows,
        "notes": notes,
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):  # the numbers are on the screen already
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / FILE, (json.dumps(record, indent=1, allow_nan=False) + "\n").encode())
    say(f"Written: {out}/{FILE}")
    return record


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What a person is shown of it, in percent."""
    cells = [("victim", "by", "at most", "clean", "noise", "changed", "lost", "of that beyond noise")]
    for row in rows:
        lost, beyond = (
            f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
            for value, low, high in (row["lost"], row["beyond"])
        )
        shares = (f"{100 * row[name]:.1f}" for name in ("clean", "noise", "changed"))
        cells.append((f"{row['victim']} ({row['encoder']})", row["by"], row["at_most"], *shares, lost, beyond))
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _bounds(perturber: Perturber, levels: Sequence[int]) -> list[Any]:
    """What is put on pictures: at each level, or as it is where it has no such bound."""
    import math

    from contrapose.commands.perturbed_victims import Bound
    from contrapose.robustness import whole_levels

    if math.isinf(perturber.radius):
        if levels:
            raise ArgumentError(
                f"A {perturber.saved.kind} is bound by its area and not by grey levels: leave --levels."
            )
        return [Bound(perturber, None)]
    if any(not 0 <= level <= WHITE for level in levels):
        raise ArgumentError(f"--levels are grey levels of 255, 0 to 255, got {' '.join(map(str, levels))}.")
    own = whole_levels(perturber.radius)
    wanted = levels or (own // 2, own, min(WHITE, 2 * own))
    return [Bound(perturber, level) for level in sorted(set(wanted))]


def _parts(perturber: Perturber, options: AnalysePerturbationOptions, *, asked_all: bool) -> Parts:
    """What probes learn from, and what is asked, in the form of the perturbation."""
    from contrapose.tasks.labelled_parts import given_parts, held_out_parts
    from contrapose.tasks.parts import Parts

    names = ("label_column", "image_column", "limit")
    reading = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    data = perturber.open(options.data, **reading)
    if options.test_data is not None:
        return given_parts(data, perturber.open(options.test_data, **reading))
    if not asked_all:
        return held_out_parts(data, seed=options.seed)
    whole = given_parts(data, data)
    return Parts(whole.bank.subset([]), whole.test, whole.known[:0], whole.wanted, data.origin, tuple(data.notes))
