"""What a training step of `small_conv` costs with and without two habits: one layout, and freed memory kept.

    python benchmarks/small_conv_step.py --out results/benchmarks/small_conv_step.json

A step is `make train`'s of old: mmcl, 64 characters of 35 x 35, two views, forward, backward and AdamW, on views made
beforehand. Contenders:

    both     as the library is: the gradient of the last map is laid out as the map (channels last), and malloc keeps
             what a step frees
    layout   without the second
    neither  the gradient comes back in the order of the flattened rows, and malloc gives everything back to the system
    tiny     as `both`, with the encoder of `make train`, `tiny_conv`

Each contender is a process of its own, for malloc's settings stay with a process. They take turns, a block of steps
each; the time is the processor's, of one thread (system time included), and ratios are of blocks beside each other, so
that a busy machine does not favour one. bfloat16 runs under autocast, also where it is emulated and slow. "differ."
is whether the losses differ in any bit.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from contrapose.data import Batch, derived_generator, omniglot
from contrapose.encoders.images import small_conv
from contrapose.environment import environment
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.training.allocator import freed_memory_kept

CONTENDERS = ("neither", "layout", "both", "tiny")
BATCH = 64


def work(contender: str, precision: str, pipe: Connection) -> None:
    """A process: does as many steps as it is asked for, and answers with their time, page faults and last loss."""
    torch.set_num_threads(1)
    if contender == "neither":
        small_conv._flat = lambda averages: averages.flatten(1)
    pictures = omniglot()
    config = METHODS["mmcl"](
        batch_size=BATCH, projection_layers=0, encoder="tiny_conv" if contender == "tiny" else "small_conv"
    )
    learner, views = assemble(config, pictures)
    learner.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(learner.parameter_groups(0.01), lr=1e-3, fused=True)
    indices = torch.arange(BATCH) * (len(pictures) // BATCH)
    batch = Batch(views=views(pictures.batch(indices), generator=derived_generator(0)), indices=indices)
    with freed_memory_kept() if contender in ("both", "tiny") else nullcontext():
        while steps := pipe.recv():
            before, loss = resource.getrusage(resource.RUSAGE_SELF), 0.0
            started = time.process_time()
            for _ in range(steps):
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                    step = learner(batch)
                step.loss.backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                loss = float(step.loss.detach())
                del step  # as in the loop, whose step ends before the next begins
            seconds = (time.process_time() - started) / steps
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before.ru_minflt
            pipe.send({"seconds": seconds, "faults": faults // steps, "loss": loss})


def measure(precision: str, rounds: int, steps: int) -> list[dict[str, Any]]:
    """One row a contender, from interleaved blocks."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for contender in CONTENDERS:
        pipes[contender], theirs = context.Pipe()
        processes.append(context.Process(target=work, args=(contender, precision, theirs), daemon=True))
        processes[-1].start()
    blocks: dict[str, list[dict[str, Any]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(rounds + 1):
        for contender, pipe in pipes.items():
            pipe.send(steps)
            blocks[contender].append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(0)
    for process in processes:
        process.join()
    yardstick = blocks["neither"]
    rows = []
    for contender, mine in blocks.items():
        # The first block is a warm-up.
        ratios = [one["seconds"] / other["seconds"] for one, other in zip(mine, yardstick, strict=True)][1:]
        rows.append(
            {
                "contender": contender,
                "precision": precision,
                "seconds": statistics.median(block["seconds"] for block in mine[1:]),
                "time_ratio": statistics.median(ratios),
                "time_ratios": [round(ratio, 3) for ratio in ratios],
                "page_faults": statistics.median(block["faults"] for block in mine[1:]),
                "same_losses": [block["loss"] for block in mine] == [block["loss"] for block in yardstick],
            }
        )
        print(line(rows[-1]), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    differ = "no" if row["same_losses"] else "yes"
    return (
        f"{row['precision']:10s}{row['contender']:10s}{1e3 * row['seconds']:8.0f} ms{row['time_ratio']:8.3f}"
        f"{row['page_faults']:10,.0f}{differ:>9s}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed blocks of each contender")
    parser.add_argument("--steps", type=int, default=5, help="steps in a block")
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--out", type=Path, help="also write the rows, with commit and machine, as JSON")
    arguments = parser.parse_args()
    print(f"{'':20s}{'a step':>11s}{'ratio':>8s}{'faults':>10s}{'differ.':>9s}")
    rows = [row for precision in arguments.precisions for row in measure(precision, arguments.rounds, arguments.steps)]
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {"batch": BATCH, "image_size": 35, "rounds": arguments.rounds, "steps": arguments.steps}
        record = {"environment": environment(), "settings": settings, "rows": rows}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
