"""What a claim's run leaves behind: one JSON file with everything that a sceptic would ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contrapose.atomic import write_atomically
from contrapose.claims.claim import Claim, Protocol
from contrapose.claims.experiment import Outcome
from contrapose.claims.results import seed_interval
from contrapose.claims.verdicts import OLD_WORDS, Finding, verdict
from contrapose.environment import environment
from contrapose.errors import DataError
from contrapose.modalities import MODALITIES

FORMAT = 2


def record_of(
    claim: Claim, protocol: Protocol, outcome: Outcome, findings: Sequence[Finding], *, size: str
) -> dict[str, Any]:
    """The claim, its protocol, every number of every seed, the findings, where it was measured.

    Arguments:
        size: "standard", "full", or "quick", which is no evidence and is never published.
    """
    return {
        "format": FORMAT,
        "claim": claim.name,
        "title": claim.title,
        "paper": claim.paper,
        "modality": claim.modality,
        "size": size,
        "verdict": "none: a smoke run" if size == "quick" else verdict(findings),
        "findings": [asdict(finding) | {"text": finding.text()} for finding in findings],
        "protocol": asdict(protocol),
        "chosen_by": claim.choose_by,
        "arms": [
            {
                "name": arm.name,
                "method": arm.method,
                "options": {**arm.options, **arm.on},
                "chosen": outcome.chosen[arm.name],
            }
            for arm in claim.arms
        ],
        "trials": [asdict(trial) for trial in outcome.trials],
        "table": table_of(claim, outcome),
        "seeds": [
            {"arm": record["arm"], "seed": record["seed"], "values": record["values"], "seconds": record["seconds"]}
            for record in outcome.records
        ],
        "seconds": round(outcome.seconds, 1),
        "commits": sorted({record["commit"] for record in outcome.records}),
        "threads": sorted({record["threads"] for record in outcome.records}),
        "arithmetic": sorted({record["config"]["arithmetic"] for record in outcome.records if record["config"]}),
        "remarks": claim.notes,
        **environment(),
    }


def table_of(claim: Claim, outcome: Outcome) -> dict[str, dict[str, dict[str, float]]]:
    """Arm -> measure, with its epoch unless that is the last -> mean over seeds with its interval."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for arm in (*(arm.name for arm in claim.arms), *claim.floors):
        seeds = outcome.results.values[arm]
        table[arm] = {}
        for epoch in seeds[0]:
            for name in seeds[0][epoch]:
                last = epoch == max(seeds[0])
                interval = seed_interval(outcome.results.of(arm, name, share=epoch / outcome.results.epochs[-1]))
                table[arm][name if last else f"{name} after {epoch} epochs"] = interval._asdict()
    return table


def write_record(record: dict[str, Any], folder: Path) -> Path:
    """Write it to `folder/CLAIM.json` (a smoke run: `CLAIM.quick.json`, which no page ever shows)."""
    suffix = "" if record["size"] == "standard" else f".{record['size']}"
    path = folder / f"{record['claim']}{suffix}.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(record, indent=1, default=str) + "\n").encode())
    return path


def read_records(folder: Path) -> Iterator[dict[str, Any]]:
    """The records in `folder`, by name, old ones in the words of today; smoke runs are passed over.

    Errors:
        DataError: a file that is no record.
    """
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stem):
        try:
            record = json.loads(path.read_text())
            size = record["size"]
            if record["format"] == 1:
                record = _renewed(record)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is no record of a claim ({error}). Remove it or run the claim again.") from error
        if size != "quick":
            yield record


def _renewed(record: dict[str, Any]) -> dict[str, Any]:
    """A record of format 1, whose verdicts spoke of the paper."""
    findings = [finding | {"word": OLD_WORDS[finding["word"]]} for finding in record["findings"]]
    verdict_now = OLD_WORDS.get(record["verdict"], record["verdict"])  # a smoke run has none
    return record | {"format": FORMAT, "verdict": verdict_now, "findings": findings}


def scale_of(record: dict[str, Any]) -> str:
    """How large the experiment was, which belongs beside every verdict: `4,000 pictures, 10 epochs, 5 seeds`."""
    protocol = record["protocol"]
    epochs = protocol["options"]["epochs"]
    plural = MODALITIES[record.get("modality", "image")].plural  # older records are of pictures
    return f"{protocol['images']:,} {plural}, {epochs} epoch{'s' * (epochs != 1)}, {protocol['seeds']} seeds"
