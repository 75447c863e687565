"""Adam and SGD as rules: for grafting, and as the elementwise end of the matrix optimizers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sims.optim.rule import Number, Rule, State, check_positive, check_share, corrected, update_mean


def adam_direction(
    mean: Tensor, square: Tensor, step: int, beta1: Number, beta2: Number, eps: Number
) -> Tensor:
    """m_hat / (sqrt(v_hat) + eps), from the running means m and v of gradients and their squares, bias
    corrected.

    Source: Kingma and Ba, arXiv 1412.6980, Algorithm 1.
    """
    return corrected(mean, beta1, step) / (corrected(square, beta2, step).sqrt() + eps)


@dataclass(frozen=True)
class AdamRule(Rule):
    """Adam's direction (``sims.optim.Adam`` is the optimizer).

    >>> rule = AdamRule()
    >>> grad = torch.tensor([[-3.0, 0.5]])
    >>> rule.direction(grad, rule.start(grad), step=1)          # the first step is the sign
    tensor([[-1.,  1.]])
    """

    beta1: Number = 0.9
    beta2: Number = 0.999
    eps: Number = 1e-8

    def check(self, rows: int, columns: int) -> None:
        """Shares in [0, 1), eps > 0."""
        check_share("beta1", self.beta1)
        check_share("beta2", self.beta2)
        check_positive("eps", self.eps)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """Both moments at zero."""
        return {"exp_avg": torch.zeros_like(matrix), "exp_avg_sq": torch.zeros_like(matrix)}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """m_hat / (sqrt(v_hat) + eps)."""
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        update_mean(mean, grad, self.beta1)
        update_mean(square, grad.square(), self.beta2)
        return adam_direction(mean, square, step, self.beta1, self.beta2, self.eps)


@dataclass(frozen=True)
class SGDRule(Rule):
    """The gradient, or the heavy-ball sum v <- momentum * v + g (``sims.optim.SGD`` is the optimizer)."""

    momentum: Number = 0.0

    def check(self, rows: int, columns: int) -> None:
        """Momentum in [0, 1)."""
        check_share("momentum", self.momentum)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """No velocity."""
        return {"momentum_buffer": torch.zeros_like(matrix)}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The velocity, the newest gradient included."""
        return state["momentum_buffer"].mul_(self.momentum).add_(grad)
