"""`TokenDiscriminator`: of each token of a text whether it is the one that was written. Learners share it."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.distributed import mean_count
from contrapose.evaluation.roc import roc_auc

# (logits (B, T), replaced (B, T), mask (B, T), what the sum over tokens is divided by) -> loss
TokenObjective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class TokenDiscriminator(nn.Module):
    """Two layers above the vector of each token, as in ELECTRA; thrown away after training.

        logit_t = w gelu(W h_t + b) + c

    Shapes:
        tokens: `(B, T, D)`; returns logits `(B, T)`, high where a token looks replaced.

    Arguments:
        objective: see `TokenObjective`.
    """

    def __init__(self, dimension: int, objective: TokenObjective) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dimension, dimension), nn.GELU(), nn.Linear(dimension, 1))
        self.objective = objective

    def forward(self, tokens: Float[Tensor, "B T D"]) -> Float[Tensor, "B T"]:
        return self.layers(tokens).squeeze(-1)  # (B, T)

    def judged(
        self, tokens: Float[Tensor, "B T D"], replaced: Bool[Tensor, "B T"], mask: Bool[Tensor, "B T"]
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The loss, over the real tokens of all processes, and what metrics tell: nearly all tokens are original, so
        the area under the ROC and the share of the replaced that is found, and no accuracy."""
        logits = self(tokens)  # (B, T)
        loss = self.objective(logits, replaced, mask, mean_count(mask.sum()))
        found, wanted = logits.detach()[mask].float(), replaced[mask]  # (n,) each
        recall = (found[wanted] > 0).float().mean()  # NaN where nothing was replaced
        return loss, {"replaced_auc": roc_auc(found, wanted), "replaced_recall": recall}
