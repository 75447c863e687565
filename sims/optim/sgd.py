"""SGD with momentum, with constants for each member."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from sims.optim.base import PerParameter


class SGD(PerParameter):
    """Stochastic gradient descent with heavy-ball momentum: v <- momentum * v + g, p <- p - lr * v.

    The gradient g includes weight_decay * p. Every constant is a float, or a tensor that broadcasts against
    the parameters ([member, 1, 1] for stacked ones). Equal to ``torch.optim.SGD`` (no dampening, no
    Nesterov) on each member; constants may be replaced in ``param_groups`` between steps.

    Domain: momentum in [0, 1) and rates are checked where a setting is made (``sims.settings``).

    >>> import torch
    >>> p = torch.nn.Parameter(torch.ones(2, 1, 1))
    >>> SGD([p], lr=torch.tensor([0.5, 1.0]).view(2, 1, 1)).step(lambda: p.sum().backward())
    >>> p.flatten().tolist()
    [0.5, 0.0]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float | Tensor = 0.0,
        weight_decay: float | Tensor = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        decay = group["weight_decay"]
        if isinstance(decay, Tensor) or decay != 0:
            grad = grad + decay * p
        p.sub_(group["lr"] * self._velocity(p, grad, group["momentum"]))

    def _velocity(self, p: Tensor, grad: Tensor, momentum: float | Tensor) -> Tensor:
        """The averaged gradient; the gradient itself where there is no momentum."""
        if not isinstance(momentum, Tensor) and momentum == 0:
            return grad
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = grad.clone()
        else:
            state["momentum_buffer"].mul_(momentum).add_(grad)
        return state["momentum_buffer"]
