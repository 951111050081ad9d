"""Small encoders of every kind, never trained, and the same question asked of each task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrapose.data import open_graphs
from contrapose.data.rows import open_rows
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, build, build_graphs, build_rows, build_towers, save_encoder
from contrapose.encoders.items import build_items
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.tasks import Given, Targets

WORDS = ["red", "green", "blue", "small", "large", "old", "new", "dog", "cat", "bird", "house", "tree"]


def sentences(count: int, seed: int = 0) -> list[str]:
    """Texts of four words each."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, 4)) for _ in range(count)]


@pytest.fixture
def pairs() -> dict[str, list[Any]]:
    """40 pairs that share from none to all of their four words, and the share as score; of two years."""
    random = np.random.default_rng(0)
    first, second, scores = sentences(40), [], []
    for row, text in enumerate(first):
        kept = row % 5
        second.append(" ".join([*text.split()[:kept], *random.choice(["x", "y", "z", "w"], 4 - kept)]))
        scores.append(kept + 0.1 * random.random())
    return {
        "sentence1": first,
        "sentence2": second,
        "score": [round(score, 3) for score in scores],
        "year": [2012 + row // 20 for row in range(40)],
    }


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    """60 rows of three columns, and an age that two of them tell."""
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    age = 40 + 10 * x[:, 0] + 5 * x[:, 1] + random.normal(size=60)
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "age": age}


@pytest.fixture
def of_texts() -> Encoder:
    return build_text("bag_of_words", tokenizer_for("bag_of_words", sentences(200), max_length=8), seed=0).eval()


@pytest.fixture
def of_items() -> Encoder:
    return build_items("item_bag", [str(number) for number in range(1, 13)], dimension=8, held_out=2, seed=0).eval()


@pytest.fixture
def of_rows(rows: dict[str, np.ndarray]) -> Encoder:
    opened = open_rows({name: values for name, values in rows.items() if name != "age"})
    columns, mean, scale = opened.statistics()
    return build_rows("mlp", columns=columns, mean=mean, scale=scale, seed=0).eval()


@pytest.fixture
def of_pictures() -> Encoder:
    return build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1).eval()


@pytest.fixture
def graphs() -> list[Any]:
    """20 rings and 20 stars, of three tags."""
    random = np.random.default_rng(0)
    tags = [random.integers(0, 3, 5 + row % 4).tolist() for row in range(40)]
    rings = [(one, [(node, (node + 1) % len(one)) for node in range(len(one))]) for one in tags[:20]]
    return rings + [(one, [(0, node) for node in range(1, len(one))]) for one in tags[20:]]


@pytest.fixture
def of_graphs(graphs: list[Any]) -> Encoder:
    return build_graphs("gin", inputs=open_graphs(graphs).inputs, seed=0, layers=1, width=4).eval()


@pytest.fixture
def of_pairs() -> Encoder:
    from contrapose.data.pairs import open_pairs

    said = list(open_pairs("made:scenes?count=40").every_text)
    tokenizer = tokenizer_for("bag_of_words", said, max_length=12)
    return build_towers(
        "micro_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=6, strong_hidden=8, seed=0
    ).eval()


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Encoder], Path]:
    """An encoder on disk, as `evaluate` takes it."""

    def save(encoder: Encoder) -> Path:
        folder = tmp_path / f"encoder-{encoder.modality}"
        save_encoder(encoder, folder)
        return folder

    return save


@pytest.fixture
def given() -> Callable[..., Given]:
    """An encoder and data, as `evaluate` hands them to tasks."""

    def make(encoder: Encoder, data: Any, test_data: Any = None, **options: Any) -> Given:
        embedder, asked = Embedder(encoder), options.get("targets", Targets())
        opened = partial(embedder.open, label_column=asked.label_column)
        return Given(encoder, data, test_data, open=opened, bring=embedder.open, **options)

    return make
