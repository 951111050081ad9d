"""What a training step of each method costs, beside SimCLR's, in one run: time and peak memory.

    python benchmarks/method_cost.py --batch 512 --out results/benchmarks/method_cost.json
    python benchmarks/method_cost.py --kind text --batch 256 --out results/benchmarks/method_cost_text.json
    python benchmarks/method_cost.py --kind items --batch 256 --out results/benchmarks/method_cost_items.json
    python benchmarks/method_cost.py --kind graph --batch 128 --out results/benchmarks/method_cost_graph.json
    python benchmarks/method_cost.py --kind pairs --batch 256 --out results/benchmarks/method_cost_pairs.json

A step is forward, objective, backward, optimiser and the learner's own bookkeeping (teacher, queue), of a method that
learns by turns all of them, on views that were made beforehand: `small_conv` on 32 x 32 colour pictures, `transformer`
on texts of 16 words, `sasrec` on histories of 16 items out of 5,000, `gin` on graphs of 32 nodes, `tiny_conv` beside
`transformer` on such pictures with captions of 12 words. Methods take turns, one step a round; the time is the
processor's, of one thread, and the fastest round counts. Memory is the peak of a process of its own above what it held
before its first step. Ratios are to `simclr` (of pairs: to `clip`) in the same run, on the same kind of data.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from mmcl_solver import resident

from contrapose.data import Batch, Images, Samples
from contrapose.data.items import Histories
from contrapose.data.pairs import Pairs
from contrapose.data.ragged import Ragged
from contrapose.environment import environment
from contrapose.graph_batch import GraphBatch
from contrapose.learners import Learner
from contrapose.methods import METHODS, methods_of
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.padded import Padded
from contrapose.training.turns import only_own_gradients, optimizers_of

WARM_UP = {"halp": 10}
"""Steps before the first that is timed, of methods that do their whole work only once their memory is full."""
CLASSES = 10
YARDSTICKS = {"pairs": "clip"}
"""What ratios are to, by kind, where that is not `simclr`."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "mmcl inverse": ("mmcl", {"solver": "inverse"}),
    "multiview mv_info_nce": ("multiview", {"objective": "mv_info_nce"}),
    "nnclr decoupled": ("nnclr", {"decoupled": True}),
    "mclrec joint": ("mclrec", {"joint": True}),
}
"""Options that cost something else than their method's defaults: what they are called, and what they are."""


def pictures(count: int, generator: torch.Generator) -> Samples:
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    numbers = torch.rand(count, generator=generator, dtype=torch.float64)  # (B,)
    return Images(pixels.numpy(), (torch.arange(count) % CLASSES).numpy(), targets={"number": numbers.numpy()})


def texts(count: int, generator: torch.Generator) -> Samples:
    """Of 16 words out of 2,000, the first of them the most frequent."""
    words = (2_000 * torch.rand(count, 16, generator=generator) ** 2).long()  # (B, 16)
    lines = [_line(row) for row in words.tolist()]
    return MODALITIES["text"].open({"text": lines, "label": [f"class {row % CLASSES}" for row in range(count)]})


def pairs(count: int, generator: torch.Generator) -> Samples:
    """The same pictures, each with a caption of 12 words out of 2,000."""
    words = (2_000 * torch.rand(count, 12, generator=generator) ** 2).long()  # (B, 12)
    of_pictures = cast("Images", pictures(count, generator))
    return Pairs(of_pictures, [[_line(row)] for row in words.tolist()])


def _line(numbers: list[int]) -> str:
    return " ".join(f"{_letters(number)}x" for number in numbers)


def _letters(number: int) -> str:
    """A number as a word without digits, for a word with such may be none to a method."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def items(count: int, generator: torch.Generator) -> Samples:
    """Histories of 16 items out of 5,000, each with the one that came next."""
    taken = torch.randint(1, 5_001, (count, 17), generator=generator)
    taken[0, 0] = 5_000
    histories = MODALITIES["items"].open(Histories(Ragged.of(list(taken.numpy()))))
    return cast("Histories", histories).prefixes().subset(np.arange(count) * 16 + 15)


def graphs(count: int, generator: torch.Generator) -> Samples:
    """Of 32 nodes of 3 tags, a ring and as many other edges."""
    made = []
    for _ in range(count):
        pairs = torch.randint(0, 32, (32, 2), generator=generator).tolist()
        ring = [(node, (node + 1) % 32) for node in range(32)]
        edges = {(min(pair), max(pair)) for pair in (*pairs, *ring) if pair[0] != pair[1]}
        made.append((torch.randint(0, 3, (32,), generator=generator).tolist(), sorted(edges)))
    return MODALITIES["graph"].open(made)


SAMPLES: dict[str, Callable[[int, torch.Generator], Samples]] = {
    "image": pictures,
    "text": texts,
    "items": items,
    "graph": graphs,
    "pairs": pairs,
}


class Stepper:
    """A method with its batch, ready to do steps."""

    def __init__(self, name: str, batch: int, kind: str) -> None:
        self.name = name
        generator = torch.Generator().manual_seed(0)
        method, options = VARIANTS.get(name, (name, {}))
        queue = {"queue": 4 * batch} if "queue" in METHODS[method].__dataclass_fields__ else {}
        config = METHODS[method].on(kind)(batch_size=batch, **queue, **options)
        samples = SAMPLES[kind](batch, generator)
        learner, views = assemble(config, samples)
        self.learner: Learner = learner.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        made = views(samples.batch(torch.arange(batch)), generator=generator)
        wanted = {"text": Padded, "graph": GraphBatch}.get(kind, object)  # a tensor beside these is no view
        self.views = len([view for view in made if isinstance(view, wanted)])
        targets = {name: torch.as_tensor(values) for name, values in samples.targets.items()}
        self.batch = Batch(views=made, indices=torch.arange(batch), targets=targets)
        self.optimizers = optimizers_of(config, learner)

    def step(self) -> float:
        """Processor seconds of one step."""
        started = time.process_time()
        self.learner.before_step()
        for turn in self.learner.turns():
            with only_own_gradients(self.learner, turn):
                for optimizer in self.optimizers.values():
                    optimizer.zero_grad(set_to_none=True)
                taken = self.learner(replace(self.batch, turn=turn.name))
                taken.loss.backward()
                self.optimizers[turn.optimizer].step()
        self.learner.after_step([taken])
        return time.process_time() - started


def peak_here(name: str, batch: int, kind: str) -> int:
    """Peak resident bytes of its first steps above what was resident before; for a fresh process."""
    stepper = Stepper(name, batch, kind)
    before = resident("VmRSS")
    for _ in range(1 + WARM_UP.get(name, 1)):
        stepper.step()
    return max(0, resident("VmHWM") - before)


def peak(name: str, batch: int, kind: str) -> int | None:
    """The same in a process of its own; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    command = [sys.executable, __file__, "--peak", name, "--batch", str(batch), "--kind", kind]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(
    names: list[str], batch: int, rounds: int, *, kind: str = "image", peaks: bool = True
) -> list[dict[str, Any]]:
    """One row a method, ratios included."""
    steppers = {name: Stepper(name, batch, kind) for name in names}
    for stepper in steppers.values():
        for _ in range(WARM_UP.get(stepper.name, 1)):
            stepper.step()
    spent: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, stepper in steppers.items():
            spent[name].append(stepper.step())
    fastest = {name: min(times) for name, times in spent.items()}
    memory = {name: peak(name, batch, kind) if peaks else None for name in names}
    beside = YARDSTICKS.get(kind, "simclr")
    rows = []
    for name in names:
        held, yardstick = memory[name], memory[beside]
        rows.append(
            {
                "method": name,
                "views": steppers[name].views,
                "seconds": fastest[name],
                "time_ratio": fastest[name] / fastest[beside],
                "peak_bytes": held,
                "memory_ratio": held / yardstick if held is not None and yardstick else None,
            }
        )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    print(f"{'method':<24}{'views':>6}{'seconds':>10}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}")
    for row in rows:
        held, ratio = row["peak_bytes"], row["memory_ratio"]
        memory = f"{held / 2**20:>10,.0f}{ratio:>8.2f}" if held is not None and ratio is not None else ""
        print(f"{row['method']:<24}{row['views']:>6}{row['seconds']:>10.3f}{row['time_ratio']:>8.2f}{memory}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=512, help="samples in a step")
    parser.add_argument("--kind", choices=SAMPLES, default="image", help="of the samples")
    parser.add_argument("--rounds", type=int, default=3, help="timed steps of each method")
    parser.add_argument("--methods", nargs="+", default=None, help="default: all of the kind")
    parser.add_argument("--out", type=Path, help="also write the rows, with commit and machine, as JSON")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak:
        print(peak_here(arguments.peak, arguments.batch, arguments.kind))
        return
    of_kind = [name for name in methods_of("train") if METHODS[name].modality == arguments.kind]
    usual = [*of_kind, *(name for name, (method, _) in VARIANTS.items() if method in of_kind)]
    first = YARDSTICKS.get(arguments.kind, "simclr")
    names = [first, *(name for name in arguments.methods or usual if name != first)]
    rows = measure(names, arguments.batch, arguments.rounds, kind=arguments.kind)
    show(rows)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        record = {"environment": environment(), "kind": arguments.kind, "batch": arguments.batch, "rows": rows}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
