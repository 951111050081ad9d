"""`contrapose analyse suppression`: which factors of the data a run's encoder holds, and which it left unlearned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.errors import ArgumentError

if TYPE_CHECKING:
    from contrapose.commands.factors import Factors
    from contrapose.data import Samples
    from contrapose.evaluation.suppression import FactorProbes

FORMAT = 1
TRAINED = "trained"
STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3)
"""Penalties of the probes to choose from. [design] four of the usual seven, for there is a probe a factor and arm."""


@dataclass(frozen=True, kw_only=True)
class AnalyseSuppressionOptions:
    """Measure what a run's encoder holds of each factor of data with several label columns: a linear probe a factor,
    their mean and the least of them, beside each stage of a run of stages, an untrained encoder and raw samples."""

    run: Positional[str]
    """The run folder, or an encoder folder."""
    data: str | None = None
    """Data with several questions of classes: made:trifeature, or a table and --label-columns. Default: the run's
    own."""
    test_data: str | None = None
    """Data to test on, e.g. "made:trifeature?count=600&seed=1". Default: a fifth of --data."""
    label_columns: tuple[str, ...] = ()
    """The columns with a factor each. Default: those that made pictures say they have."""
    references: tuple[str, ...] = ()
    """Runs that were trained for a factor (train supervised --label-column NAME): how far each factor stays below the
    best of them."""
    limit: int | None = None
    """Use at most so many samples of each."""
    seed: int = 0
    """Of the split, the untrained weights and the intervals."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for suppression.json. Default: the run folder."""


def analyse_suppression(options: AnalyseSuppressionOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the record, and return it.

    Errors:
        ArgumentError: a column that does not exist.
        DataError: data without several questions of classes, or that cannot be read.
        RunError: no encoder in the run, or in a reference.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
    """
    from contrapose.atomic import write_atomically
    from contrapose.commands.evaluated_run import data_of_run
    from contrapose.commands.factors import factors_of, with_asked
    from contrapose.commands.reading import Reading
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.embedder import load
    from contrapose.environment import environment
    from contrapose.evaluation import results_text
    from contrapose.evaluation.suppression import suppressed

    trained, reading = load(options.run, device=options.device), Reading.of(options.run)
    source = data_of_run(options.run) if options.data is None else options.data

    def opened(data: Any, **more: Any) -> Samples:
        return reading.open(trained, data, limit=options.limit, **more)

    factors = factors_of(opened, source, options.label_columns)
    known, asked = with_asked(factors, opened, options.test_data, seed=options.seed)
    say(f"{factors.in_words()}; {len(known):,} samples to learn from, {len(asked):,} to test on")
    found = dict(_probed(options, trained, factors, known, asked))
    rows = [(arm, probes.metrics()) for arm, probes in found.items()]
    say(f"\n{results_text(rows, across='metrics' if len(factors.names) < 4 else 'arms')}\n")
    own, references = found[TRAINED], [found[name] for name in options.references]
    below = suppressed(own, references) if references else {}
    for name, metric in below.items():
        say(f"{name}: {100 * metric.value:.1f} points [{100 * metric.low:.1f}, {100 * metric.high:.1f}] suppressed")
    say(_verdict(found))
    record = {
        "format": FORMAT,
        "analysis": "suppression",
        "options": {name: value for name, value in asdict(options).items() if name in ("limit", "seed")},
        "factors": factors.names,
        "samples": {"known": len(known), "asked": len(asked)},
        "arms": {arm: {name: metric.to_dict() for name, metric in metrics.items()} for arm, metrics in rows},
        "suppressed": {name: metric.to_dict() for name, metric in below.items()},
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):  # the numbers are on the screen already
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "suppression.json", (json.dumps(record, indent=1) + "\n").encode())
    say(f"Written: {out}/suppression.json")
    return record


def _probed(
    options: AnalyseSuppressionOptions, trained: Any, factors: Factors, known: Samples, asked: Samples
) -> Iterator[tuple[str, FactorProbes]]:
    """The run's encoder, each of its stages, the references and the floors, one after the other."""
    import torch

    from contrapose.embedder import Embedder, load
    from contrapose.encoders import untrained_like
    from contrapose.evaluation.suppression import factor_probes
    from contrapose.modalities import modality_of

    def probes(embed: Callable[[Samples], Any]) -> FactorProbes:
        return factor_probes(
            embed(known),
            factors.classes(known),
            embed(asked),
            factors.classes(asked),
            strengths=STRENGTHS,
            generator=torch.Generator().manual_seed(options.seed),
        )

    yield TRAINED, probes(trained.embed)
    for folder in sorted(Path(options.run).glob("stages/[!.]*/encoder/encoder.json")):
        yield f"{folder.parents[1].name} alone", probes(load(folder.parent, device=options.device).embed)
    for name in options.references:
        reference = load(name, device=options.device)
        if reference.encoder.form != trained.encoder.form:
            raise ArgumentError(
                f"The reference {name} takes samples of another form than the run: train it on the same data."
            )
        yield name, probes(reference.embed)
    yield "untrained", probes(Embedder(untrained_like(trained.encoder, options.seed)).embed)
    modality = modality_of(trained.encoder)
    yield modality.floor_name, probes(modality.floor(known))


def _verdict(found: dict[str, FactorProbes]) -> str:
    """Where the encoder stands on its worst factor, beside the untrained one on the same."""
    from contrapose.evaluation import metric_difference

    own, floor = found[TRAINED], found["untrained"]
    worst = own.factors[own.worst]
    gained = metric_difference(worst, floor.factors[own.worst])
    assert gained is not None, "both are means over the same samples"
    beside = f"{100 * gained.value:+.1f} points [{100 * gained.low:+.1f}, {100 * gained.high:+.1f}] over untrained"
    said = f"Read worst: {own.worst}, {100 * worst.value:.1f} %, {beside}."
    if gained.low > 0:
        return said
    return (
        f"{said} Training did not teach it; later stages of `contrapose train mcl` may, in which what was learned "
        "first no longer helps."
    )
