"""What stands on the page, as plain values: collected by `facts/`, drawn by `draw.py`, and neither knows the
other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contrapose.evaluation import Gain
from contrapose.report.cards import Card
from contrapose.report.course import Absent as Absent
from contrapose.report.course import Curve as Curve
from contrapose.report.course import Curves as Curves
from contrapose.report.course import LeftPicture, Pairs, StagePart
from contrapose.report.found import Confusion as Confusion
from contrapose.report.found import Direction as Direction
from contrapose.report.found import Gallery as Gallery
from contrapose.report.found import Neighbour as Neighbour
from contrapose.report.found import Query as Query
from contrapose.report.found import Sides as Sides
from contrapose.report.found import Sought as Sought
from contrapose.report.repaired import Repaired


@dataclass(frozen=True)
class Head:
    """What was trained on what, and how far it got.

    Arguments:
        title, lead: the heading, and one sentence below it.
        finished: whether training came to its end.
        status: the same in words, with the command that continues it.
        facts: name and value.
        notes: what a person should know of the data.
        gain: whether training gained anything over the floors; None where that was not measured.
    """

    title: str
    lead: str
    finished: bool
    status: str
    facts: Pairs
    notes: Sequence[str] = ()
    gain: Gain | None = None


@dataclass(frozen=True)
class Point:
    """A sample on the map; `slot` numbers its colour and shape, by class and by cluster.

    `near` are the points nearest to it in the embedding, nearest first: their places in `Map.points`, and cosines.
    """

    x: float
    y: float
    card: Card
    name: str
    label: str | None
    label_slot: int
    cluster_slot: int
    near: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True)
class Group:
    """An entry of the map's legend: what it is called, its colour and shape, and how many points it has."""

    name: str
    slot: int
    count: int


@dataclass(frozen=True)
class Map:
    """The embeddings in two dimensions.

    Arguments:
        method: how it was made.
        clusters, classes: the legends; `classes` is empty without labels.
        every_class: all class names, for the filter.
    """

    points: Sequence[Point]
    method: str
    clusters: Sequence[Group]
    classes: Sequence[Group] = ()
    every_class: Sequence[str] = ()


@dataclass(frozen=True)
class ViewRow:
    """A sample and views of it, as training made them."""

    name: str
    original: Card
    views: Sequence[Card]


@dataclass(frozen=True)
class Views:
    """Some samples beside their views, and the recipe in words."""

    rows: Sequence[ViewRow]
    recipe: str


@dataclass(frozen=True)
class PairingPicture:
    """Who is whose positive in a small batch.

    Arguments:
        batch: how many samples.
        summary: counts, in a sentence.
        sentences: who they are, in words.
        columns: names of the candidates drawn.
        rows: an anchor's name and its marks: `+`, `-` or `.`.
    """

    batch: int
    summary: str
    sentences: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class SpectrumArm:
    """Singular values of one encoder's embeddings over the largest one."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Spectra:
    """The trained encoder's spectrum beside the untrained one's, and what they say."""

    arms: Sequence[SpectrumArm]
    sentences: Sequence[str]


@dataclass(frozen=True)
class Relations:
    """How alike classes are, by the gates that were learned for them.

    Arguments:
        names: the classes drawn.
        values: the matrix of these, row by row.
        sentences: which of all pairs are the closest, and what was left out.
    """

    names: Sequence[str]
    values: Sequence[Sequence[float]]
    sentences: Sequence[str]


@dataclass(frozen=True)
class Results:
    """What was measured: a table of arms and metrics, how to read it, and what it does not show."""

    data: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    notes: Sequence[str]
    limits: Sequence[str] = ()
    diagnosis: Sequence[tuple[str, str, str]] = ()
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class Setup:
    """Options that were changed, all options, the environment, and the files of the run with their sizes."""

    changed: Pairs
    options: Pairs
    environment: Pairs
    files: Pairs


@dataclass(frozen=True)
class Page:
    """Everything on the page; what could not be made is `Absent` and says why.

    Of a run of several stages `stages` has the curves, and the pictures that its jobs left.
    """

    head: Head
    curves: Curves | Absent
    map: Map | Absent
    gallery: Gallery | Absent
    views: Views | Absent
    pairing: PairingPicture | Absent
    spectra: Spectra | Absent
    results: Results | Absent
    setup: Setup
    relations: Relations | Absent | None = None  # None: the method learns none
    sides: Sides | Absent | None = None  # None: samples have one side
    stages: Sequence[StagePart] = ()
    pictures: Sequence[LeftPicture] | Absent = ()
    repair: Repaired | Absent | None = None  # None: the run repaired nothing
