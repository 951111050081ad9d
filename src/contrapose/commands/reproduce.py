"""`contrapose reproduce`: measure a published claim here, with as many seeds as it takes to be sure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from contrapose.claims import CLAIMS, Experiment, Finding, find_claim, findings_of, load_published
from contrapose.claims.ground import CIFAR10
from contrapose.claims.page import HIDDEN, claims_page, summary, with_table
from contrapose.claims.quick import quick_version
from contrapose.claims.record import published_records, record_of, write_record
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.errors import ArgumentError, DataError


@dataclass(frozen=True)
class ReproduceOptions:
    """Measure a claim: tune every arm alike, train each with the same seeds, and say what came out."""

    claim: Annotated[str, tyro.conf.Positional]
    """A claim's name (`contrapose claims` lists them), or a Python file of your own that declares CLAIM."""
    data: str = CIFAR10
    """Where the pictures are: hub:OWNER/NAME, or a folder with train.parquet and test.parquet."""
    seeds: int | None = None
    """Paired repetitions. Default: the claim's own, usually 5."""
    quick: bool = False
    """A smoke version of seconds: it shows that everything runs, and its numbers mean nothing."""
    full: bool = False
    """The larger protocol, for a GPU."""
    jobs: int = 1
    """Processes side by side, one thread each; as many as there are cores is fastest for small encoders."""
    out: Path = Path("results/claims")
    """Where the record is written, as CLAIM.json."""
    work: Path = Path("runs/claims")
    """Where finished arms and seeds are kept: after a kill, the same command continues from them."""
    fresh: bool = False
    """Forget what was finished before."""


def reproduce(options: ReproduceOptions, *, say: Callable[[str], None] = print) -> list[Finding]:
    """Run the claim, print the table and the verdict, write the record.

    Errors:
        ArgumentError: an unknown claim, fewer than 2 seeds, both sizes at once.
        DataError: the data are not there.
        UnwrittenError: the record cannot be written; the findings are in its `result`.
    """
    if options.quick and options.full:
        raise ArgumentError("--quick and --full contradict each other; take one.")
    if options.seeds is not None and options.seeds < 2:
        raise ArgumentError(f"--seeds must be at least 2, for there is no interval over one; got {options.seeds}.")
    if options.jobs < 1:
        raise ArgumentError(f"--jobs must be at least 1, got {options.jobs}.")
    claim = find_claim(options.claim)
    size = "quick" if options.quick else "full" if options.full else "standard"
    claim = quick_version(claim) if options.quick else claim
    protocol = claim.full if options.full else claim.protocol
    protocol = protocol if options.seeds is None else replace(protocol, seeds=options.seeds)
    folder = options.work / f"{claim.name}{'' if size == 'standard' else '.' + size}"
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    claim.ground(options.data, protocol, 0)  # decodes the pictures once, before processes are started
    say(f"{claim.name}: {claim.title}")
    experiment = Experiment(
        claim, options.claim, protocol, options.data, folder, quick=options.quick, jobs=options.jobs, say=say
    )
    outcome = experiment.run()
    findings = findings_of(claim, outcome.results)
    record = record_of(claim, protocol, outcome, findings, size=size)
    say(f"\n{_table(record)}\n")
    if options.quick:
        say("A smoke run: everything works. Its numbers mean nothing; leave --quick out for a verdict.")
    else:
        say(f"{summary(findings)}\n")
        say(f"verdict: {record['verdict']}  ({protocol.seeds} seeds, {outcome.seconds / 60:.0f} min of computing)")
    with kept_if_unwritten(findings, str):  # all of it is on the screen already
        path = write_record(record, options.out)
    say(f"Written to {path}")
    return findings


def _table(record: dict[str, Any]) -> str:
    """Measures in rows, arms in columns, aligned."""
    table = record["table"]
    names = dict.fromkeys(name for arm in table.values() for name in arm if not name.startswith(HIDDEN))
    rows = [["", *table], *([name, *(_cell(arm.get(name)) for arm in table.values())] for name in names)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def _cell(interval: dict[str, float] | None) -> str:
    return "-" if interval is None else "{value:.3f} [{low:.3f}, {high:.3f}]".format(**interval)


@dataclass(frozen=True)
class ClaimsOptions:
    """List the claims with their verdicts, or write the page of them."""

    results: Path = Path("results/claims")
    """Where `contrapose reproduce` wrote its records."""
    write: Path | None = None
    """Write the page in Markdown here (docs/claims.md)."""
    into: Path | None = None
    """Also renew the table in this page (docs/methods.md), between its two marked lines. Goes with --write."""


def claims(options: ClaimsOptions) -> None:
    """Print one line a claim, with its verdict where there is a record; or write the page.

    Errors:
        DataError: a page is asked for and there are no records.
    """
    load_published()
    records = {record["claim"]: record for record in published_records(options.results)}
    if options.write is not None:
        if not records:
            raise DataError(f"{options.results} holds no record of a claim; run contrapose reproduce CLAIM first.")
        options.write.write_text(claims_page(records.values()))
        print(f"Wrote {options.write}")
        if options.into is not None:
            page = os.path.relpath(options.write, options.into.parent)
            options.into.write_text(with_table(options.into.read_text(), records.values(), page=page))
            print(f"Renewed the table in {options.into}")
        return
    for name, claim in CLAIMS.items():
        found = records.get(name)
        print(f"{name:14s} {found['verdict'] if found else 'not run here':13s} {claim.title}")
