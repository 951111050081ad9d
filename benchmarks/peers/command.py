"""Measure rows, or write the page.

    python benchmarks/peers nt_xent_256 sup_con_4096     # these rows
    python benchmarks/peers --all                        # all rows that have no record of this commit yet
    python benchmarks/peers --page                       # docs/benchmarks.md from the records
    python benchmarks/peers nt_xent_256 --quick --here   # a look of seconds, with what is installed here

Each row is one JSON file in results/benchmarks/peers, written as soon as it is measured. The first call makes an
environment of the benchmark's own (`--environment`, by default in the user's cache; some minutes) and goes on in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers.environment import ROOT, default_folder, enter, make

RESULTS = ROOT / "results" / "benchmarks" / "peers"
PEERS = (
    "lightly",
    "pytorch-metric-learning",
    "kornia",
    "albumentations",
    "torchvision",
    "faiss-cpu",
    "torch-geometric",
    "recbole",
    "open_clip_torch",
    "transformers",
)
PAGE = ROOT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(arguments)
    if options.make:
        make(options.environment)
        return
    if options.page:
        from peers.page import page, records

        options.page_file.write_text(page(records(options.out)))
        print(f"Written to {options.page_file}")
        return
    if not options.here:
        enter(options.environment, arguments)
    sys.path.insert(0, str(ROOT / "src"))
    _measure(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks/peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="what to measure; `--list` names them")
    parser.add_argument("--all", action="store_true", help="all rows; those with a record of this commit are left out")
    parser.add_argument("--again", action="store_true", help="with --all: those with a record, too")
    parser.add_argument("--minutes", type=float, default=18.0, help="with --all: no row is begun after this time")
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything run, do the values agree")
    parser.add_argument("--here", action="store_true", help="no environment: peers that are not installed are left out")
    parser.add_argument("--environment", type=Path, default=default_folder(), help="folder of the environment")
    parser.add_argument("--make", action="store_true", help="make the environment, and nothing else")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--page", action="store_true", help="write the page from the records, and nothing else")
    parser.add_argument("--page-file", type=Path, default=PAGE, help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="name the rows")
    return parser


def _measure(options: argparse.Namespace) -> None:
    from contrapose.environment import commit
    from peers.rows import ROWS

    if options.list or not (options.rows or options.all):
        for name, row in ROWS.items():
            print(f"{name:26s}{row.figure}")
        return
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        raise SystemExit(f"There is no row {', '.join(unknown)}. There are: {', '.join(ROWS)}.")
    started, left, failed = time.monotonic(), list[str](), list[str]()
    for name in ROWS if options.all else options.rows:
        path = options.out / f"{name}.json"
        if options.all and not options.again and _measured_of(path, commit(), options.quick):
            print(f"{name}: measured at this commit already ({path})")
        elif time.monotonic() - started > 60 * options.minutes:
            left.append(name)
        else:
            try:
                _write(path, _row(name, quick=options.quick))
            except Exception:  # the other rows are measured all the same
                traceback.print_exc()
                failed.append(name)
    if left:
        print(f"Out of time, not measured: {', '.join(left)}. The same command goes on with them.")
    if failed:
        raise SystemExit(f"Not measured, for the reasons above: {', '.join(failed)}.")


def _row(name: str, *, quick: bool) -> dict[str, Any]:
    from contrapose.environment import environment
    from peers.children import ArmError, Child
    from peers.measure import measure
    from peers.rows import ROWS

    where = environment()  # before: its load is that which the measurement met
    record = {**measure(ROWS[name], Child, ArmError, quick=quick), "environment": {**where, "peers": peers_installed()}}
    show(record)
    return record


def peers_installed() -> dict[str, str]:
    """Versions of the peers, those that are there."""
    import importlib.metadata

    found = {}
    for name in PEERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _measured_of(path: Path, commit: str, quick: bool) -> bool:
    """A stopped `--all` goes on where it was: not what another commit, or a quick look, has left."""
    if not path.exists():
        return False
    record = json.loads(path.read_text())
    return record["environment"]["commit"] == commit and record["quick"] == quick


def _write(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def show(record: dict[str, Any]) -> None:
    """What a person wants to see of a row."""
    print(f"\n{record['row']}: {record['figure']}  ({record['seconds_taken']:.0f} s)")
    for name, arm in record["arms"].items():
        if "seconds" not in arm:
            print(f"  {name:26s}{arm.get('skipped', '-')}")
            continue
        ratio, peak = record["ratios"].get(name), arm.get("peak_bytes")
        memory = "" if peak is None else f"{peak / 1e6:10,.1f} MB"
        beside = "" if ratio is None else f"   ours {ratio['median']:.3g} [{ratio['least']:.3g}, {ratio['most']:.3g}]"
        near = record["agreement"].get(name, {})
        differs = "" if near.get("agrees", True) else f"   VALUES DIFFER {near['differences']}"
        print(f"  {name:26s}{1e3 * arm['seconds']:12,.2f} ms{memory}{beside}{differs}")
    for name, value in record["derived"].items():
        print(f"  {name}: {value:.4g}")
    for target in record["targets"]:
        limit = f"at most {target['at_most']:.3g}" if "at_most" in target else f"at least {target['at_least']:.3g}"
        word = {True: "hit", False: "MISSED", None: "not measured"}[target["hit"]]
        measured = "" if target["measured"] is None else f"{target['measured']:.3g}, "
        print(f"  {target['words']}: {measured}aimed at {limit}: {word}", flush=True)
