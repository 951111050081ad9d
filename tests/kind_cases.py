"""A small data set of every kind of data: 48 samples of three classes, with a number each."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
from PIL import Image

SAMPLES, CLASSES = 48, 3


def _targets() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {"label": np.arange(SAMPLES) % CLASSES, "degrees": random.uniform(-60, 60, SAMPLES).round(3)}


def _pictures(folder: Path) -> Path:
    random = np.random.default_rng(1)
    base = random.integers(0, 255, (CLASSES, 16, 16, 3))
    noise = random.integers(-40, 40, (SAMPLES, 16, 16, 3))
    images = (base[_targets()["label"]] + noise).clip(0, 255).astype(np.uint8)
    np.savez(folder / "pictures.npz", images=images, **_targets())
    return folder / "pictures.npz"


def _texts(folder: Path) -> Path:
    random = np.random.default_rng(2)
    words = ["wave ship sail harbour anchor", "flour oven yeast dough crust", "goal team match player referee"]
    texts = [
        " ".join(random.choice(words[label].split(), random.integers(2, 9))) + f" {number}"
        for number, label in enumerate(_targets()["label"])
    ]
    polars.DataFrame({"text": texts, **_targets()}).write_csv(folder / "texts.csv")
    return folder / "texts.csv"


def _rows(folder: Path) -> Path:
    random = np.random.default_rng(3)
    label = _targets()["label"]
    columns = {
        "age": random.integers(18, 80, SAMPLES),
        "pay": (1000 * label + random.normal(0, 300, SAMPLES)).round(1),
        "job": np.array(["clerk", "nurse", "pilot"])[random.integers(0, 3, SAMPLES)],
    }
    polars.DataFrame({**columns, **_targets()}).write_csv(folder / "rows.csv")
    return folder / "rows.csv"


def _items(folder: Path) -> Path:
    random = np.random.default_rng(4)
    label = _targets()["label"]
    histories = [(6 * one + random.integers(1, 9, random.integers(5, 10))).tolist() for one in label]
    polars.DataFrame({"user": np.arange(SAMPLES), "items": histories, **_targets()}).write_parquet(
        folder / "histories.parquet"
    )
    return folder / "histories.parquet"


def _frames(folder: Path) -> Path:
    """Four joints in space; what class it is says how fast they turn."""
    random = np.random.default_rng(4)
    label = _targets()["label"]
    lengths = random.integers(1, 30, SAMPLES)  # one of a single frame among them
    lengths[5] = 1
    sequences = []
    for number, length in zip(label, lengths, strict=True):
        angle = (number + 1) * np.arange(length)[:, None, None] / 8 + np.arange(4)[:, None]  # (T, 4, 1)
        sequences.append(np.concatenate([np.sin(angle), np.cos(angle), angle / 9], axis=2) + random.normal(0, 0.1, 3))
    pointers = np.cumsum([0, *lengths])
    np.savez(folder / "sequences.npz", frames=np.concatenate(sequences), frame_ptr=pointers, **_targets())
    return folder / "sequences.npz"


def _graphs(folder: Path) -> Path:
    """Rings, stars, and rings with a chord at every node; tags by chance."""
    random = np.random.default_rng(4)
    edges, sizes, lengths = [], random.integers(5, 12, SAMPLES), []
    for size, label in zip(sizes, _targets()["label"], strict=True):
        nodes = np.arange(size)
        ring, star = (nodes, (nodes + 1) % size), (np.zeros(size - 1, int), nodes[1:])
        pairs = [np.stack(star if label == 1 else ring)]
        pairs += [np.stack([nodes, (nodes + 2) % size])] if label == 2 else []
        both = np.concatenate([*pairs, *(one[::-1] for one in pairs)], axis=1)  # (2, E)
        edges.append(both)
        lengths.append(both.shape[1])
    np.savez(
        folder / "graphs.npz",
        edge_index=np.concatenate(edges, axis=1),
        edge_ptr=np.cumsum([0, *lengths]),
        node_ptr=np.cumsum([0, *sizes]),
        node_tag=random.integers(0, 3, sizes.sum()),
        **_targets(),
    )
    return folder / "graphs.npz"


def _pairs(folder: Path) -> Path:
    """Pictures of 16 x 16 in a colour, and two captions each that name it."""
    random = np.random.default_rng(5)
    label = _targets()["label"]
    pictures, captions = [], []
    for number, one in enumerate(label):
        pixels = np.zeros((16, 16, 3), np.uint8)
        top, left = random.integers(0, 8, 2)
        pixels[top : top + 8, left : left + 8, one] = random.integers(120, 255)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="png")
        pictures.append(file.getvalue())
        colour = ("red", "green", "blue")[one]
        captions.append([f"a {colour} square {number}", f"this is {colour} at {top} and {left}"])
    polars.DataFrame({"image": pictures, "caption": captions, **_targets()}).write_parquet(folder / "pairs.parquet")
    return folder / "pairs.parquet"


WRITERS: dict[str, Callable[[Path], Path]] = {
    "image": _pictures,
    "text": _texts,
    "rows": _rows,
    "items": _items,
    "frames": _frames,
    "graph": _graphs,
    "pairs": _pairs,
}
"""Kind of data -> what writes such a file into a folder. A new kind of data needs one, and gets the common checks."""
