"""What a run leaves behind when it is stopped before its end: its weights, or their average (`training.average`).

    python benchmarks/stopped_early.py [--seeds 3] [--until 0.5] [--out FILE.json]

`simclr` on 2,400 of the embedded characters at 16 pixels, with a cosine of 30 epochs; after every tenth of them both
are asked the 20 official one-shot runs (20-way, chance 5 %, 400 questions). Seeds draw weights, batches and views.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from contrapose.data import derived_generator, omniglot_one_shot, open_data
from contrapose.environment import environment
from contrapose.evaluation import one_shot
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.training.average import WeightAverage
from contrapose.training.in_memory import train_in_memory

SIDE, PICTURES, EPOCHS = 16, 2400, 30
OPTIONS = {"epochs": EPOCHS, "batch_size": 64, "learning_rate": 4e-3, "projection_layers": 0}


class StoppedError(Exception):
    """The part of the schedule that is asked for is done."""


def questions() -> Any:
    """The one-shot runs at `SIDE` pixels: support, query and answers."""
    runs = omniglot_one_shot()

    def small(pictures: Tensor) -> Tensor:
        resized = interpolate(pictures.flatten(0, 1).float(), (SIDE, SIDE), mode="bicubic", antialias=True)
        return resized.clamp(0, 255).round().to(torch.uint8)  # (R·N, C, SIDE, SIDE)

    return small(runs.support), small(runs.query), runs


@torch.inference_mode()
def score(encoder: nn.Module, asked: Any) -> float:
    """Accuracy in the one-shot runs."""
    support, query, runs = asked
    encoder.eval()
    count = len(runs.support)
    rows = [torch.cat([encoder(part) for part in pictures.split(512)]) for pictures in (support, query)]
    support_z, query_z = (z.view(count, -1, z.shape[1]).numpy() for z in rows)  # (R, N, D), (R, Q, D)
    return one_shot(support_z, query_z, runs.answer, generator=derived_generator(0, 2)).value


def run(seed: int, until: float, asked: Any) -> list[dict[str, Any]]:
    """One row for each tenth of the schedule, up to `until`."""
    images = open_data("omniglot", limit=PICTURES, image_size=SIDE)
    config = METHODS["simclr"](seed=seed, **OPTIONS)  # type: ignore[arg-type]
    learner, views = assemble(config, images)
    average, rows, after_step, step = WeightAverage(learner.encoder), [], learner.after_step, 0

    def averaged_after_step(steps: Any) -> None:
        nonlocal step
        after_step(steps)
        step += 1
        average.update(learner.encoder, step)

    def after_epoch(epoch: int) -> None:
        if epoch % (EPOCHS // 10) == 0:
            both = {"weights": score(learner.encoder, asked), "average": score(average.encoder, asked)}
            rows.append({"seed": seed, "share": epoch / EPOCHS, **both})
            print(json.dumps(rows[-1]), flush=True)
        if epoch >= until * EPOCHS:
            raise StoppedError

    learner.after_step = averaged_after_step  # type: ignore[method-assign]
    with contextlib.suppress(StoppedError):
        train_in_memory(learner, images, views, config, after_epoch=after_epoch)
    return rows


def main(words: list[str] | None = None) -> None:
    """Print a row a stop, and write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--until", type=float, default=1.0, help="share of the schedule after which to stop")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    given = parser.parse_args(words)
    asked = questions()
    rows = [row for seed in range(given.seeds) for row in run(seed, given.until, asked)]
    gain = sum(row["average"] - row["weights"] for row in rows) / len(rows)
    print(f"the average recognises {100 * gain:+.1f} points more, over {len(rows)} stops")
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
