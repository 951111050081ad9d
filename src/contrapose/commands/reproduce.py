"""`contrapose reproduce`: measure a published claim here, with as many seeds as it takes to be sure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contrapose.claims import CLAIMS, Experiment, Finding, find_claim, findings_of, load_published
from contrapose.claims.page import HIDDEN, claims_page, summary, with_table
from contrapose.claims.places import PUBLISHED, place_of
from contrapose.claims.quick import quick_version
from contrapose.claims.record import read_records, record_of, scale_of, write_record
from contrapose.commands.claim_options import ClaimsOptions, ReproduceOptions
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.errors import ArgumentError


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
    source = options.data or claim.source
    if source is None:
        raise ArgumentError(
            f"The claim {claim.name!r} is measured on {claim.kind.plural} of your own: say where they are with --data, "
            f"a folder with a train and a test part."
        )
    claim.make_ground(source, protocol, 0)  # decodes pictures once, before processes are started
    say(f"{claim.name}: {claim.title}")
    experiment = Experiment(
        claim, options.claim, protocol, source, folder, quick=options.quick, jobs=options.jobs, say=say
    )
    try:
        outcome = experiment.run()
    except KeyboardInterrupt:
        say(f"Stopped. What is finished is kept in {folder}: the same command goes on from there.")
        raise
    findings = findings_of(claim, outcome.results)
    record = record_of(claim, protocol, outcome, findings, size=size)
    say(f"\n{_table(record)}\n")
    if options.quick:
        say("A smoke run: everything works. Its numbers mean nothing; leave --quick out for a verdict.")
    else:
        say(f"{summary(findings)}\n")
        say(f"verdict: {record['verdict']}, on {scale_of(record)}  ({outcome.seconds / 60:.0f} min of computing)")
    with kept_if_unwritten(findings, str):  # all of it is on the screen already
        path = write_record(record, options.out or place_of(options.claim))
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


def claims(options: ClaimsOptions) -> None:
    """Print each claim with its verdicts, the package's and yours, each with its scale; or write the page of them.

    Errors:
        DataError: a file in the folder that is no record.
    """
    published = {record["claim"]: record for record in read_records(PUBLISHED)}
    own = {record["claim"]: record for record in read_records(options.results)}
    if options.write is not None:
        records = [record for _, record in sorted((published | own).items())]
        options.write.write_text(claims_page(records))
        print(f"Wrote {options.write}")
        if options.into is not None:
            page = os.path.relpath(options.write, options.into.parent)
            options.into.write_text(with_table(options.into.read_text(), records, page=page))
            print(f"Renewed the table in {options.into}")
        return
    load_published()
    titles = {name: record["title"] for name, record in own.items()} | {
        name: claim.title for name, claim in CLAIMS.items()
    }
    for name, title in titles.items():
        missing = "not run here" if name in CLAIMS else "not in the package"
        print(f"{name:14s} {_verdict(published.get(name), otherwise=missing)}")
        if name in own:
            print(f"{'yours':>14s} {_verdict(own[name])}")
        print(f"{'':14s} {title}")


def _verdict(record: dict[str, Any] | None, *, otherwise: str = "") -> str:
    """The word and the scale at which it was found."""
    return f"{record['verdict']:18s} {scale_of(record)}" if record else otherwise
