"""The B quadratic programs of a batch, kept as one (B, B) matrix.

Anchor t has its own matrix over the other samples i, j:

    Delta_t[i, j] = k_tt + k_ij - k_ti - k_tj + ridge [i = j]

It holds nothing but inner products of differences, so K may be centred (each row and column made to sum to
zero) without changing it. Centred, every quantity that is needed for all anchors at once has a form without
cancellation and without a (B, B, B) block, and wide kernels (K nearly constant) lose no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

TARGET = 2.0  # the margin: the distance between the labels +1 and -1


@dataclass(frozen=True)
class Problem:
    """For each anchor t: minimise 1/2 a' Delta_t a - 2 1'a over 0 <= a <= upper, a over the samples but t.

    Shapes:
        gram: `(B, B)`, the centred kernel matrix of view 1.
        excess: `(B,)`, what is added to every entry of Delta_t besides the above (zero but for
            `unit_diagonal`).
        every `alpha` below: `(B, B)`, row t = the weights of anchor t, with alpha[t, t] = 0.
    """

    gram: Float[Tensor, "B B"]
    ridge: float
    upper: float
    excess: Float[Tensor, "B"]

    @classmethod
    def of(cls, kernel: Float[Tensor, "B B"], *, ridge: float, upper: float, unit_diagonal: bool = False) -> Problem:
        """The problems of a kernel matrix; `unit_diagonal` puts 1 for k_tt, whatever it is."""
        row = kernel.mean(1)  # (B,)
        one = torch.ones_like(row)  # (B,)
        # kernel - row_i - row_j + mean, in one pass over the matrix
        gram = torch.addmm(kernel, torch.stack([-one, row.mean() - row], dim=1), torch.stack([row, one]))  # (B, B)
        own = kernel.diagonal()  # (B,)
        excess = 1 - own if unit_diagonal else torch.zeros_like(own)  # (B,)
        return cls(gram=gram, ridge=ridge, upper=upper, excess=excess)

    @property
    def size(self) -> int:
        """B, the number of anchors."""
        return self.gram.shape[0]

    def project(self, alpha: Float[Tensor, "B B"]) -> Float[Tensor, "B B"]:
        """The nearest point of the box, with the diagonal at zero."""
        return alpha.clamp(min=0.0, max=self.upper).fill_diagonal_(0.0)  # (B, B)

    def apply(self, alpha: Float[Tensor, "B B"]) -> Float[Tensor, "B B"]:
        """Row t: Delta_t alpha_t (and 0 at t), by one (B, B) x (B, B) product.

        With -sum(alpha_t), the positive's weight, put at place t, the row times K is the decision function of
        machine t up to a constant; subtracting its value at t fixes the constant.
        """
        total = alpha.sum(1, keepdim=True)  # (B, 1)
        out = (alpha @ self.gram).addcmul_(total, self.gram, value=-1.0)  # (B, B)
        offset = out.diagonal()[:, None] - self.excess[:, None] * total  # (B, 1)
        return out.sub_(offset).add_(alpha, alpha=self.ridge).fill_diagonal_(0.0)  # (B, B)

    def gradient(self, alpha: Float[Tensor, "B B"]) -> Float[Tensor, "B B"]:
        """Row t: Delta_t alpha_t - 2 (and 0 at t)."""
        return self.apply(alpha).sub_(TARGET).fill_diagonal_(0.0)  # (B, B)

    def objective(self, alpha: Float[Tensor, "B B"]) -> Float[Tensor, "B"]:
        """The value of each anchor's program."""
        return 0.5 * (alpha * self.apply(alpha)).sum(1) - TARGET * alpha.sum(1)  # (B,)

    def residual(self, alpha: Float[Tensor, "B B"]) -> Float[Tensor, "B"]:
        """How far each anchor is from its optimum: the largest |alpha - project(alpha - gradient)|.

        It is zero where, and only where, the conditions of Karush, Kuhn and Tucker hold.
        """
        return (alpha - self.project(alpha - self.gradient(alpha))).abs().amax(1)  # (B,)

    def frobenius(self) -> Float[Tensor, "B"]:
        """The Frobenius norm of each Delta_t, in O(B^2) for all of them.

        Row t of the unridged matrix is zero, so sums over the others are sums over all; and the rows of a
        centred K sum to zero, which removes every cross term: what is left is a sum of squares.
        """
        B, n = self.size, self.size - 1
        own = self.gram.diagonal()  # (B,)
        row = self.gram.square().sum(1)  # (B,)
        plain = row.sum() + 2 * B * row + (B * own).square()  # (B,)
        ridged = 2 * self.ridge * (own.sum() + B * own) + n * self.ridge**2  # (B,)
        shifted = 2 * self.excess * (B * B * own + n * self.ridge) + (n * self.excess).square()  # (B,)
        return (plain + ridged + shifted).clamp(min=0.0).sqrt()  # (B,)

    def largest_eigenvalue(self, *, iterations: int = 20) -> Float[Tensor, "B"]:
        """An estimate of the largest |eigenvalue| of each Delta_t by the power method: never above it.

        The first vector picks out the sample that is farthest from the anchor: it has a part along the
        leading eigenvector in symmetric batches too, and depends on the samples, not on their order.
        """
        own = self.gram.diagonal()  # (B,)
        distance = own[None, :] + own[:, None] - 2 * self.gram  # (B, B)
        vector = torch.zeros_like(self.gram)  # (B, B)
        vector.scatter_(1, distance.fill_diagonal_(-torch.inf).argmax(1, keepdim=True), 1.0)
        length = torch.ones_like(own)  # (B,)
        for _ in range(iterations):
            vector = self.apply(vector / length[:, None])  # (B, B)
            length = vector.norm(dim=1).clamp(min=torch.finfo(own.dtype).tiny)  # (B,)
        return length
