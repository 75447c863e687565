"""Adam and AdamW, with constants for each member."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from sims.optim.base import PerParameter


class Adam(PerParameter):
    """Adam with bias correction and decoupled decay: p <- p - decay * p - lr * m_hat / (sqrt(v_hat) + eps).

    Here decay = lr * weight_decay, as in ``torch.optim.AdamW``. Every constant is a float, or a tensor that
    broadcasts against the parameters ([member, 1, 1] for stacked ones). Equal to ``torch.optim.AdamW`` on
    each member; constants may be replaced in ``param_groups`` between steps.

    Source: Kingma and Ba, arXiv 1412.6980, Algorithm 1; Loshchilov and Hutter, arXiv 1711.05101.

    >>> p = torch.nn.Parameter(torch.ones(2, 1, 1))
    >>> Adam([p], lr=torch.tensor([0.25, 0.5]).view(2, 1, 1)).step(lambda: (3 * p).sum().backward())
    >>> p.flatten().tolist()                                       # the first step is lr times the sign
    [0.75, 0.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Tensor = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Moments, then the step; in place where that saves a pass over memory."""
        beta1, beta2 = group["betas"]
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        mean = state["exp_avg"].lerp_(grad, 1 - beta1)
        if isinstance(beta2, Tensor):
            square = state["exp_avg_sq"].lerp_(grad.square(), 1 - beta2)
        else:
            square = state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        update = square.sqrt().div_((1 - beta2 ** state["step"]) ** 0.5).add_(group["eps"])
        torch.div(mean, update, out=update)
        decay = group["weight_decay"]
        if isinstance(decay, Tensor) or decay != 0:
            p.mul_(1 - group["lr"] * decay)
        p.sub_(update.mul_(group["lr"] / (1 - beta1 ** state["step"])))
