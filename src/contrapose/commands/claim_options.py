"""The options of `contrapose reproduce` and `contrapose claims`. No torch here: `--help` has to answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from contrapose.claims.places import OWN


@dataclass(frozen=True)
class ReproduceOptions:
    """Measure a claim: tune every arm alike, train each with the same seeds, and say what came out."""

    claim: Positional[str]
    """A claim's name (`contrapose claims` lists them), or a Python file of your own that declares CLAIM."""
    data: str | None = None
    """Where the data are: hub:OWNER/NAME, a folder with train.parquet and test.parquet, or one table, a fifth of which
    is held out. Default: CIFAR-10 from the hub, for claims on pictures; others have to be told."""
    seeds: int | None = None
    """Paired repetitions. Default: the claim's own, usually 5."""
    quick: bool = False
    """A smoke version of seconds: it shows that everything runs, and its numbers mean nothing."""
    full: bool = False
    """The larger protocol, for a GPU."""
    jobs: int = 1
    """Processes side by side, one thread each; as many as there are cores is fastest for small encoders."""
    out: Path | None = None
    """Where the record is written, as CLAIM.json. Default: results/claims; in a checkout of contrapose, where the
    package keeps the records of its own claims."""
    work: Path = Path("runs/claims")
    """Where finished arms and seeds are kept: after a kill, the same command continues from them."""
    fresh: bool = False
    """Forget what was finished before."""


@dataclass(frozen=True)
class ClaimsOptions:
    """List the claims with their verdicts, those that came with the package and yours, or write the page of them."""

    results: Path = OWN
    """Where `contrapose reproduce` wrote your records; a record of yours stands beside the package's own."""
    write: Path | None = None
    """Write the page in Markdown here (docs/claims.md). Of a claim that was measured twice, it shows yours."""
    into: Path | None = None
    """Also renew the table in this page (docs/methods.md), between its two marked lines. Goes with --write."""
