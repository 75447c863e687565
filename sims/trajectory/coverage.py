"""Through which layers single examples can be followed: found by trying, not believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hptheory.decomposition.arrays import full_precision
from sims.trajectory.capture import Call, Flow, followed_layers, recorded
from sims.trajectory.objective import Objective, Result, at_weights, evaluation_mode

Calls = dict[str, list[Call]]
Layers = dict[str, list[nn.Module]]

ROUNDING = 1e-3  # of a gradient computed in two ways in single precision
HALF_PRECISION_UNITS = 8  # in the last place, where half precision makes more of it
SHAKE = 0.5  # of a weight matrix's own scale


def forward_passes(
    objective: Objective,
    model: nn.Module,
    leaves: Mapping[str, Tensor],
    layers: Layers,
    backward: Callable[[Tensor, Calls], Result],
) -> Iterator[tuple[Float[Tensor, "member example"], Calls, Result]]:
    """The losses of the examples of each batch, the calls of these layers, and what ``backward`` gives.

    The loss of an example is the mean over what follows the axis of examples. ``backward(losses, calls)``
    runs while the model stands at the leaves (``at_weights`` says why).
    """

    def both(batch: Sequence[Any]) -> tuple[Tensor, Calls, Result]:
        with recorded(layers) as calls:  # not what is run again in the backward pass
            values = objective.batch_losses(model, batch)
        losses = values.flatten(2).mean(2) if values.ndim > 2 else values
        return losses, calls, backward(losses, calls)

    with evaluation_mode(model), torch.enable_grad():
        for batch in objective.batches:
            yield at_weights(model, leaves, partial(both, batch))


def outputs_of(calls: Mapping[str, list[Call]]) -> list[Tensor]:
    """The outputs of all calls, in order."""
    return [call.output for each in calls.values() for call in each]


def flows_of(
    calls: Mapping[str, list[Call]], deltas: Sequence[Tensor], examples: int, *, stacked: bool
) -> dict[str, list[Flow | None]]:
    """The flows of the calls, from the derivatives at their outputs; None where there is none."""
    given = iter(deltas)
    return {
        name: [call.flow(next(given), examples, stacked=stacked) for call in each]
        for name, each in calls.items()
    }


def covered_layers(
    objective: Objective, model: nn.Module, weights: Mapping[str, Tensor], names: Sequence[str]
) -> Layers:
    """Of the parameters of these names those whose flows give their gradients example by example.

    The losses of the examples are summed with random factors. The gradient of that, by a backward pass, must
    be the sum of the flows with the same factors: it is not if a weight is used behind its layer's back, if
    rows are in another order than the examples, or if examples depend on each other. This is tried at
    weights moved at random, since at the start of a training a gradient of zero would confirm anything.
    """
    layers = followed_layers(model, names)
    draw = torch.Generator().manual_seed(0)
    leaves = {name: _shaken(values, draw).requires_grad_() for name, values in weights.items()}
    direct = {name: torch.zeros_like(weights[name]) for name in layers}
    by_flows = {name: torch.zeros_like(values) for name, values in direct.items()}
    tolerance = ROUNDING

    def backward(losses: Tensor, calls: Calls) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        factors = torch.rand(losses.shape[1], generator=draw).to(losses)
        deltas = torch.autograd.grad(
            losses.sum(), outputs_of(calls), retain_graph=True, materialize_grads=True
        )
        whole = torch.autograd.grad(
            (losses * factors).sum(), [leaves[name] for name in layers], materialize_grads=True
        )
        return factors, deltas, whole

    for losses, calls, (factors, deltas, whole) in forward_passes(objective, model, leaves, layers, backward):
        units = [torch.finfo(each.dtype).eps for each in (losses, *outputs_of(calls))]
        tolerance = max(tolerance, HALF_PRECISION_UNITS * max(units))
        for part, values in zip(whole, direct.values(), strict=True):
            values += part
        for name, flows in flows_of(calls, deltas, losses.shape[1], stacked=objective.stacked).items():
            for flow in flows:
                if flow is None:
                    by_flows[name].fill_(torch.nan)  # equal to nothing
                    continue
                with full_precision(losses):
                    part = flow.gradient(weights[name].shape[-2], factors)
                by_flows[name] += part if objective.stacked else part[0]
    return {
        name: modules for name, modules in layers.items() if _agree(by_flows[name], direct[name], tolerance)
    }


def _agree(one: Tensor, other: Tensor, tolerance: float) -> bool:
    return torch.allclose(one, other, rtol=0, atol=tolerance * float(other.abs().amax()))


def _shaken(weights: Tensor, draw: torch.Generator) -> Tensor:
    """The weights, moved by a share of their scale: their root mean square, or 1/fan-in^(1/2) if larger."""
    fan_in = weights.shape[-1] if weights.ndim else 1
    scale = max(float(weights.square().mean()) ** 0.5, fan_in**-0.5)
    return weights.detach() + SHAKE * scale * torch.randn(weights.shape, generator=draw).to(weights)
