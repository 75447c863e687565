"""The loss along the trajectory: at given weights, with its gradient, on the examples chosen once for all.

The user's function is called as ``losses(model, *batch)`` with the real module, whose parameters stand at
the weights asked for while it runs and is differentiated (``torch.func.functional_call``); nothing is copied
and nothing of the model's own state is touched. Modules are in evaluation mode meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from hptheory.errors import DomainError

Losses = Callable[..., Tensor]
Weights = Mapping[str, Tensor]
Result = TypeVar("Result")


class Objective:
    """The mean loss of one model (or of every member of a stacked one) over a sequence of batches.

    ``losses(model, *batch)`` gives the losses of the examples of a batch: of any shape, or ``[member, ...]``
    for a stacked model; the mean over all entries of all batches is the objective. A scalar counts as one
    entry. By default there is one batch with nothing in it, for a function that holds its own data.
    """

    def __init__(
        self, losses: Losses, batches: Sequence[Sequence[Any]] = ((),), *, stacked: bool = False
    ) -> None:
        if not batches:
            raise DomainError("batches", "()", "at least one batch")
        self.losses, self.batches, self.stacked = losses, batches, stacked

    def values(
        self, model: nn.Module, weights: Weights, batch: Sequence[Any]
    ) -> Float[Tensor, "member example *_"]:
        """The losses of one batch at these weights, with a member axis in front."""
        return at_weights(model, weights, lambda: self.batch_losses(model, batch))

    def batch_losses(self, model: nn.Module, batch: Sequence[Any]) -> Float[Tensor, "member example *_"]:
        """The losses of one batch at the weights where the model stands, with a member axis in front."""
        values = self.losses(model, *batch)
        values = values if self.stacked else values.unsqueeze(0)
        return values.unsqueeze(1) if values.ndim == 1 else values

    def gradient(
        self, model: nn.Module, weights: Weights, wanted: Sequence[str]
    ) -> tuple[Float[Tensor, " member"], dict[str, Tensor]]:
        """The mean loss and its gradient with respect to the weights of the names ``wanted``.

        The gradients of a stacked model are each member's own, since no weight is shared. The memory of one
        copy of the weights: batches accumulate in place.
        """
        leaves = {name: weights[name].detach().requires_grad_() for name in wanted}
        total, count = torch.zeros(()), 0

        def forward_and_backward(batch: Sequence[Any]) -> Tensor:
            values = self.batch_losses(model, batch)
            values.sum().backward(inputs=list(leaves.values()))
            return values

        with evaluation_mode(model), torch.enable_grad():
            for batch in self.batches:
                run = partial(forward_and_backward, batch)
                values = at_weights(model, {**weights, **leaves}, run)
                total, count = add_up(total, values), count + values[0].numel()
        gradients = {}
        for name, leaf in leaves.items():
            gradients[name] = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.div_(count)
            leaf.grad = None
        return total / count, gradients

    @torch.no_grad()
    def loss(
        self, model: nn.Module, weights: Weights
    ) -> tuple[Float[Tensor, " member"], Float[Tensor, "member example"]]:
        """The mean loss, and the losses of all entries in order."""
        with evaluation_mode(model):
            values = [self.values(model, weights, batch).flatten(1) for batch in self.batches]
        entries = torch.cat(values, dim=1)
        return entries.double().mean(1), entries


def at_weights(model: nn.Module, weights: Weights, run: Callable[[], Result]) -> Result:
    """What ``run()`` gives while the parameters of the model stand at these weights.

    A backward pass belongs inside: activation checkpointing runs parts of the model again in it, at the
    weights where the model stands then. A model of half precision gets weights of half precision; their
    gradients have the precision of what was given.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> at_weights(model, {"weight": torch.full((1, 1), 3.0)}, lambda: model(torch.ones(1)).item())
    3.0
    """
    own = dict(model.named_parameters())
    cast = {f"model.{name}": values.to(own[name].dtype) for name, values in weights.items()}
    result: Result = functional_call(_Around(model), cast, (run,))
    return result


def fixed_subset(examples: int, size: int | None, seed: int = 0) -> Int[Tensor, " size"]:
    """The indices of a subset of the examples, drawn without replacement, in order; all for ``size`` None.

    Domain: 1 <= size <= examples, else ``DomainError``.

    *Laws*: a function of its arguments alone; no index twice.

    >>> fixed_subset(10, None).tolist() == list(range(10)), len(fixed_subset(10_000, 1024))
    (True, 1024)
    """
    if size is None:
        return torch.arange(examples)
    if not 1 <= size <= examples:
        raise DomainError("subset", size, f"in [1, {examples}], the number of validation examples")
    from sims.seeding import generator

    return torch.randperm(examples, generator=generator(seed, "observed subset"))[:size].sort().values


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation mode inside the block, and as it was afterwards."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def add_up(total: Tensor, values: Tensor) -> Float[Tensor, " member"]:
    """The sum so far and that of more values [member, ...], in double precision."""
    return total.to(values.device) + values.detach().flatten(1).double().sum(1)


class _Around(nn.Module):
    """A module around the model, so that anything can be run while the model stands at other weights."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, run: Callable[[], Result]) -> Result:
        """What ``run`` gives."""
        return run()
