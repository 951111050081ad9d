"""A claim on rows of a table with a number each, judged by `evaluate`'s regression. `CLAIM` makes this its file."""

from __future__ import annotations

from contrapose.claims import Arm, Claim, Prediction, Protocol, by_task, difference, ground_on

PROTOCOL = Protocol(options={"epochs": 1, "batch_size": 32}, seeds=2, images=96, labelled=96, validation=40, test=40)
CLAIM = Claim(
    name="rows",
    title="A claim on rows.",
    paper="nobody",
    arms=(Arm("supremix", "supremix"),),
    predictions=(Prediction("not worse", ("supremix", "untrained"), difference("supremix", "untrained", "R2")),),
    protocol=PROTOCOL,
    full=PROTOCOL,
    ground=ground_on("rows", target="number", number_column="y"),
    measures=(by_task("regression"),),
    choose_by="R2",
    modality="rows",
    source=None,
)
