"""Adam and AdamW, with constants for each member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from sims.optim.base import PerParameter
from sims.optim.elementwise import adam_direction
from sims.optim.rule import update_mean
from sims.optim.slices import member_slices, slices, without_tails


class Adam(PerParameter):
    """Adam with bias correction and decoupled decay: p <- p - decay * p - lr * m_hat / (sqrt(v_hat) + eps).

    Here decay = lr * weight_decay, as in ``torch.optim.AdamW``. Every constant is a float, or a tensor that
    broadcasts against the parameters ([member, 1, 1] for stacked ones). Equal to ``torch.optim.AdamW`` on
    each member; constants may be replaced in ``param_groups`` between steps. Torch's schedulers fail on a
    rate for each member: keep the peak and set ``group["lr"] = peak * factor``.

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
        eps: float | Tensor = 1e-8,
        weight_decay: float | Tensor = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Moments, then the step; by torch's fused kernel on the CPU."""
        (beta1, beta2), lr, decay, eps = group["betas"], group["lr"], group["weight_decay"], group["eps"]
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        mean, square, step = state["exp_avg"], state["exp_avg_sq"], state["step"]
        if large := member_slices((p, grad, mean, square), (lr, beta1, beta2, eps, decay)):
            for tensors, (rate, first, second, its_eps, its_decay) in large:
                _fused(tensors, step, rate, (first, second), its_eps, its_decay)
            return
        # Rates are almost always a member's own, betas and eps hardly ever: one call steps from 0 at a rate
        # of 1.
        update = torch.zeros_like(p)
        whole = slices((update, grad, mean, square), (beta1, beta2, eps))
        if whole is None:
            self._broadcast(p, grad, group, mean, square, step)
            return
        for tensors, (first, second, its_eps) in whole:
            for some in without_tails(tensors):
                _fused(some, step, 1.0, (first, second), its_eps)
        if isinstance(decay, Tensor) or decay != 0:
            p.mul_(1 - lr * decay)
        p.add_(update.mul_(lr))

    @staticmethod
    def _broadcast(
        p: Tensor, grad: Tensor, group: dict[str, Any], mean: Tensor, square: Tensor, step: int
    ) -> None:
        """All members at once: on a GPU, or where tensors do not lie as the CPU's kernel wants them."""
        (beta1, beta2), lr, decay = group["betas"], group["lr"], group["weight_decay"]
        update_mean(mean, grad, beta1)
        update_mean(square, grad.square(), beta2)
        if isinstance(decay, Tensor) or decay != 0:
            p.mul_(1 - lr * decay)
        p.sub_(lr * adam_direction(mean, square, step, beta1, beta2, group["eps"]))


def _fused(
    tensors: Sequence[Tensor],
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float = 0.0,
) -> None:
    """Torch's step of a parameter, from its gradient and both moments."""
    p, grad, mean, square = tensors
    torch._fused_adamw_(
        [p],
        [grad],
        [mean],
        [square],
        [],
        [torch.tensor(float(step))],
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=eps,
        amsgrad=False,
        maximize=False,
    )
