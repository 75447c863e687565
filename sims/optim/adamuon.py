"""AdaMuon: the orthogonalised momentum, divided entry by entry by its own running size."""

from __future__ import annotations

import math
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
    check_positive,
    check_share,
    corrected,
    update_mean,
)

NORM_EPS = 1e-7  # of the Newton-Schulz iterations, as in Muon


@dataclass(frozen=True)
class AdaMuonRule(Rule):
    """O / (sqrt(v_hat) + eps) at root mean square ``rms``, O = orth(M), v the running mean of O's squared
    entries.

    ``rms=None`` leaves the size as it comes. ``sign`` orthogonalises the sign of the momentum instead.
    """

    momentum: Number = 0.95
    beta2: Number = 0.95
    kind: str = "jordan"
    steps: int = 5
    eps: Number = 1e-8
    rms: float | None = 0.2
    sign: bool = False

    def check(self, rows: int, columns: int) -> None:
        """Shares in [0, 1), a known kind, at least one iteration, a positive eps and rms."""
        check_share("momentum", self.momentum)
        check_share("beta2", self.beta2)
        check_name("orthogonalizer", self.kind, ORTHOGONALIZERS)
        check_count("steps", self.steps)
        check_positive("eps", self.eps)
        check_positive("rms", 1.0 if self.rms is None else self.rms)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """No momentum, no squares."""
        return {"momentum_buffer": torch.zeros_like(matrix), "exp_avg_sq": torch.zeros_like(matrix)}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """Orthogonalised, divided by its running size, brought to the root mean square asked for."""
        momentum = update_mean(state["momentum_buffer"], grad, self.momentum)
        factor = orthogonalized(momentum.sign() if self.sign else momentum, self.kind, self.steps, NORM_EPS)
        square = update_mean(state["exp_avg_sq"], factor.square(), self.beta2)
        direction = factor / (corrected(square, self.beta2, step).sqrt() + self.eps)
        if self.rms is None:
            return direction
        norm = torch.linalg.matrix_norm(direction, keepdim=True)
        wanted = self.rms * math.sqrt(direction.shape[-2] * direction.shape[-1])
        return direction * (wanted / torch.where(norm > 0, norm, 1))


class AdaMuon(MatrixOptimizer):
    """AdaMuon: Muon's factor O = orth(M), then O / (sqrt(v_hat) + eps) at root mean square ``rms``.

    Source: Si et al., arXiv 2507.11005. Its later version orthogonalises sign(M) (``sign=True``). Other
    options are those of ``MatrixOptimizer``.

    *Laws*: the root mean square of the direction is ``rms``; the first step has entries of one size, the
    signs of O.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> weight.grad = torch.tensor([[3.0, 4.0], [-4.0, 3.0]])         # 5 times a rotation
    >>> AdaMuon([weight], lr=1.0).step()
    >>> weight.data
    tensor([[-0.2000, -0.2000],
            [ 0.2000, -0.2000]])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Number = 1e-3,
        *,
        momentum: Number = 0.95,
        beta2: Number = 0.95,
        kind: str = "jordan",
        steps: int = 5,
        eps: Number = 1e-8,
        rms: float | None = 0.2,
        sign: bool = False,
        **options: Unpack[Options],
    ) -> None:
        rule = AdaMuonRule(momentum, beta2, kind, steps, eps, rms, sign)
        super().__init__(params, rule, lr, **options)
