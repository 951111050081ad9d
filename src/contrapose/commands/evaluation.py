"""What `contrapose evaluate` found: on the screen, and in the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.commands.evaluation_items import Arms, Scores
from contrapose.commands.gain import STYLES, advised
from contrapose.evaluation import Diagnosis, Gain, gain_over, results_text
from contrapose.evaluation.table import conditions_in_rows
from contrapose.modalities import MODALITIES
from contrapose.tasks.ranking import AFTER_LAST, POPULAR
from contrapose.tasks.regression import MEAN
from contrapose.tasks.setting import Setting
from contrapose.tasks.share import Share
from contrapose.tasks.task import Metrics
from contrapose.training.pictures import write_pictures
from contrapose.training.run_folder import RunFolder
from contrapose.version import __version__

FLOORS = tuple(modality.floor_name for modality in MODALITIES.values())
"""Features without a network, of each kind of data."""

JUDGED = ("untrained", *FLOORS, MEAN, POPULAR, AFTER_LAST)
"""Floors that training must beat; the majority class is told in the notes."""

WIDEST = 4  # metrics that fit beside each other on a screen


@dataclass(frozen=True)
class Evaluation:
    """Every metric of every arm: `trained`, and the floors `untrained` and `raw pixels`.

    Arguments:
        data: what was evaluated on, in a sentence.
        arms: arm -> name of the metric -> metric.
        setting: what has to be equal for the scores of another evaluation to be paired with these.
        embeddings: `(T, D)` of the test part by the trained encoder; of pairs the first sides, then the second ones.
        notes: what a reader of the numbers should know.
        diagnosis: geometry and spectrum of these embeddings, when asked for.
        samples: that the encoder was trained on, where that is known.
        leaked: test samples that were learned from too.
        noun: what one sample is called. learned: what one of the training data is, where that is something else.
        task: the name of what was measured.
        heads: what a classifier's heads stand on, as `heads_of` says it; empty of what is none.
        pictures: what people should look at: pixels, title and caption of each.
        share: of the samples, on which the floor of this kind of data was measured, and what the trained encoder
            scores on it; None: all of them.
        record: what else is kept of it, by name.
        sources: names of the data, and what else a report needs to show these very test samples; None: not by name.
    """

    data: str
    arms: Arms
    setting: Setting
    embeddings: np.ndarray
    notes: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    samples: int | None = None
    leaked: int = 0
    share: tuple[Share, Metrics] | None = None
    sources: Mapping[str, Any] | None = None
    noun: str = "picture"
    learned: str | None = None
    task: str = ""
    heads: str = ""
    pictures: Sequence[tuple[np.ndarray, str, str]] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gain(self) -> Gain | None:
        """Whether training gained anything over the floors, and what to do if not; None without floors."""
        shares = {} if self.share is None else dict.fromkeys(FLOORS, self.share[1])
        found = gain_over(self.arms["trained"], {arm: self.arms[arm] for arm in JUDGED if arm in self.arms}, shares)
        if found is None:
            return None
        nouns = {"noun": self.noun, "learned": self.learned}
        return advised(found, samples=self.samples, leaked=self.leaked, heads=self.heads, **nouns)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        arms = {arm: {name: metric.to_dict() for name, metric in metrics.items()} for arm, metrics in self.arms.items()}
        record: dict[str, Any] = {"contrapose": __version__, "data": self.data, "notes": list(self.notes), "arms": arms}
        record |= self.record
        if self.task:
            record["task"] = self.task
        if self.sources is not None:
            record["sources"] = dict(self.sources)
        if self.share is not None:
            record["floor_share"] = self.share[0].to_dict(self.share[1])
        if self.gain is not None:
            record["gain"] = self.gain.to_dict()
        return record if self.diagnosis is None else {**record, "diagnosis": asdict(self.diagnosis)}

    def text(self) -> str:
        """The table with its protocols, the diagnosis, the notes, and whether training gained anything."""
        return self._body() + (f"\n\n{self.gain.text}" if self.gain is not None else "")

    def print(self) -> None:
        """`text` on standard output; on a terminal, the last sentence in colour."""
        from rich.console import Console
        from rich.text import Text

        print(self._body())
        if self.gain is not None:
            print(flush=True)
            Console(highlight=False, soft_wrap=True).print(Text(self.gain.text, style=STYLES[self.gain.kind]))

    def _body(self) -> str:
        rows = conditions_in_rows(self.arms)
        many = max(map(len, rows.values())) > WIDEST
        parts = [
            f"{self.data}\nTask: {self.task}" if self.task else self.data,
            results_text(list(rows.items()), across="arms" if many else "metrics"),
        ]
        if self.diagnosis is not None:
            parts.append(self.diagnosis.text())
        notes = "\n".join(f"Note: {note}." for note in self.notes)
        return "\n\n".join(parts) + (f"\n{notes}" if notes else "")

    def scores(self) -> Scores:
        """The items, as `contrapose compare` wants them."""
        return Scores(self.data, self.setting, self.arms, notes=self.notes)

    def save(self, folder: RunFolder) -> None:
        """Write `evaluation.json` for people and `evaluation_items.npz` for `contrapose compare`.

        Errors:
            RunError: the disk is full or cannot be written.
        """
        self.scores().save(folder.evaluation_items_file)
        if self.pictures:
            write_pictures(folder.path, self.pictures, add=True)
        write_atomically(folder.evaluation_file, (json.dumps(self.to_dict(), indent=2) + "\n").encode())
