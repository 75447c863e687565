"""SGD with momentum, with constants for each member."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from sims.optim.base import PerParameter
from sims.optim.slices import member_slices


class SGD(PerParameter):
    """Stochastic gradient descent with heavy-ball momentum: v <- momentum * v + g, p <- p - lr * v.

    The gradient g includes weight_decay * p. Every constant is a float, or a tensor that broadcasts against
    the parameters ([member, 1, 1] for stacked ones). Equal to ``torch.optim.SGD`` (no dampening, no
    Nesterov) on each member; constants may be replaced in ``param_groups`` between steps. Torch's schedulers
    fail on a rate for each member: keep the peak and set ``group["lr"] = peak * factor``.

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
        """The velocity, then the step; by torch's fused kernel where members are large."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        has_velocity = isinstance(momentum, Tensor) or momentum != 0
        state = self.state[p]
        if has_velocity and "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(p)
        velocities = (state["momentum_buffer"],) if has_velocity else ()
        slices = member_slices((p, grad, *velocities), (lr, momentum, decay))
        if slices is None:
            if isinstance(decay, Tensor) or decay != 0:
                grad = grad + decay * p
            if has_velocity:
                grad = state["momentum_buffer"].mul_(momentum).add_(grad)
            p.sub_(lr * grad)
            return
        for (one, its_grad, *velocity), (rate, its_momentum, its_decay) in slices:
            torch._fused_sgd_(
                [one],
                [its_grad],
                velocity if its_momentum else [],  # the kernel takes none from a member without momentum
                weight_decay=its_decay,
                momentum=its_momentum,
                lr=rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,
            )
