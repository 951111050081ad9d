"""The temperature's dilemma: low spreads pictures evenly, high keeps classes together; chosen negatives resolve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import Subject, few_labels, nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.claims.sphere import sphere
from contrapose.evaluation import hardness

TEMPERATURES = (0.05, 0.1, 0.3, 0.7, 1.0)
PLAIN = tuple(f"plain {temperature:g}" for temperature in TEMPERATURES)
HARD = tuple(f"hard {temperature:g}" for temperature in TEMPERATURES)


def near_and_far(subject: Subject) -> dict[str, float]:
    """`hardest cosine` and `other cosine`: of projected views with their ten hardest negatives, and with the rest."""
    if subject.learner is None:
        return {}
    found = hardness(subject.projections(128), temperature=1.0)  # these cosines do not depend on it
    return {"hardest cosine": found.hardest, "other cosine": found.rest}


def rank_correlation(name: str, sign: int, *, least: float = 0.0) -> Callable[[Results], np.ndarray]:
    """Spearman's correlation of the temperature with a measure of the plain loss, seed by seed, times `sign`.

    Over the temperatures from `least` up.
    """

    def value(results: Results) -> np.ndarray:
        from scipy.stats import spearmanr

        kept = np.array(TEMPERATURES) >= least  # (arms,)
        measured = _table(results, PLAIN, name)[kept]  # (arms, S)
        return np.array([sign * spearmanr(np.array(TEMPERATURES)[kept], column).statistic for column in measured.T])

    return value


def interior_gain(results: Results) -> np.ndarray:
    """Probe accuracy at the best temperature between the ends, less that at the better end; see `chosen_by_others`."""
    measured = _table(results, PLAIN, "probe")  # (arms, S)
    return chosen_by_others(measured[1:-1]) - measured[[0, -1]].max(axis=0)


def drop_saved(results: Results) -> np.ndarray:
    """How much more probe accuracy the plain loss loses from its best temperature to 1 than the hard one."""
    plain, hard = _table(results, PLAIN, "probe"), _table(results, HARD, "probe")  # (arms, S)
    return (chosen_by_others(plain) - plain[-1]) - (chosen_by_others(hard) - hard[-1])


def chosen_by_others(measured: np.ndarray) -> np.ndarray:
    """What each seed measured at the temperature that is best on average of the other seeds.

    The best of several noisy numbers is above what any of them is worth; a choice made by other seeds is not.

    Shapes:
        measured: `(arms, S)`, S >= 2; returns `(S,)`.
    """
    seeds = measured.shape[1]
    best = [int(np.delete(measured, seed, axis=1).mean(axis=1).argmax()) for seed in range(seeds)]
    return measured[best, np.arange(seeds)]


def _table(results: Results, arms: Sequence[str], name: str) -> np.ndarray:
    return np.stack([results.of(arm, name) for arm in arms])  # (arms, S)


def _arms() -> tuple[Arm, ...]:
    plain = (Arm(name, "simclr", {"temperature": t}) for name, t in zip(PLAIN, TEMPERATURES, strict=True))
    hard = (Arm(name, "hard-contrastive", {"temperature": t}) for name, t in zip(HARD, TEMPERATURES, strict=True))
    simple = (
        Arm("simple", "hard-contrastive", {"simple": True, "alpha": 1.0}),
        Arm("hard simple", "hard-contrastive", {"simple": True}),
    )
    return (*plain, *hard, *simple)


CLAIM = register(
    Claim(
        name="tau-analysis",
        title="A higher temperature makes the space less uniform and more tolerant; with hard negatives chosen "
        "outright, a high temperature costs less accuracy.",
        paper="Wang and Liu, CVPR 2021, https://arxiv.org/abs/2012.09740",
        arms=_arms(),
        predictions=(
            Prediction(
                "plain loss: uniformity falls with the temperature (rank correlation, turned)",
                PLAIN,
                rank_correlation("uniformity", -1),
                percent=False,
            ),
            Prediction(
                "plain loss: tolerance rises with the temperature (rank correlation)",
                PLAIN,
                rank_correlation("tolerance", 1),
                percent=False,
            ),
            Prediction(
                "drop of the plain loss from its best temperature to 1, less that of the hard loss, linear probe",
                (*PLAIN, *HARD),
                drop_saved,
            ),
            Prediction(
                "plain loss: best temperature between the ends - the better end, linear probe",
                PLAIN,
                interior_gain,
                threshold=0.01,
                role="secondary",
            ),
            Prediction(
                "uniformity falls from temperature 0.1 up (rank correlation, turned)",
                PLAIN,
                rank_correlation("uniformity", -1, least=0.1),
                role="secondary",
                percent=False,
            ),
            Prediction(
                "tolerance rises from temperature 0.1 up (rank correlation)",
                PLAIN,
                rank_correlation("tolerance", 1, least=0.1),
                role="secondary",
                percent=False,
            ),
            Prediction(
                "hard simple - simple, linear probe",
                ("hard simple", "simple"),
                difference("hard simple", "simple", "probe"),
                threshold=0.03,
                role="secondary",
            ),
            Prediction(
                "uniformity falls by rank at -0.9 or less in every seed (of the steps 0.8, 0.9, 1)",
                PLAIN,
                rank_correlation("uniformity", -1),
                threshold=0.85,
                role="mechanism",
                percent=False,
            ),
            Prediction(
                "tolerance rises by rank at 0.9 or more in every seed",
                PLAIN,
                rank_correlation("tolerance", 1),
                threshold=0.85,
                role="mechanism",
                percent=False,
            ),
            Prediction(
                "at temperature 1, chosen negatives keep the space more uniform",
                (PLAIN[-1], HARD[-1]),
                difference(HARD[-1], PLAIN[-1], "uniformity"),
                role="mechanism",
                percent=False,
            ),
        ),
        protocol=Protocol(options={"epochs": 10, "batch_size": 128, "encoder": "small_conv"}, seeds=3),
        full=whole_cifar10(batch_size=128),
        ground=cifar10,
        measures=(nearest_neighbours, probe, few_labels(5), sphere, near_and_far),
        remarks=(
            "Negatives come from the batch (254, of which the hard arms keep 26), not from a memory of the data set.",
            "Uniformity, -log mean exp(-2 d²), and tolerance are of projected test pictures, where the loss acts; "
            "accuracies are of the encoder's output.",
            "At temperature 0.05 far negatives are hardly pushed, and the space is not spread when training ends: one "
            "trial on the validation split has uniformity 2.3 after 10 epochs and 2.7 after 20, 3.4 and 3.6 at 0.1; "
            "half the batch or twice the learning rate did not change it. The paper trains for 200 epochs. The "
            "predictions from 0.1 up were added after that trial.",
            "Nothing is tuned, for the temperatures are the arms. The best temperature of a seed is chosen by the "
            "other seeds. AdamW makes steps of one size, though gradients scale with one over the temperature.",
        ),
    )
)
