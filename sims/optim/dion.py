"""Dion: updates of low rank and unit singular values, by power iteration on the momentum, with error
feedback.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from hptheory.errors import DomainError
from sims.optim.matrix import MatrixOptimizer, Options
from sims.optim.orthonormal import ORTHONORMALIZERS, orthonormal
from sims.optim.rule import (
    Number,
    Rule,
    State,
    check_count,
    check_name,
    check_not_negative,
    check_share,
    fixed_normal,
    in_precision_of,
)


@dataclass(frozen=True)
class DionRule(Rule):
    """P Q^T from M <- M + G: P = orth(M Q), R = M^T P, Q <- R / column norms, M <- M - (1 - mu) P R^T.

    The rank of P and Q is ``rank``, or else ``rank_fraction`` of min(m, n), rounded down, and at most
    ``max_rank``.
    """

    mu: Number = 0.95
    rank: int | None = None
    rank_fraction: float = 1.0
    max_rank: int | None = None
    method: str = "qr"
    eps: Number = 1e-8

    def resolved_rank(self, rows: int, columns: int) -> int:
        """The rank for matrices [rows, columns].

        >>> [DionRule(rank_fraction=0.5, max_rank=128).resolved_rank(n, n) for n in (128, 256, 512)]
        [64, 128, 128]
        """
        if self.rank is not None:
            return self.rank
        fraction = math.floor(self.rank_fraction * min(rows, columns))
        return fraction if self.max_rank is None else min(fraction, self.max_rank)

    def check(self, rows: int, columns: int) -> None:
        """mu in [0, 1), a rank from 1 to min(m, n)."""
        check_share("mu", self.mu)
        check_name("orthonormalizer", self.method, ORTHONORMALIZERS)
        check_not_negative("eps", self.eps)
        if self.max_rank is not None:
            check_count("max_rank", self.max_rank)
        if self.rank is None and not 0 < self.rank_fraction <= 1:
            raise DomainError("rank_fraction", self.rank_fraction, "in (0, 1]")
        if self.rank is not None:
            check_count("rank", self.rank)
        rank, largest = self.resolved_rank(rows, columns), min(rows, columns)
        if not 1 <= rank <= largest:
            shape = f"for a {rows} x {columns} matrix"
            raise DomainError("rank", rank, f"an integer from 1 to {largest} {shape}", "choose another rank")

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """No momentum; right factors that are random, the same for every matrix of a shape."""
        rows, columns = matrix.shape[-2:]
        right = fixed_normal(columns, self.resolved_rank(rows, columns), like=matrix)
        right = right.expand(*matrix.shape[:-2], -1, -1).clone()
        return {"momentum_buffer": torch.zeros_like(matrix), "right_factor": right}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """P Q^T, with the Q that this step has found."""
        momentum, right = state["momentum_buffer"], state["right_factor"]
        if (rank := self.resolved_rank(*grad.shape[-2:])) != right.shape[-1]:
            raise DomainError(
                "rank", rank, f"{right.shape[-1]}, as at the first step", "make a new optimizer"
            )
        momentum.add_(grad)
        left = orthonormal(momentum @ right, self.method)
        found = momentum.mT @ left
        norms = torch.linalg.vector_norm(found, dim=-2, keepdim=True)
        # Beyond the rank of the momentum, columns are rounding: made units, they would be directions of their
        # own. Their columns of Q are kept until there is something for them (at zero they would stay there).
        noise = max(momentum.shape[-2:]) * torch.finfo(norms.dtype).eps * norms.amax(-1, keepdim=True)
        empty = norms <= noise
        unit = torch.where(empty, 0, found / (norms + self.eps))
        right.copy_(torch.where(empty, right, unit))
        momentum.sub_(in_precision_of(momentum, 1 - self.mu) * (left @ found.mT))
        return left @ unit.mT


class Dion(MatrixOptimizer):
    """Dion: W <- W - lr P Q^T, where P and Q, of a chosen rank, follow the leading singular vectors of M.

    One step is M <- M + G, P = orth(M Q), R = M^T P, Q <- R / (column norms + eps), M <- M - (1 - mu) P R^T:
    what has been used decays by mu, what has not stays until it leads. ``method`` is how orth is found:
    ``qr``, or ``cholesky`` (products alone). Other options are those of ``MatrixOptimizer``.

    Source: paper, App. A.3, after Ahn et al., arXiv 2504.05295; a factor sqrt(m/n) there is
    ``shape_factor="mup"``. The paper's two settings: ``rank_fraction=0.5`` (proportional), and that with
    ``max_rank=128`` (bounded). A column of R that is zero but for rounding leaves Q's as it was and takes no
    part in the step; print makes it zero, or of rounding a direction of full size. Its table lists five
    Newton-Schulz iterations, of which Dion has none.

    *Laws*: at full rank and for a gradient that keeps its singular vectors, the direction tends to U V^T,
    Muon's with ``exact``; it turns with orthogonal factors on the left; its singular values are at most 1 if
    Q is orthonormal, and its rank at most the one chosen.

    >>> weight = torch.nn.Parameter(torch.zeros(3, 3))
    >>> optimizer = Dion([weight], lr=1.0, rank=1)
    >>> weight.grad = torch.diag(torch.tensor([9.0, 1.0, 1.0]))
    >>> for _ in range(20):
    ...     optimizer.step()
    >>> before = weight.detach().clone()
    >>> optimizer.step()
    >>> (before - weight).round(decimals=2).diagonal()                # the leading direction first
    tensor([1., 0., 0.], grad_fn=<DiagonalBackward0>)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Number = 0.02,
        *,
        mu: Number = 0.95,
        rank: int | None = None,
        rank_fraction: float = 1.0,
        max_rank: int | None = None,
        method: str = "qr",
        eps: Number = 1e-8,
        **options: Unpack[Options],
    ) -> None:
        rule = DionRule(mu, rank, rank_fraction, max_rank, method, eps)
        super().__init__(params, rule, lr, **options)
