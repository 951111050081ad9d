"""One thread in this room, and no waiting for the disk: the nets are small, and others run beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Files that were to be forced onto the disk; a hundred megabytes a test would take most of the time."""
    handles: list[int] = []
    monkeypatch.setattr(os, "fsync", handles.append)
    return handles
