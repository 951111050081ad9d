"""`contrapose analyse controllability`: how graphs can be steered, as numbers of each, a table and a picture."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tyro.conf import Positional

from contrapose.errors import ArgumentError, DataError
from contrapose.optional import optional
from contrapose.words import counted

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Graphs
    from contrapose.evaluation import Metric

FORMAT = 1
MANY = 500
"""Graphs from which on it is worth while to begin further processes."""
CTRL, SIZES, BOTH = "CTRL", "nodes and edges alone", "embeddings and CTRL"


@dataclass(frozen=True, kw_only=True)
class AnalyseControllabilityOptions:
    """Describe graphs by how they can be steered, without any training: 154 numbers of each (CTRL), what they say of
    the classes, and how many edges can change without moving a node away from its leaders (`cgcl`)."""

    data: Positional[str]
    """The graphs, as in train."""
    run: str | None = None
    """A run on such graphs: its embeddings are tested beside the numbers, and both together."""
    draws: int = 30
    """Sets of leaders drawn for each number of them. 30: the authors'; fewer are faster, and noisier."""
    leaders: float = 0.1
    """Share of the nodes that lead where edges change, as in cgcl."""
    share: float = 0.2
    """Share of the edges that are asked to change, as --views.share of cgcl."""
    label_column: str | None = None
    """Array with the labels. Default: one with a usual name."""
    labels: Literal["auto", "none"] = "auto"
    """none: read no labels, whatever the data have."""
    limit: int | None = None
    """Use at most so many graphs, evenly spaced."""
    jobs: int | None = None
    """Processes side by side. Default: one a core, of fewer than 500 graphs one."""
    seed: int = 0
    """Of the leaders and of the folds."""
    out: Path = Path("analysis/controllability")
    """Folder for controllability.svg, controllability.json, and controllability.npz with the numbers of each graph."""


def analyse_controllability(
    options: AnalyseControllabilityOptions, *, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Describe, test where there are classes, print, write, and return the record.

    Errors:
        ArgumentError: an option that is out of range, or data that are no graphs.
        DataError: data that cannot be read.
        RunError: no encoder in the run.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    _check(options)
    for module in ("altair", "vl_convert"):  # before minutes of computing, not after
        optional(module, extra="report")
    from contrapose.commands.controllability_chart import picture
    from contrapose.commands.controllability_record import changeable, steered, steered_lines
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.data.graphs.descriptors import ctrl_descriptors
    from contrapose.environment import environment
    from contrapose.evaluation import results_text

    graphs = _opened(options)
    jobs = options.jobs or ((os.cpu_count() or 1) if len(graphs) >= MANY else 1)
    say(f"{graphs.origin}: {counted(len(graphs), 'graph')}, {graphs.in_words()}")
    begun = time.perf_counter()
    rows = ctrl_descriptors(graphs, draws=options.draws, seed=options.seed, jobs=jobs)
    seconds = time.perf_counter() - begun
    say(f"{rows.shape[1]} numbers of each graph in {seconds:.1f} s, {options.draws} sets of leaders a number of them\n")
    groups = steered(graphs, rows)
    say("\n".join(steered_lines(groups)))
    changes = changeable(graphs, share=options.share, leaders=options.leaders, seed=options.seed)
    say(f"\n{changes['sentence']}")
    tested = _tested_or_said(options, graphs, rows, say)
    if tested:
        say(f"\n{results_text([(arm, {found.name: found}) for arm, found in tested.items()], across='arms')}")
    record = {
        "format": FORMAT,
        "analysis": "controllability",
        "data": graphs.origin,
        "graphs": len(graphs),
        "options": {name: value for name, value in asdict(options).items() if name not in ("data", "out", "jobs")},
        "steered": groups,
        "changeable": changes,
        "arms": {arm: {found.name: found.to_dict()} for arm, found in tested.items()},
        "seconds": seconds,
        "jobs": jobs,
        **environment(),
    }
    with kept_if_unwritten(record, str):  # the table is on the screen already
        _write(options.out, record, picture(record), graphs, rows)
    say(f"\nWritten: {options.out}/controllability.svg, .json, and .npz with the numbers of each graph")
    return record


def _check(options: AnalyseControllabilityOptions) -> None:
    wrong = {
        "--draws must be at least 1; 30 is usual": options.draws < 1,
        "--leaders must be above 0 and at most 1; 0.1 is usual": not 0 < options.leaders <= 1,
        "--share must be from 0 to below 1; 0.2 is usual": not 0 <= options.share < 1,
        "--jobs must be at least 1; 2 is usual": options.jobs is not None and options.jobs < 1,
    }
    for sentence, found in wrong.items():
        if found:
            option = sentence.split()[0].removeprefix("--")
            raise ArgumentError(f"{sentence}. Got {getattr(options, option)}.")


def _opened(options: AnalyseControllabilityOptions) -> Graphs:
    from contrapose.modalities import MODALITIES, asked_kind

    kind = asked_kind(options.data, None, {}, kinds=("graph",))
    if kind.name != "graph":
        raise ArgumentError(
            f"Graphs are what can be steered, and {options.data} holds {kind.plural}. Give graphs, as train takes "
            "them: a TU folder, an .npz with edge_index."
        )
    reading = {name: getattr(options, name) for name in ("limit", "label_column", "labels")}
    return cast("Graphs", MODALITIES["graph"].open(options.data, **reading))


def _tested_or_said(
    options: AnalyseControllabilityOptions, graphs: Graphs, rows: np.ndarray, say: Callable[[str], None]
) -> Mapping[str, Metric]:
    """As `_tested`; where the classes cannot be tested that is said, and what was computed is written all the same."""
    try:
        return _tested(options, graphs, rows)
    except (ArgumentError, DataError) as error:
        if options.run is not None:
            raise  # the classes are what was asked for
        say(f"\nNot tested by classes: {error}")
        return {}


def _tested(options: AnalyseControllabilityOptions, graphs: Graphs, rows: np.ndarray) -> Mapping[str, Metric]:
    """Accuracy in nested folds of each description of the graphs; of graphs without classes nothing."""
    import numpy as np

    from contrapose.modalities import MODALITIES
    from contrapose.tasks import Given, task_for

    if graphs.labels is None:
        if options.run is not None:
            raise DataError(
                f"--run asks how well classes are told apart, and {graphs.origin} has none: give labelled graphs, or "
                "leave it out."
            )
        return {}
    given = Given(graphs, graphs, None, open=lambda samples, **_: samples, bring=lambda samples, **_: samples)
    measurement = task_for(given, "nested-svm").prepare(given)
    place = {identifier: row for row, identifier in enumerate(graphs.identifiers)}

    def of(samples: Any) -> np.ndarray:
        return rows[[place[identifier] for identifier in samples.identifiers]]

    floor = MODALITIES["graph"].floor(graphs)
    sizes = np.stack([graphs.node_counts(), graphs.edge_counts()], axis=1).astype(np.float64)  # (N, 2)
    arms: dict[str, Callable[[Any], np.ndarray]] = {CTRL: of}
    if options.run is not None:
        from contrapose.embedder import load

        embed = load(options.run).embed
        arms = {"embeddings": embed, BOTH: lambda samples: np.hstack([embed(samples), of(samples)]), **arms}
    arms[MODALITIES["graph"].floor_name] = floor
    arms[SIZES] = lambda samples: sizes[[place[identifier] for identifier in samples.identifiers]]
    return {arm: next(iter(measurement(embed)[0].values())) for arm, embed in arms.items()}


def _write(folder: Path, record: Mapping[str, Any], svg: str, graphs: Graphs, rows: np.ndarray) -> None:
    import io

    import numpy as np

    from contrapose.atomic import write_atomically
    from contrapose.controllability.descriptor import DESCRIPTOR_NAMES

    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"descriptors": rows, "names": np.asarray(DESCRIPTOR_NAMES)}
    arrays["identifiers"] = np.asarray([str(name) for name in graphs.identifiers])
    if graphs.labels is not None:
        arrays["labels"] = graphs.labels
    if graphs.class_names is not None:
        arrays["class_names"] = np.asarray(graphs.class_names)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(folder / "controllability.npz", content.getvalue())
    write_atomically(folder / "controllability.json", (json.dumps(record, indent=1) + "\n").encode())
    write_atomically(folder / "controllability.svg", svg.encode(errors="backslashreplace"))
