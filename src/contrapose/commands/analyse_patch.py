"""`contrapose analyse patch`: what a saved patch does to encoders, those that it was made against and others."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.errors import ArgumentError, DataError, RunError

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.encoders.perturbations import SavedPerturbation
    from contrapose.methods import Method

FORMAT = 1
FILE = "patch.json"


@dataclass(frozen=True, kw_only=True)
class AnalysePatchOptions:
    """Measure what a patch of `contrapose attack advclip` does to one's own encoders: answers that change, classes by
    neighbours and by a linear probe, retrieval both ways, beside grey and noise, undefended and behind each defence."""

    run: Positional[str]
    """The run of the attack, or a perturbation's folder."""
    on: tuple[str, ...] = ()
    """Runs or encoder folders to put it before: two towers, or encoders of pictures, which are asked for classes alone.
    Default: the towers that it was learned against."""
    data: str | None = None
    """Pairs or, for encoders of pictures, labelled pictures. Default: those of the attack, of which the share that it
    kept out is tested."""
    test_data: str | None = None
    """What the patch is put on; neighbours and probes then know all of --data. Default: a fifth of --data, drawn at
    random."""
    limit: int | None = None
    """Use at most so many samples of each. Default: as many as the attack, of its own data."""
    prune: float = 0.3
    """Share of the picture tower's weights that pruning takes away. [design] 0.3."""
    seed: int = 0
    """Of the split, of noise and of ties."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for patch.json. Default: RUN."""


def analyse_patch(options: AnalysePatchOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the record, and return it.

    >>> analyse_patch(AnalysePatchOptions(run="runs/advclip", on=("runs/other",)))      # doctest: +SKIP

    Errors:
        ArgumentError: a perturbation that is no patch, or one for pictures of another size than an encoder takes; a
            share of weights outside [0, 1).
        DataError: data that cannot be read, that say nothing of classes and captions, or too few.
        RunError: no perturbation in `run`, or no encoder in one of `on`.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
    """
    from contrapose.atomic import write_atomically
    from contrapose.commands.evaluated_run import config_of_run
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.embedder import load
    from contrapose.environment import environment
    from contrapose.methods.patching.saved import patch_of, patches_for

    if not 0 <= options.prune < 1:
        raise ArgumentError(f"--prune must lie in [0, 1), got {options.prune:g}; 0.3 is usual.")
    saved = patch_of(options.run)
    attack = None
    with suppress(RunError):
        attack = config_of_run(options.run)
    names = options.on or (_victim(options.run),)
    trained = {name: load(name, device=options.device) for name in names}
    for embedder in trained.values():
        patches_for(embedder.encoder, [options.run])  # all are looked at before the first is measured
    against = str(saved.bound.get("defence", "none"))
    say(f"The patch of {options.run}: {100 * float(saved.tensors['mask'].mean()):.3g} % of the picture.")
    found = {name: _measured(options, saved, attack, name, embedder, say) for name, embedder in trained.items()}
    record = {
        "format": FORMAT,
        "analysis": "patch",
        "patch": {"run": options.run, "learned against": against, "victims": [asdict(one) for one in saved.victims]},
        "options": {"limit": options.limit, "seed": options.seed, "prune": options.prune},
        "encoders": found,
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):  # the numbers are on the screen already
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / FILE, (json.dumps(record, indent=1, allow_nan=False) + "\n").encode())
    say(f"Written: {out / FILE}")
    return record


def _measured(
    options: AnalysePatchOptions,
    saved: SavedPerturbation,
    attack: Method | None,
    name: str,
    embedder: Embedder,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Tables of one encoder, said and for the record."""
    from contrapose.encoders import fingerprint_of
    from contrapose.methods.patching.effect import Ground, tables_of
    from contrapose.methods.patching.saved import relation
    from contrapose.methods.patching.told import finite, in_columns, rows_of

    encoder: Any = embedder.encoder
    known, test, seed = _samples(options, attack, name, embedder)
    whose = relation(saved, encoder, _begun_from(name))
    ground = Ground.of(known, test)
    captions = hasattr(encoder, "embed_texts") and ground.words
    if not captions and not ground.classes:
        raise DataError(f"{test.origin} says neither what {name} could find nor which classes there are: give labels.")
    patch, mask = saved.tensors["patch"], saved.tensors["mask"]
    tables = tables_of(encoder, ground, patch, mask, prune=options.prune, device=encoder.device, seed=seed)
    asked = f"{len(test):,} {test.noun}s, {len(known):,} others known"
    say(f"\n{name} ({encoder.name}), {whose}.\nOf {asked}, in percent:")
    say("\n".join(in_columns(rows_of(tables, str(saved.bound.get("defence", "none"))))))
    return {
        "encoder": encoder.name,
        "fingerprint": fingerprint_of(encoder),
        "relation": whose,
        "data": test.origin,
        "samples": {"known": len(known), "test": len(test)},
        "tables": {table: finite(rows) for table, rows in tables.items()},
    }


def _victim(run: str) -> str:
    """The encoder that an attack was given, as its run keeps it."""
    place = Path(run) / "initial"
    if not place.is_dir():
        raise ArgumentError(
            f"{run} is a perturbation without a run that keeps its victim: say whom to put it before, --on RUN."
        )
    return str(place)


def _begun_from(name: str) -> str | None:
    """The fingerprint of the encoder that a run's training began with, where it says so."""
    from contrapose.training.run_folder import RunFolder

    folder = RunFolder(name)
    if not folder.config_file.is_file():
        return None
    found = folder.read_record().get("init") or {}
    return found.get("fingerprint") if isinstance(found, dict) else None


def _samples(
    options: AnalysePatchOptions, attack: Method | None, name: str, embedder: Embedder
) -> tuple[Samples, Samples, int]:
    """What is known, what is tested, and the seed. Of the attack's own data those that the attack has kept out are
    tested, by its own seed, so that nothing is tested that the patch was learned on."""
    from contrapose.commands.evaluated_run import data_of_run
    from contrapose.commands.reading import Reading
    from contrapose.data import derived_generator
    from contrapose.methods.patching.trainer import kept_out
    from contrapose.training.run_folder import RunFolder

    reading = Reading.of(options.run if attack is not None else name)
    limit = options.limit
    if options.data is None:
        if attack is None:
            raise DataError(
                f"{options.run} is a perturbation without a run, so it names no data: give them with --data."
            )
        limit = attack.limit if limit is None else limit
    source = data_of_run(options.run) if options.data is None else options.data
    samples = reading.open(embedder, source, limit=limit)
    if options.test_data is not None:
        return samples, reading.open(embedder, options.test_data, limit=options.limit), options.seed
    share, seed = 0.2, options.seed
    if attack is not None and hasattr(attack, "holdout"):
        record = RunFolder(options.run).read_record()
        if samples.fingerprint == record.get("data", {}).get("fingerprint"):
            share, seed = attack.holdout, attack.seed
    return *kept_out(samples, share, derived_generator(seed, "holdout")), seed
