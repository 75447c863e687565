"""SGD with momentum, with a learning rate for each member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT


class SGD(Optimizer):
    """Stochastic gradient descent with heavy-ball momentum: v <- momentum * v + g, p <- p - lr * v.

    ``lr`` is a float, or a tensor that broadcasts against the parameters ([member, 1, 1] for stacked ones).
    Equal to ``torch.optim.SGD`` (no dampening, no Nesterov, no decay) on each member; ``lr`` may be
    replaced in ``param_groups`` between steps.

    Domain: momentum in [0, 1) and rates are checked where a setting is made (``sims.settings``).

    >>> p = torch.nn.Parameter(torch.ones(2, 1, 1))
    >>> SGD([p], lr=torch.tensor([0.5, 1.0]).view(2, 1, 1)).step(lambda: p.sum().backward())
    >>> p.flatten().tolist()
    [0.5, 0.0]
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, momentum: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * self._velocity(p, group["momentum"]))
        return loss

    def _velocity(self, p: Tensor, momentum: float) -> Tensor:
        """The averaged gradient; the gradient itself where there is no momentum."""
        assert p.grad is not None
        if momentum == 0:
            return p.grad
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = p.grad.clone()
        else:
            state["momentum_buffer"].mul_(momentum).add_(p.grad)
        return state["momentum_buffer"]
