"""The stacked linear layer: a batched matrix product, with its scaling under muP beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hptheory.parameterization import LayerScaling
from sims.seeding import generator

Rule = Callable[..., LayerScaling]
"""(d_in, d_out, base_d_in=..., base_d_out=...) -> the scaling of that layer: optimizer and kind are bound."""


@dataclass(frozen=True)
class ScaledParameter:
    """A stacked parameter [member, ...], the scaling of its layer, and the layer's role in the network."""

    parameter: nn.Parameter
    scaling: LayerScaling
    role: str


@runtime_checkable
class OwnsParameters(Protocol):
    """A module that has parameters of its own, and knows how they scale."""

    def scaled_parameters(self) -> list[ScaledParameter]:
        """Each of its own parameters, in the order of ``parameters()``."""


@dataclass(frozen=True)
class LayerShape:
    """A weight matrix [d_out, d_in], the same of the base model, and the base model's initial scale.

    The base weights start with standard deviation gain / sqrt(base_d_in). ``bias_std`` is that of the base
    model's biases; None stands for a layer without. ``role`` is what factors and optimizers go by; the name
    is unique in a network.
    """

    name: str
    d_in: int
    d_out: int
    base_d_in: int
    base_d_out: int
    gain: float = 1.0
    bias_std: float | None = None
    role: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", self.role or self.name)

    def initial_weight(self, seed: int, scaling: LayerScaling) -> Float[Tensor, "d_out d_in"]:
        """Normal weights of a seed, in float32 on the CPU; a stream of their own for each name and shape."""
        stream = generator(seed, "weights", self.name, self.d_out, self.d_in)
        std = self.gain / math.sqrt(self.base_d_in) * scaling.init_std
        return torch.randn(self.d_out, self.d_in, generator=stream) * std

    def initial_bias(self, seed: int, scaling: LayerScaling) -> Float[Tensor, " d_out"]:
        """Normal biases of a seed, as the weights; zero where there is none."""
        stream = generator(seed, "biases", self.name, self.d_out)
        return torch.randn(self.d_out, generator=stream) * ((self.bias_std or 0.0) * scaling.init_std)


class StackedLinear(nn.Module):
    """y = multiplier * x W^T (+ b) for each member by itself; members of a seed start from equal weights.

    Shapes: weight [member, d_out, d_in]; bias [member, d_out]; x [member or 1, batch, d_in]; y [member,
    batch, d_out]. An x with a leading 1 is shared by all members.
    """

    def __init__(self, shape: LayerShape, rule: Rule, seeds: Sequence[int]) -> None:
        super().__init__()
        self.shape = shape
        self.scaling = rule(shape.d_in, shape.d_out, base_d_in=shape.base_d_in, base_d_out=shape.base_d_out)
        self.bias_scaling = rule(1, shape.d_out, base_d_in=1, base_d_out=shape.base_d_out)
        weights = {seed: shape.initial_weight(seed, self.scaling) for seed in set(seeds)}
        self.weight = nn.Parameter(torch.stack([weights[seed] for seed in seeds]))
        self.bias: nn.Parameter | None = None
        if shape.bias_std is not None:
            biases = {seed: shape.initial_bias(seed, self.bias_scaling) for seed in set(seeds)}
            self.bias = nn.Parameter(torch.stack([biases[seed] for seed in seeds]))

    def forward(self, x: Float[Tensor, "#member batch d_in"]) -> Float[Tensor, "member batch d_out"]:
        """The layer's output, member by member."""
        x = x.expand(self.weight.shape[0], -1, -1)
        y = torch.bmm(x, self.weight.transpose(1, 2))
        if self.scaling.multiplier != 1:
            y = y * self.scaling.multiplier
        return y if self.bias is None else y + self.bias.unsqueeze(1)

    def scaled_parameters(self) -> list[ScaledParameter]:
        """The layer's parameters, each with its scaling."""
        weight = ScaledParameter(self.weight, self.scaling, self.shape.role)
        if self.bias is None:
            return [weight]
        return [weight, ScaledParameter(self.bias, self.bias_scaling, self.shape.role)]


def scaled_parameters(model: nn.Module) -> list[ScaledParameter]:
    """Every parameter of a stacked network with its scaling, in the order of ``model.parameters()``.

    Each module that owns parameters says so by a method of this name.
    """
    found = []
    for module in model.modules():
        if isinstance(module, OwnsParameters):
            found += module.scaled_parameters()
    return found
