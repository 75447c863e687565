"""Small trainings in a loop of one's own, that the tests of the observers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sims.settings.schedules import EMAConfig

CADENCE = EMAConfig(decay_start=0.5, decay_end=0.9, warmup_steps=20, tau_start=1.0, tau_end=3.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net(width: int = 12, bias: bool = True, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """Two hidden layers, so that the output side, a square matrix and the input side all occur."""
    model = nn.Sequential(
        nn.Linear(5, width, bias=bias),
        nn.Tanh(),
        nn.Linear(width, width, bias=bias),
        nn.Tanh(),
        nn.Linear(width, 3, bias=bias),
    ).to(dtype)
    draw = generator(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw, dtype=dtype) / weight.shape[-1] ** 0.5)
    return model


def examples(count: int = 16, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    x = torch.randn(count, 5, generator=generator(2), dtype=dtype)
    return x, x[:, :3].argmax(1)


def mean_loss(model: nn.Module, x: Tensor | None = None, y: Tensor | None = None) -> Tensor:
    x, y = examples() if x is None else (x, y)
    return F.cross_entropy(model(x), y)


def losses(model: nn.Module, x: Tensor | None = None, y: Tensor | None = None) -> Tensor:
    x, y = examples() if x is None else (x, y)
    return F.cross_entropy(model(x), y, reduction="none")


def sgd(model: nn.Module, steps: int, lr: float = 0.1, after: Callable[[int], None] | None = None) -> None:
    """Plain SGD on fresh noisy examples; ``after(step)`` is called after each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(steps):
        x = torch.randn(8, 5, generator=generator(100 + step), dtype=next(model.parameters()).dtype)
        optimizer.zero_grad()
        F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
        optimizer.step()
        if after is not None:
            after(step)


def weights_along(model: nn.Module, steps: int, lr: float = 0.1) -> Iterator[dict[str, Tensor]]:
    """The weights of the model before the first step and after each one, copied."""
    copies = [copy_of(model)]
    sgd(model, steps, lr, after=lambda step: copies.append(copy_of(model)))
    yield from copies


def copy_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}
