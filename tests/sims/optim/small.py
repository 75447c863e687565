"""Small problems for the optimizers' tests: gradients, and the directions an optimizer makes of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def gradients(steps: int, *shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Gradients whose sizes differ from step to step, over two decades."""
    stream = torch.Generator().manual_seed(seed)
    scale = 10.0 ** (2 * torch.rand(steps, generator=stream, dtype=torch.float64) - 1)
    grads = torch.randn(steps, *shape, generator=stream, dtype=torch.float64)
    return (grads * scale.view(-1, *(1,) * len(shape))).to(dtype)


def directions(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], grads: Tensor) -> Tensor:
    """W before minus W after each step, of an optimizer with lr 1 and W starting from zero."""
    p = nn.Parameter(torch.zeros_like(grads[0]))
    optimizer = make([p])
    found = []
    for grad in grads:
        before = p.detach().clone()
        p.grad = grad.clone()
        optimizer.step()
        found.append(before - p.detach())
    return torch.stack(found)


def orthogonal(n: int, seed: int = 1) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(n, n, generator=stream, dtype=torch.float64)).Q
