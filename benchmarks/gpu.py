"""What a GPU does with the losses, the views and the flagship's claim: one script of at most ten minutes.

    python benchmarks/gpu.py --data FOLDER [--minutes 10] [--seeds 2] [--out results/benchmarks/gpu.json]
    python benchmarks/gpu.py --quick

Parts, in this order:

    kernels    channels and gradients of the losses by the Triton kernels and by torch, both beside float64
    loss       nt_xent forward and backward at 65,536 and 262,144 rows: seconds and peak memory by kernels and by torch,
               in exact float32 and in tf32, beside the time of one product of all rows with all rows; blocks swept
    pictures   views a second of ResNet-18 on CIFAR-10 in bfloat16, views on the GPU: made alone, and trained on
    flagship   the claim `mmcl` at its full protocol (45,000 pictures, ResNet-18, batch 128) for as many epochs as the
               time gives, against simclr at its tuned temperature, seed by seed

Everything it needs is this checkout, torch for CUDA (which brings Triton) and the data: FOLDER holds train.parquet and
test.parquet of CIFAR-10, so that a machine without a network can do it. The file is written after each part and within
the longer ones; the same command goes on where it stopped, with the parts (and runs of the flagship) that are missing
or failed. --fresh begins anew. Without a CUDA device it says so and ends with 2; with --quick it runs all parts very
small on whatever there is, on pictures of noise, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gpu_parts.flagship import flagship
from gpu_parts.kernels import kernels
from gpu_parts.loss import loss
from gpu_parts.part import Work, said
from gpu_parts.pictures import made_data, pictures

from contrapose.atomic import write_atomically
from contrapose.claims.places import CIFAR10
from contrapose.environment import environment

# name -> what it does, and until which share of the time it may go on; what it leaves goes to the next ones
PARTS: dict[str, tuple[Callable[[Work], dict[str, Any]], float]] = {
    "kernels": (kernels, 0.2),
    "loss": (loss, 0.38),
    "pictures": (pictures, 0.5),
    "flagship": (flagship, 0.97),
}


class Report:
    """The file: what is finished, and what of an unfinished part there is."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.content: dict[str, Any] = {"environment": environment(), "settings": settings, "parts": {}}
        try:
            before = json.loads(path.read_text())
        except (OSError, ValueError):
            return
        if before.get("settings") == settings:  # other settings are another report
            self.content["parts"] = before["parts"]

    def is_done(self, part: str) -> bool:
        return bool(self.content["parts"].get(part, {}).get("finished"))

    def keep(self, part: str, found: dict[str, Any], **more: Any) -> None:
        """Write what the part has found so far."""
        self.content["parts"][part] = {**found, **more}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, (json.dumps(self.content, indent=2) + "\n").encode())


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a part failed or kernels disagree; 2 where there is no GPU."""
    options = _parser().parse_args(arguments)
    if not options.quick and not torch.cuda.is_available():
        print(
            "benchmarks/gpu.py measures a GPU, but torch sees no CUDA device here. Run it where there is one, or add "
            "--quick to see its parts run very small on the CPU.",
            file=sys.stderr,
        )
        return 2
    began = time.monotonic()
    folder = options.out.with_suffix("")
    if options.fresh:
        options.out.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    settings = {"quick": options.quick, "seeds": options.seeds, "device": _name(device)}
    report, failed = Report(options.out, settings), False
    for name, (run, share) in PARTS.items():
        if (options.parts and name not in options.parts) or report.is_done(name):
            continue
        work = Work(
            device,
            options.quick,
            options.data,
            folder,
            began + 60 * options.minutes * share,
            options.seeds,
            lambda found, name=name: report.keep(name, found),
        )
        failed |= not _done(name, run, work, report)
    print(f"Written to {options.out}")
    return int(failed)


def _done(name: str, run: Callable[[Work], dict[str, Any]], work: Work, report: Report) -> bool:
    """Do the part; whether all went well. One that fails leaves what it had found, and the next ones go on."""
    begin = time.monotonic()
    print(f"{name}: {max(0.0, work.left()):.0f} s", flush=True)
    try:
        found = run(made_data(work) if work.quick and name in ("pictures", "flagship") else work)
    except Exception as error:
        print(f"{name} failed: {said(error)}", file=sys.stderr, flush=True)
        report.keep(name, report.content["parts"].get(name, {}), error=said(error))
        return False
    spent = round(time.monotonic() - begin, 1)
    report.keep(name, found, finished="stopped" not in found, seconds=spent)
    print(f"{name}: {found.get('stopped') or found.get('note') or 'done'}, {spent} s", flush=True)
    return bool(found.get("agree", True))


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=CIFAR10, help="CIFAR-10: a folder with its two parts, or hub:OWNER/NAME")
    parser.add_argument("--minutes", type=float, default=10.0, help="time for everything")
    parser.add_argument("--seeds", type=int, default=2, help="of the flagship's claim; more seeds, fewer epochs")
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), help="these alone")
    parser.add_argument("--quick", action="store_true", help="very small, on whatever device there is")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier call has found")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/gpu.json"), help="where the figures go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
