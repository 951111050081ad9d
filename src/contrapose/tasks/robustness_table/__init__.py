"""One table of how an encoder of pictures, or two towers, bear changes: corruptions, one patch, one delta, and what was
saved of attacks; and whether the towers look poisoned."""

from __future__ import annotations

from typing import ClassVar

from contrapose.data import Images
from contrapose.data.pairs import Pairs
from contrapose.encoders import Towers
from contrapose.errors import ArgumentError
from contrapose.tasks.given import Given
from contrapose.tasks.robustness_table.measurement import RobustnessTable
from contrapose.tasks.task import Measurement, Task

__all__ = ["ROBUSTNESS_TABLE"]


class _RobustnessTableTask(Task):
    name = "robustness-table"
    needs = (
        "an encoder of pictures and classes (--label-column NAME), or two towers and pairs, or pictures whose classes "
        "have names"
    )
    uses = ("label_column", "labels", "label_texts", "prompts")
    modalities: ClassVar[tuple[str, ...] | None] = ("image", "pairs")

    def fits(self, given: Given) -> bool:
        return False  # many times the work of other tasks: by its name, or by --robust

    def possible(self, given: Given) -> bool:
        if not self.takes(given):
            return False
        towers = isinstance(given.encoder, Towers)
        labelled = not given.targets.without_labels and given.samples.labels is not None
        return (towers and isinstance(given.samples, Pairs)) or (isinstance(given.samples, Images) and labelled)

    def prepare(self, given: Given) -> Measurement:
        if given.review is not None and given.review.repair is not None and not isinstance(given.encoder, Towers):
            raise ArgumentError("--repair names what was said of two towers, and this is an encoder of pictures alone.")
        return RobustnessTable(given)


ROBUSTNESS_TABLE = _RobustnessTableTask()
