"""CACR against uniform weights and pairwise NT-Xent on four views, on balanced and on unbalanced pictures."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.ground import Ground, open_parts
from contrapose.claims.measures import Subject, nearest_neighbours, probe
from contrapose.claims.protocols import whole_cifar10
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference, level
from contrapose.objectives import cacr
from contrapose.objectives.transport.conditional import attraction, view_costs

VIEWS = {"count": 4}
PAIRWISE = {"objective": "pairwise_nt_xent"}
"""NT-Xent of the same views: its mean over all pairs of them."""
RATIO = 0.1
"""Size of the rarest class in units of the commonest."""
ASKED = 8
"""Queries of a batch whose gradients are looked at."""


def unbalanced_cifar10(source: str, protocol: Protocol, seed: int) -> Ground:
    """Two sets of one size: classes of equal size ("pretraining"), and of sizes that fall to a tenth ("unbalanced").

    Which class is rare moves on with the seed. Probes learn from balanced pictures.
    """
    train, test = open_parts(source)
    pool = np.arange(len(train) - protocol.validation)
    assert train.labels is not None, "open_parts returns labelled pictures"
    labels = train.labels[pool]
    classes = np.unique(labels)
    ranks = (np.arange(len(classes)) + seed) % len(classes)
    falling = RATIO ** (ranks / max(1, len(classes) - 1))  # from 1 to a tenth
    chosen = {
        name: np.concatenate(
            [pool[labels == one][: round(protocol.images * share)] for one, share in zip(classes, shares, strict=True)]
        )
        for name, shares in (
            ("pretraining", np.full(len(classes), 1 / len(classes))),
            ("unbalanced", falling / falling.sum()),
        )
    }
    return Ground(
        pretraining={name: train.subset(rows) for name, rows in chosen.items()},
        labelled=train.subset(np.arange(protocol.labelled)),
        validation=train.subset(np.arange(len(train) - protocol.validation, len(train))),
        test=test.subset(np.arange(protocol.test)),
    )


def shares_of_the_gradient(subject: Subject) -> dict[str, float]:
    """How the pull and the push of one batch of 64 are spread, flat (sharpness 0) and sharp (5).

    `push`: share of the gradient on a query's closest tenth of negatives. `pull`: share of the slope in the costs that
    its farthest positive has. Whichever objective the head was trained by.
    """
    if subject.learner is None:
        return {}
    z = torch.nn.functional.normalize(subject.projections(64).double(), dim=-1)  # (V, B, D)
    found = {}
    for name, sharpness in (("flat", 0.0), ("sharp", 5.0)):
        pushes = [_push_on_the_closest(z, query, sharpness) for query in range(min(ASKED, z.shape[1]))]
        found[f"push {name}"] = float(np.mean(pushes))
        costs = view_costs(z, z).requires_grad_()  # (V, V, B)
        pulled = attraction(costs, sharpness=sharpness, through_weights=False).sum()
        slopes = torch.autograd.grad(pulled, costs)[0].abs()
        farthest = costs.detach().argmax(dim=1, keepdim=True)  # (V, 1, B)
        found[f"pull {name}"] = float((slopes.gather(1, farthest).squeeze(1) / slopes.sum(dim=1)).mean())
    return found


def _push_on_the_closest(z: torch.Tensor, query: int, sharpness: float) -> float:
    pair = z[:2].clone().requires_grad_()  # (2, B, D)
    loss = cacr(
        pair, attraction_weight=0, repulsion_sharpness=sharpness, through_weights=False, rows=torch.tensor([query])
    )
    norms = torch.autograd.grad(loss, pair)[0][1].norm(dim=-1)  # (B,)
    costs = (z[0, query] - z[1]).square().sum(dim=-1)  # (B,)
    costs[query] = torch.inf
    closest = costs.argsort()[: max(1, len(costs) // 10)]
    return float(norms[closest].sum() / norms.sum())


def _advantage_of_imbalance(results: Results) -> np.ndarray:
    unbalanced = difference("cacr, unbalanced", "nt_xent, unbalanced", "probe")
    return unbalanced(results) - difference("cacr", "nt_xent", "probe")(results)


CLAIM = register(
    Claim(
        name="cacr",
        title="With four views, weights that depend on the distance beat uniform ones and NT-Xent, more so when the "
        "classes are unbalanced.",
        paper="Zheng et al., TMLR 2023, https://arxiv.org/abs/2105.03746",
        arms=(
            Arm("cacr", "cacr", grid={"repulsion_sharpness": (1.0, 2.0, 5.0)}),
            Arm(
                "uniform",
                "cacr",
                options={"attraction_sharpness": 0.0, "repulsion_sharpness": 0.0},
                grid={"repulsion_weight": (0.5, 1.0, 2.0)},
            ),
            Arm("nt_xent", "multiview", options=PAIRWISE, grid={"temperature": (0.05, 0.1, 0.2)}),
            Arm("cacr, unbalanced", "cacr", tuned_as="cacr", data="unbalanced"),
            Arm(
                "uniform, unbalanced",
                "cacr",
                options={"attraction_sharpness": 0.0, "repulsion_sharpness": 0.0},
                tuned_as="uniform",
                data="unbalanced",
            ),
            Arm("nt_xent, unbalanced", "multiview", options=PAIRWISE, tuned_as="nt_xent", data="unbalanced"),
        ),
        predictions=(
            Prediction("cacr - uniform, linear probe", ("cacr", "uniform"), difference("cacr", "uniform", "probe")),
            Prediction(
                "cacr - uniform, linear probe, unbalanced",
                ("cacr, unbalanced", "uniform, unbalanced"),
                difference("cacr, unbalanced", "uniform, unbalanced", "probe"),
            ),
            Prediction(
                "cacr - nt_xent, linear probe, unbalanced",
                ("cacr, unbalanced", "nt_xent, unbalanced"),
                difference("cacr, unbalanced", "nt_xent, unbalanced", "probe"),
            ),
            Prediction(
                "cacr - nt_xent, unbalanced less balanced",
                ("cacr", "nt_xent", "cacr, unbalanced", "nt_xent, unbalanced"),
                _advantage_of_imbalance,
            ),
            Prediction(
                "cacr - nt_xent, linear probe, not a point worse",
                ("cacr", "nt_xent"),
                difference("cacr", "nt_xent", "probe"),
                threshold=-0.01,
                role="secondary",
            ),
            Prediction(
                "sharper repulsion concentrates on the closest tenth of negatives (share of the gradient)",
                ("cacr",),
                lambda results: level("cacr", "push sharp")(results) - level("cacr", "push flat")(results),
                role="mechanism",
            ),
            Prediction(
                "sharper attraction concentrates on the farthest positive (share of the slope)",
                ("cacr",),
                lambda results: level("cacr", "pull sharp")(results) - level("cacr", "pull flat")(results),
                role="mechanism",
            ),
        ),
        protocol=Protocol(
            options={"epochs": 8, "batch_size": 64, "encoder": "small_conv", "views": VIEWS}, images=2_000
        ),
        full=whole_cifar10(batch_size=128, options={"views": VIEWS}, images=12_000),
        ground=unbalanced_cifar10,
        measures=(nearest_neighbours, probe, shares_of_the_gradient),
        choose_by="probe",
        remarks=(
            "All arms see four views of a picture; NT-Xent is the mean over all pairs of them. Balanced and unbalanced "
            "sets hold the same number of pictures, so that steps are equal; the test set is balanced.",
            "The arms of the unbalanced set take over what was chosen on the balanced one. The three trials of uniform "
            "weights go to the weight of the repulsion, for there is no sharpness to choose.",
            "The second mechanism holds for any embeddings with unequal costs: it tests the implementation, not what "
            "was learned.",
        ),
    )
)
