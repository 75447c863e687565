"""What goes through the linear layers and tables of a model: by hooks, for one forward pass.

A linear layer y = c W x has the per-example gradient c sum_p delta_p x_p^T, delta_p the derivative of the
example's loss with respect to its outputs at position p; a table (an embedding) has sum_p e_p delta_p^T, e_p
the one-hot vector of the entry looked up. So inputs and deltas hold all per-example gradients, and none needs
to be formed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sims.models.embedding import StackedEmbedding
from sims.models.linear import StackedLinear
from sims.trajectory.ema import single_or_more

LINEAR = (nn.Linear, StackedLinear)
TABLES = (nn.Embedding, StackedEmbedding)


class Flow(NamedTuple):
    """The gradients of a parameter [m, n] by example, as factors: G_i = sum_p left_ip right_ip^T.

    Shapes: left [member or 1, example, position, m], or whole numbers [member or 1, example, position] that
    stand for one-hot vectors; right [member or 1, example, position, n].
    """

    left: Tensor
    right: Tensor

    def gradient(
        self, m: int, weights: Float[Tensor, " example"] | None = None
    ) -> Float[Tensor, "member m n"]:
        """The sum of the gradients of the examples, each times its weight."""
        left, right = self.left, self.right
        if weights is not None:
            right = right * weights.to(right.dtype)[:, None, None]
        if left.is_floating_point():
            return left.flatten(1, 2).mT @ right.flatten(1, 2)
        summed = right.new_zeros(right.shape[0] * m, right.shape[-1])
        rows = _in_one_table(left.expand(right.shape[:3]), m)
        return summed.index_add_(0, rows.flatten(), right.flatten(0, 2)).unflatten(0, (-1, m))

    def select(self, kept: Tensor) -> Flow:
        """Those of the members at these positions; what all share stays."""
        return Flow(*(factor if factor.shape[0] == 1 else factor[kept] for factor in self))


def project(
    factor: Tensor, directions: Float[Tensor, "member d r"]
) -> Float[Tensor, "member example position r"]:
    """The components of one side of a flow along some directions: an entry of them, for one-hot vectors."""
    if not factor.is_floating_point():
        rows = factor.expand(directions.shape[0], *factor.shape[1:])
        return directions.flatten(0, 1)[_in_one_table(rows, directions.shape[1])]
    return (factor.flatten(1, 2) @ directions).unflatten(1, factor.shape[1:3])


@dataclass(frozen=True)
class Call:
    """One call of a module in a forward pass: what went in, what came out."""

    module: nn.Module
    given: Tensor
    output: Tensor

    def flow(self, delta: Tensor, examples: int, *, stacked: bool) -> Flow | None:
        """The flow with these derivatives at the outputs; None if its rows are not whole examples.

        Whatever comes before the last axis are the examples, each with as many rows as it has positions.
        """
        lookup = isinstance(self.module, TABLES)
        # Products of flows are sums of many terms: those of half precision are taken in single precision.
        numbers = (self.given if lookup else single_or_more(self.given)), single_or_more(delta)
        given, delta = (each if stacked else each.unsqueeze(0) for each in numbers)
        if delta[0, ..., 0].numel() % examples:
            return None
        right = delta.reshape(delta.shape[0], examples, -1, delta.shape[-1])
        if lookup:
            return Flow(given.reshape(given.shape[0], examples, -1), right)
        multiplier = float(self.module.scaling.multiplier) if isinstance(self.module, StackedLinear) else 1.0
        left = right if multiplier == 1 else right * multiplier
        return Flow(left, given.reshape(given.shape[0], examples, -1, given.shape[-1]))


def followed_layers(model: nn.Module, names: Sequence[str]) -> dict[str, list[nn.Module]]:
    """For each parameter of these names the modules that use it, if all of them are layers or tables.

    Those are ``nn.Linear``, ``nn.Embedding``, ``StackedLinear`` and ``StackedEmbedding`` themselves, not
    their subclasses, which may compute something else. A matrix tied between two of them has both.
    """
    weights = dict(model.named_parameters())
    found = {}
    for name in names:
        owners = [
            (module, key)
            for module in model.modules()
            for key, weight in module.named_parameters(recurse=False)
            if weight is weights[name]
        ]
        if all(type(module) in (*LINEAR, *TABLES) and key == "weight" for module, key in owners):
            found[name] = [module for module, _ in owners]
    return found


@contextmanager
def recorded(layers: dict[str, list[nn.Module]]) -> Iterator[dict[str, list[Call]]]:
    """The calls of these modules inside the block, by the names of their weights."""
    calls: dict[str, list[Call]] = {name: [] for name in layers}

    def record(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], dict[str, Tensor], Tensor], None]:
        def hook(
            module: nn.Module, args: tuple[Tensor, ...], named: dict[str, Tensor], output: Tensor
        ) -> None:
            [given] = (*args, *named.values())  # these layers take one argument, by its place or its name
            calls[name].append(Call(module, given.detach(), output))

        return hook

    handles = [
        module.register_forward_hook(record(name), with_kwargs=True)
        for name, modules in layers.items()
        for module in modules
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _in_one_table(rows: Tensor, entries: int) -> Tensor:
    """The rows of the members' tables laid end to end."""
    start = entries * torch.arange(rows.shape[0], device=rows.device)
    return rows + start.view(-1, *(1 for _ in rows.shape[1:]))
