"""What goes through the linear layers of a model: inputs and outputs, by hooks, for one forward pass.

A linear layer y = c W x has the per-example gradient c sum_p delta_p x_p^T, delta_p the derivative of the
example's loss with respect to its outputs at position p. So inputs and deltas hold all per-example gradients,
and none needs to be formed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor, nn

from sims.models.linear import StackedLinear


@dataclass
class Calls:
    """The calls of one layer in a forward pass: what went in, what came out, and the factor c."""

    multiplier: float
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)


def linear_layers(model: nn.Module, names: Sequence[str]) -> dict[str, list[nn.Module]]:
    """For each parameter of these names the layers that use it, if every module that has it is linear.

    Linear are ``nn.Linear`` and ``sims.models.StackedLinear`` themselves, not their subclasses, which may
    compute something else. A matrix that another kind of module has too (a tied embedding) is left out.
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
        if all(type(module) in (nn.Linear, StackedLinear) and key == "weight" for module, key in owners):
            found[name] = [module for module, _ in owners]
    return found


@contextmanager
def recorded(layers: dict[str, list[nn.Module]]) -> Iterator[dict[str, Calls]]:
    """The calls of these layers inside the block, by the names of their weights."""
    calls = {name: Calls(_multiplier(modules[0])) for name, modules in layers.items()}

    def record(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            calls[name].inputs.append(args[0].detach())
            calls[name].outputs.append(output)

        return hook

    handles = [
        module.register_forward_hook(record(name)) for name, modules in layers.items() for module in modules
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _multiplier(module: nn.Module) -> float:
    return float(module.scaling.multiplier) if isinstance(module, StackedLinear) else 1.0
