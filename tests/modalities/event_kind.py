"""A kind of data that the house does not know: short histories of events, written by somebody for their own use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from contrapose.data import Samples
from contrapose.encoders import Encoder
from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES, Modality, check_reading, register
from contrapose.options import Options
from contrapose.padded import Padded


class Histories(Samples):
    """Sequences of numbers of events, 1 to K; 0 is no event."""

    modality: ClassVar[str] = "events"
    noun: ClassVar[str] = "sequence"

    def __init__(self, histories: Sequence[Sequence[int]], labels: np.ndarray | None = None) -> None:
        self.store = [list(history) for history in histories]
        super().__init__(len(self.store), targets={"label": labels})

    def batch(self, indices: Any) -> list[list[int]]:
        return [self.store[row] for row in self.stored_rows(indices).tolist()]

    def digest(self) -> str:
        return hashlib.sha256(repr(self.store).encode()).hexdigest()

    def contents(self) -> Iterator[bytes]:
        yield from (repr(history).encode() for history in self.batch(np.arange(len(self))))

    def excerpt(self, row: int) -> str:
        return " then ".join(f"event {event}" for event in self.batch([row])[0])

    def in_words(self) -> str:
        return f"at most {max(map(len, self.store))} events"


class EventEncoder(Encoder):
    """The mean of embeddings of events, through a linear map."""

    def __init__(self, events: int, width: int) -> None:
        super().__init__()
        self.name, self.arguments, self.events, self.width = "mean_event", {"width": width}, events, width
        self.embedding, self.map = nn.Embedding(events + 1, width), nn.Linear(width, width)

    @property
    def form(self) -> dict[str, Any]:
        return {"modality": "events", "events": self.events}

    @property
    def dimension(self) -> int:
        return self.width

    def prepare(self, raw: Sequence[Sequence[int]]) -> Padded:
        rows = nn.utils.rnn.pad_sequence([torch.tensor(one) for one in raw], batch_first=True)  # (B, T)
        return Padded(rows, rows > 0)

    def forward(self, view: Padded) -> Tensor:
        real = view.mask.unsqueeze(-1).float()  # (B, T, 1)
        mean = (self.embedding(view.values) * real).sum(1) / real.sum(1)  # (B, D)
        return self.map(mean)


@dataclass(frozen=True, kw_only=True)
class EventViews:
    """Views leave out events."""

    count: int = 2
    drop: float = 0.3
    """Chance of each event to be left out."""

    def total(self) -> int:
        return self.count

    def in_words(self) -> str:
        return f"{self.count} views, each without {100 * self.drop:.0f} % of the events"


@dataclass(frozen=True, kw_only=True)
class EventOptions(Options):
    """What a method has on histories of events."""

    views: EventViews = field(default_factory=EventViews)
    """How views are made."""
    encoder: str = "mean_event"
    """The only one."""
    width: int = 8
    """Numbers of an embedding."""


class Events(Modality):
    name, noun, plural = "events", "sequence", "sequences"
    options: ClassVar[type[Options]] = EventOptions
    reading = ()
    floor_name = "event counts"
    example = "Histories([[1, 2, 3]])"

    def open(self, spec: Any, **reading: Any) -> Samples:
        check_reading(self, reading)
        if not isinstance(spec, Histories):
            raise ArgumentError(f"Histories come as Histories, not as {type(spec).__name__}.")
        return spec

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, **reading)

    def start_options(self, config: Any, start: Any) -> dict[str, Any]:
        return {}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        events = max(max(history) for history in samples.batch(np.arange(len(samples))))
        return self.rebuild(config.encoder, {"width": config.width}, {"events": events}, {}, config.seed)

    def rebuild(
        self, name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
    ) -> Encoder:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return EventEncoder(count(form["events"], "events"), count(arguments["width"], "width"))

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        def make(raw: Any, *, generator: torch.Generator) -> tuple[Any, ...]:
            view = encoder.prepare(raw)
            drawn = (torch.rand(view.mask.shape, generator=generator) for _ in range(options.count))  # (B, T) each
            kept = (view.mask & (chance > options.drop) for chance in drawn)
            kept = (torch.where(mask.any(1, keepdim=True), mask, view.mask) for mask in kept)
            return tuple(Padded(view.values.masked_fill(~mask, 0), mask) for mask in kept)

        return make

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        return lambda raw, generator=None: tuple(
            encoder.prepare([views(one) for one in raw]) for _ in range(options.count)
        )

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        return encoder.prepare([[1 + (row + seed) % 3] for row in range(size)])

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        events = max(max(history) for history in known.batch(np.arange(len(known))))

        def counts(samples: Samples) -> np.ndarray:
            rows = samples.batch(np.arange(len(samples)))
            return np.stack([np.bincount(np.clip(row, 0, events), minlength=events + 1) for row in rows]).astype("f4")

        return counts

    def takes(self, encoder: Encoder) -> list[str]:
        return [f"Input: `Histories` of events 1 to {encoder.form['events']}."]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        """Any history can be prepared."""


def make_known() -> None:
    """What a module of one's own does when it is imported; the tests do it for themselves, and undo it."""
    if "events" not in MODALITIES:
        register(Events())


def histories(number: int = 60, seed: int = 0) -> Histories:
    """Two classes: early events, 1 to 6, and late ones, 5 to 10."""
    random = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    rows = [random.integers(1, 7, random.integers(2, 9)) + 4 * label for label in labels]
    return Histories([row.tolist() for row in rows], labels)
