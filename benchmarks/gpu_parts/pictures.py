"""ResNet-18 on CIFAR-10 in bfloat16, views made on the GPU: how many views a second are made, and learned from."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from contrapose.claims.parts import open_parts
from contrapose.claims.unit import configuration
from contrapose.data import Images
from contrapose.methods.assemble import assemble
from contrapose.training.in_memory import train_in_memory
from gpu_parts.part import Work, measured, stopped, wait

BATCHES = (256, 512, 1024)
STEPS, EPOCHS = 30, 3  # of each batch size; the first epoch warms up


def pictures(work: Work) -> dict[str, Any]:
    """One row for each batch size."""
    train, _ = open_parts(work.data)
    found: dict[str, Any] = {"encoder": "tiny_conv" if work.quick else "resnet18", "rows": []}
    for batch in (16,) if work.quick else BATCHES:
        if work.left() < 20:
            return stopped(found)
        found["rows"].append(_row(train, batch, found["encoder"], work))
        print(found["rows"][-1], flush=True)
        work.keep(found)
    return found


def _row(train: Images, batch: int, encoder: str, work: Work) -> dict[str, Any]:
    steps, epochs = (2, 2) if work.quick else (STEPS, EPOCHS)
    options = {"encoder": encoder, "batch_size": batch, "epochs": epochs, "temperature": 0.1, "seed": 0}
    config = configuration("simclr", options, "image")
    samples = train.subset(np.arange(steps * batch) % len(train))
    learner, views = assemble(config, samples)
    batch_of = torch.as_tensor(train.batch(np.arange(batch) % len(train))).to(work.device)  # (B, C, H, W)
    generator = torch.Generator().manual_seed(0)
    alone = measured(lambda: views(batch_of, generator=generator), work.device, 3 if work.quick else 20)
    ends: list[float] = []

    def after_epoch(epoch: int) -> None:
        wait(work.device)
        ends.append(time.perf_counter())

    if work.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(work.device)
    train_in_memory(learner, samples, views, config, device=work.device, dtype=torch.bfloat16, after_epoch=after_epoch)
    each = float(statistics.median(np.diff(ends)))  # seconds of an epoch
    row = {"batch": batch, "views_alone_a_second": 2 * batch / alone["seconds"]}
    row["views_trained_a_second"] = 2 * batch * steps / each
    row["milliseconds_a_step"] = 1e3 * each / steps
    if work.device.type == "cuda":
        row["peak_bytes"] = torch.cuda.max_memory_allocated(work.device)
    return row


def made_data(work: Work) -> Work:
    """The same work on pictures of noise, for the small version: 2 parts with a folder for each of 2 classes."""
    generator, folder = np.random.default_rng(0), work.folder / "pictures"
    for part, count in (("train", 30), ("test", 10)):
        for label in range(2):
            place = folder / part / str(label)
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return replace(work, data=str(folder))
