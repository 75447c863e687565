"""Muon: momentum, orthogonalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from sims.optim.matrix import MatrixOptimizer, Options
from sims.optim.orthogonal import ORTHOGONALIZERS, orthogonalized
from sims.optim.rule import (
    Number,
    Rule,
    State,
    check_count,
    check_name,
    check_not_negative,
    check_share,
    update_mean,
)


@dataclass(frozen=True)
class MuonRule(Rule):
    """orth(M), or orth((1 - momentum) G + momentum M) with ``nesterov``, where M <- momentum M + (1 -
    momentum) G.

    ``kind`` names the quintics of the Newton-Schulz iterations, or ``exact``; ``eps`` is added to the
    Frobenius norm by which they start; ``bfloat16`` has them done in that precision.
    """

    momentum: Number = 0.95
    nesterov: bool = False
    kind: str = "jordan"
    steps: int = 5
    eps: Number = 1e-7
    bfloat16: bool = False

    def check(self, rows: int, columns: int) -> None:
        """Momentum in [0, 1), a known kind, at least one iteration."""
        check_share("momentum", self.momentum)
        check_name("orthogonalizer", self.kind, ORTHOGONALIZERS)
        check_count("steps", self.steps)
        check_not_negative("eps", self.eps)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """No momentum."""
        return {"momentum_buffer": torch.zeros_like(matrix)}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The orthogonalised momentum."""
        momentum = update_mean(state["momentum_buffer"], grad, self.momentum)
        if self.nesterov:
            momentum = update_mean(grad.clone(), momentum, 1 - self.momentum)
        dtype = torch.bfloat16 if self.bfloat16 else None
        return orthogonalized(momentum, self.kind, self.steps, self.eps, dtype)


class Muon(MatrixOptimizer):
    """Muon: W <- W - lr orth(M), M <- momentum M + (1 - momentum) G, orth(U S V^T) = U V^T.

    ``kind`` is how orth is found: ``jordan`` (Keller Jordan's quintic; five iterations bring singular values
    from 0.0016 of the Frobenius norm on to between 0.68 and 1.21, smaller ones not so far),
    ``polar_express`` (arXiv 2505.16932), ``schulz`` (slow, convergent), each for ``steps`` iterations, or
    ``exact`` (by SVD; for theory and tests). Other options are those of ``MatrixOptimizer``.

    Source: paper, App. A.2, after Jordan (2024). Printed there: the averaged momentum, no Nesterov, five
    iterations, a factor sqrt(m/n) (``shape_factor="mup"``). Chosen here: Jordan's coefficients, since none
    are printed, and the newest momentum M_{t+1}, where the printed step reads M_t, which lags by a gradient.

    *Laws*: with ``exact`` the direction is U V^T of the momentum; it turns with orthogonal factors on either
    side; it does not depend on the gradient's scale.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> weight.grad = torch.tensor([[0.0, 7.0], [-2.0, 0.0]])
    >>> Muon([weight], lr=0.5, kind="exact").step()
    >>> weight.data
    tensor([[ 0.0000, -0.5000],
            [ 0.5000,  0.0000]])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Number = 0.02,
        *,
        momentum: Number = 0.95,
        nesterov: bool = False,
        kind: str = "jordan",
        steps: int = 5,
        eps: Number = 1e-7,
        bfloat16: bool = False,
        **options: Unpack[Options],
    ) -> None:
        rule = MuonRule(momentum, nesterov, kind, steps, eps, bfloat16)
        super().__init__(params, rule, lr, **options)
