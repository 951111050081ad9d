"""The linear probe beside scikit-learn, with the same penalties on the same standardised rows.

The first row is the whole probe: seven penalties tried on a fifth of the rows, the best of them fitted to all.
scikit-learn's is LogisticRegressionCV with the penalties in its units and one fold, that fifth. The second row is one
fit with a penalty that is given. Accuracies on held-out rows are compared; they may be a hundredth of them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.row import OURS, Arm, Call, Row, Settings, Target, time_of
from peers.rows.neighbours import embeddings

SKLEARN = "scikit-learn"
SMALL = 300


def warmed(fit: Callable[[Any, Any], Callable[[Any], Any]], settings: Settings) -> Call:
    """`(rows, labels) -> predict`, after a small call."""
    import numpy as np

    rows, labels, asked, truth = (one.numpy() for one in embeddings(settings))
    fit(rows[:SMALL], labels[:SMALL])
    return lambda: {"accuracy": float(np.mean(fit(rows, labels)(asked) == truth))}


def ours(settings: Settings) -> Call:
    from contrapose.evaluation import fit_linear_probe

    strengths = settings["strengths"]
    return warmed(lambda rows, labels: fit_linear_probe(rows, labels, strengths=strengths).predict, settings)


def of_scikit_learn(settings: Settings) -> Call:
    import numpy as np
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.model_selection import StratifiedShuffleSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    strengths = settings["strengths"]

    def fit(rows: Any, labels: Any) -> Callable[[Any], Any]:
        if len(strengths) == 1:
            model: Any = LogisticRegression(C=1 / (strengths[0] * len(rows)), max_iter=1000)
        else:
            fold = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
            penalties = [1 / (strength * len(rows)) for strength in strengths]  # it weighs the sum over the rows
            model = LogisticRegressionCV(Cs=penalties, cv=fold, max_iter=1000, scoring="accuracy")
        fitted = make_pipeline(StandardScaler(), model).fit(np.asarray(rows, dtype=np.float64), labels)
        return lambda asked: fitted.predict(np.asarray(asked, dtype=np.float64))

    return warmed(fit, settings)


def row(name: str, figure: str, strengths: list[float], targets: tuple[Target, ...]) -> Row:
    settings = {
        "bank": 10_000,
        "asked": 10_000,
        "dimensions": 256,
        "classes": 10,
        "noise": 5.0,
        "strengths": strengths,
        "dtype": "float32 in, float64 within",
    }
    few = [0.1, 0.09][: len(strengths)]  # so near to each other that it is no matter which is chosen
    quick = {"bank": 600, "asked": 2000, "dimensions": 16, "noise": 1.0, "strengths": few}
    arms = {OURS: Arm(ours), SKLEARN: Arm(of_scikit_learn)}
    return Row(name, figure, arms, settings, quick, targets, 40.0, 7, tolerances={"accuracy": 0.01})


TARGET = Target("time of scikit-learn", time_of(SKLEARN), at_most=0.5)
ROWS = (
    row(
        "linear_probe",
        "linear probe, 10,000 rows of 256 dimensions, seven penalties",
        [10.0, 1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001],
        (TARGET,),
    ),
    row("linear_probe_one_penalty", "the same, one penalty", [0.01], (TARGET,)),
)
