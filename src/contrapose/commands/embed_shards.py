"""`contrapose embed --shards`: embeddings into a folder of parquet files, by one process or many, that goes on where it
was killed.

FOLDER/embeddings.json                    what is embedded by what; another start with other things is refused
FOLDER/part-00000-of-00016.parquet        whole or absent; all of them, by name, are the rows in their order
FOLDER/part-00000-of-00016.skipped.json   samples that turned out to be damaged, and have no row
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically, write_once
from contrapose.commands.embed_processes import check_parent, is_worker, share_of_cores, started, wait_for
from contrapose.commands.table_file import table_bytes
from contrapose.data import Samples, Skipped
from contrapose.data.shards.on_demand import UnreadableError
from contrapose.data.shards.writing import even_ranges
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, RunError
from contrapose.optional import optional
from contrapose.search.stored import encoder_fingerprint
from contrapose.words import counted

DESCRIPTION = "embeddings.json"
FORMAT = 1
IN_EACH = 50_000  # rows of a part where nobody says how many parts [design]
TOGETHER = 8_192  # samples that are embedded between two looks at what is damaged

Table = Callable[[Samples, np.ndarray], Any]


def embed_into(
    folder: Path,
    embedder: Embedder,
    samples: Samples,
    table: Table,
    *,
    shards: int | None,
    normalize: bool,
    again: Sequence[str],
    processes: int = 1,
) -> Samples:
    """Embed samples into parts of a folder; parts that are there are left as they are.

    Arguments:
        table: the frame of some samples and their embeddings.
        shards: how many parts; None: as many as the folder is begun with, else one for every 50,000 samples.
        again: the command that does this too, of which further processes are started.
        processes: how many, with this one.

    Returns the samples, those that turned out to be damaged among the skipped.

    Errors:
        ArgumentError: more parts than samples, or a file in the place of the folder.
        RunError: the folder holds embeddings of other things; it cannot be written; or a process ended.
    """
    optional("polars", extra="tables")  # before the work, not after it
    count = shards or _parts_of(folder) or -(-len(samples) // IN_EACH)
    if not 1 <= count <= len(samples):
        raise ArgumentError(f"--shards {count} for {counted(len(samples), samples.noun)}: give 1 to {len(samples):,}.")
    _begin(folder, _description(embedder, samples, count, normalize))
    worker = is_worker()
    rank, world = worker or (0, processes)
    others = [] if worker else [started(again, number, world) for number in range(1, world)]
    try:
        with share_of_cores(1 if worker else world):
            for number, rows in enumerate(even_ranges(len(samples), count)):
                if number % world == rank and not _part(folder, number, count).is_file():
                    check_parent()
                    _embed_part(folder, number, count, embedder, samples, rows, table, normalize)
        wait_for(others, lambda: f"{_there(folder, count)} of {counted(count, 'part')} are there")
    finally:
        for process in others:
            process.kill()
    samples.skipped = (*samples.skipped, *_skipped(folder))
    return samples


def _embed_part(
    folder: Path, number: int, count: int, embedder: Embedder, samples: Samples, rows: range, table: Table, unit: bool
) -> None:
    kept, found, skipped = [], [], list[Skipped]()
    for start in range(rows.start, rows.stop, TOGETHER):
        some, z = _embedded(embedder, samples, np.arange(start, min(start + TOGETHER, rows.stop)), unit, skipped)
        kept.append(some)
        found.append(z)
    names = samples.subset(np.concatenate(kept))
    path = _part(folder, number, count)
    if skipped:
        told = [{"path": one.path, "reason": one.reason} for one in skipped]
        write_atomically(path.with_suffix(".skipped.json"), json.dumps(told).encode())
    write_atomically(path, table_bytes(table(names, np.concatenate(found)), ".parquet"))


def _embedded(
    embedder: Embedder, samples: Samples, rows: np.ndarray, normalize: bool, skipped: list[Skipped]
) -> tuple[np.ndarray, np.ndarray]:
    """Those of some rows that can be read, and their embeddings `(n, D)`."""
    while len(rows):
        some = samples.subset(rows)
        try:
            return rows, embedder.embed(some, normalize=normalize)
        except UnreadableError as error:
            stored = some.stored_rows(np.arange(len(some)))  # (n,)
            lost = np.isin(stored, list(error.reasons))  # (n,)
            for row in np.flatnonzero(lost).tolist():
                skipped.append(Skipped(some.identifiers[row], error.reasons[int(stored[row])]))
            rows = rows[~lost]
    return rows, np.empty((0, embedder.dimension), np.float32)


def folder_to_write(out: str | Path, endings: Collection[str], shards: int | None, processes: int) -> Path:
    """The folder for parts, once it is known that it can be one.

    Errors:
        ArgumentError: the name of a file, or numbers that make no sense.
    """
    path = Path(out)
    for name, value in (("shards", shards), ("processes", processes)):
        if value is not None and value < 1:
            raise ArgumentError(f"{name} is {value}: give 1 or more.")
    if path.suffix in endings:
        asked = "--shards" if shards is not None else "--processes"
        raise ArgumentError(f"With {asked} --out is a folder of parquet files, and {path} names a file: leave off the "
                            f"ending, {path.with_suffix('')}.")  # fmt: skip
    return path


def _there(folder: Path, count: int) -> int:
    return sum(_part(folder, number, count).is_file() for number in range(count))


def _part(folder: Path, number: int, count: int) -> Path:
    return folder / f"part-{number:05d}-of-{count:05d}.parquet"


def _skipped(folder: Path) -> list[Skipped]:
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("part-*.skipped.json")))
    return [Skipped(one["path"], one["reason"]) for some in found for one in some]


def _description(embedder: Embedder, samples: Samples, count: int, normalize: bool) -> dict[str, Any]:
    labels = hashlib.sha256(b"" if samples.labels is None else samples.labels.tobytes())
    labels.update(json.dumps(samples.class_names).encode())
    return {
        "format": FORMAT,
        "encoder": encoder_fingerprint(embedder),
        "data": samples.fingerprint,
        "labels": labels.hexdigest(),
        "origin": samples.origin,
        "samples": len(samples),
        "parts": count,
        "dimension": embedder.dimension,
        "normalize": normalize,
    }


def _begin(folder: Path, wanted: dict[str, Any]) -> None:
    """Say what the folder is of, or see that it is of the same."""
    if folder.is_file():
        raise ArgumentError(f"{folder} is a file, and parts of embeddings go into a folder: name another.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / DESCRIPTION).is_file() and any(folder.glob("part-*.parquet")):
            raise RunError(f"{folder} holds parts without {DESCRIPTION}, so nobody knows of what: name a new folder.")
        write_once(folder / DESCRIPTION, json.dumps(wanted, indent=2).encode())
        found = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror or error}).") from error
    except ValueError as error:
        raise RunError(f"{folder / DESCRIPTION} is damaged: name a new folder.") from error
    told = {
        "encoder": "of another encoder",
        "data": "of other data",
        "labels": "with other labels",
        "samples": "of other data",
        "parts": f"in {found.get('parts')} parts, not {wanted['parts']}",
        "normalize": "with" + ("out" * wanted["normalize"]) + " --normalize",
    }
    differs = next((name for name in wanted if name != "origin" and found.get(name) != wanted[name]), None)
    if differs is not None:
        what = told.get(differs, "of another version")
        raise RunError(f"{folder} holds embeddings {what}. Name a new folder, or go on as it was begun.")


def _parts_of(folder: Path) -> int | None:
    """How many parts a folder was begun with."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["parts"])
    return None
