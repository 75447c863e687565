"""Spectral normalisation of any rule: directions of a known spectral norm, by power iteration from step to
step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sims.optim.rule import Number, Rule, State, check_positive, fixed_normal

# arXiv 2512.05620: five iterations a step while directions turn fast, then one.
EARLY_STEPS, EARLY_ITERATIONS = 50, 5


@dataclass(frozen=True)
class SpectralNorm(Rule):
    """sqrt(m/n) u / (sigma(u) + eps) for a rule's direction u [m, n], sigma(u) its spectral norm.

    sigma is estimated from below by iterations v <- u^T u v / norm on one vector a matrix, kept between steps
    (five in each of the first 50 steps, then one), and no less than the largest row: the norm reached is
    sqrt(m/n) sigma/estimate, at least what is promised and at most sqrt(m) times that. At the promised norm
    muP's factor is 1 for every matrix, since an output then moves by lr times the size of its input.

    Source: arXiv 2512.05620. Embeddings are normalised in root mean square instead: ``sims.optim.RMSNorm``.

    *Laws*: the norm is as promised once directions keep still; the direction is the rule's; zero stays zero.

    >>> from sims.optim.elementwise import SGDRule
    >>> rule = SpectralNorm(SGDRule())
    >>> grad = torch.diag(torch.tensor([8.0, 2.0]))
    >>> rule.direction(grad, rule.start(grad), step=1)
    tensor([[1.0000, 0.0000],
            [0.0000, 0.2500]])
    """

    rule: Rule
    eps: Number = 1e-10

    def hyperparameters(self) -> dict[str, Any]:
        """Those of the rule, and ``spectral_eps``."""
        return {**self.rule.hyperparameters(), "spectral_eps": self.eps}

    def rebuilt(self, values: Mapping[str, Any]) -> SpectralNorm:
        """The rule with the constants of a group."""
        return SpectralNorm(self.rule.rebuilt(values), values["spectral_eps"])

    def check(self, rows: int, columns: int) -> None:
        """eps > 0, and the rule's checks."""
        check_positive("spectral_eps", self.eps)
        self.rule.check(rows, columns)

    def decomposes(self, step: int) -> bool:
        """Whether the rule does."""
        return self.rule.decomposes(step)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """The rule's memory, and a right vector of unit norm."""
        vector = fixed_normal(matrix.shape[-1], 1, like=matrix)
        vector = (vector / vector.norm()).expand(*matrix.shape[:-2], -1, -1).clone()
        return {**self.rule.start(matrix), "spectral_vector": vector}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The rule's direction at spectral norm sqrt(m/n)."""
        direction = self.rule.direction(grad, state, step)
        iterations = EARLY_ITERATIONS if step <= EARLY_STEPS else 1
        norm = power_iteration(direction, state["spectral_vector"], iterations)
        rows, columns = direction.shape[-2:]
        return direction * ((rows / columns) ** 0.5 / (norm + self.eps))


def power_iteration(
    matrix: Float[Tensor, "*batch m n"], vector: Float[Tensor, "*batch n 1"], iterations: int
) -> Float[Tensor, "*batch 1 1"]:
    """An estimate of the spectral norm of every matrix, from below; ``vector`` is brought nearer to the
    leading right singular vector, in place, and stays where a matrix is zero or not finite.

    Where the largest row is longer than the estimate, it takes the vector's place: a matrix may have turned
    away from what led it before, up to leaving nothing of the vector.
    """
    norm = torch.zeros_like(vector[..., :1, :])
    for _ in range(iterations):
        left = matrix @ vector
        length = torch.linalg.vector_norm(left, dim=-2, keepdim=True)
        right = matrix.mT @ (left / torch.where(length > 0, length, 1))
        norm = torch.linalg.vector_norm(right, dim=-2, keepdim=True)
        usable = (norm > 0) & norm.isfinite()
        vector.copy_(torch.where(usable, right / torch.where(usable, norm, 1), vector))
    sizes = torch.linalg.vector_norm(matrix, dim=-1, keepdim=True)
    size, place = sizes.max(-2, keepdim=True)
    longer = (size > norm) & size.isfinite()
    row = matrix.gather(-2, place.expand(*place.shape[:-1], matrix.shape[-1])).mT
    vector.copy_(torch.where(longer, row / torch.where(longer, size, 1), vector))
    return torch.where(longer, size, norm)
