"""Memory stays flat for data ten times larger than a cap, measured in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

polars = pytest.importorskip("polars")

CAP = 16  # megabytes that an epoch may take
PART = CAP * 1_000_000  # bytes of a shard: ten of them and one are the data

EPOCHS = """
import json, os, re, sys, torch
import numpy as np
from contrapose.data import Images, PlainSource, derived_generator, open_data
from contrapose.data.texts import open_texts

def memory(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1000

def epoch(samples):
    views = lambda raw, generator: (torch.zeros(8),)
    source = PlainSource.shuffled(samples, views, batch_size=8, seed=0)
    for step in range(source.steps_per_epoch):
        source.batch(step, 0, generator=derived_generator(0))
    return source.steps_per_epoch * 8

ways = {
    "pictures": lambda name: open_data(name, cache=False, image_size=32, channels=3, workers=1),
    "texts": open_texts,
    "tables": open_texts,
    "pixels": lambda name: Images(np.load(name + ".npy", mmap_mode="r")),
}
found = {}
for kind, open_them in ways.items():
    place = os.path.join(sys.argv[1], kind)
    epoch(open_them(place + "-few"))  # what the code itself takes
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak is forgotten
    before = memory("VmRSS")
    found[kind] = epoch(open_them(place + "-many")), memory("VmHWM") - before
print(json.dumps(found))
"""


def linked(folder: Path, shard: Path) -> None:
    """A folder of few shards and one of many, all of them the same file."""
    for name, count in (("few", 5), ("many", 11)):
        (folder.parent / f"{folder.name}-{name}").mkdir()
        for number in range(count):
            os.link(shard, folder.parent / f"{folder.name}-{name}" / f"s-{number}{shard.suffix}")


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peak memory is read from /proc")
def test_memory_is_flat(make_tar, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(buffer, "BMP")
    picture, text = buffer.getvalue(), "some words " * 5_000
    pictures, texts, pixels = PART // len(picture), PART // len(text), 11 * PART // (3 * 64 * 64)
    linked(tmp_path / "pictures", make_tar("p.tar", {f"{row:04d}.bmp": picture for row in range(pictures)}))
    linked(tmp_path / "texts", make_tar("t.tar", {f"{row:04d}.txt": text.encode() for row in range(texts)}))
    frame = polars.DataFrame({"text": [f"{row} {text}" for row in range(texts)]})
    frame.write_parquet(tmp_path / "t.parquet", compression="uncompressed", row_group_size=32)
    linked(tmp_path / "tables", tmp_path / "t.parquet")
    for name, rows in (("few", 8), ("many", pixels)):
        np.lib.format.open_memmap(tmp_path / f"pixels-{name}.npy", "w+", np.uint8, (rows, 3, 64, 64)).flush()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    words = [sys.executable, "-c", EPOCHS, str(tmp_path)]
    found = json.loads(subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    wanted = {"pictures": 11 * pictures, "texts": 11 * texts, "tables": 11 * texts, "pixels": pixels}
    for kind, (seen, grown) in found.items():
        assert seen == wanted[kind] // 8 * 8
        assert grown < CAP, kind
