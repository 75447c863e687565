"""The stacked linear layer: a batched matrix product, with its muP scaling beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hptheory.parameterization import LayerScaling
from sims.seeding import generator


@dataclass(frozen=True)
class LayerShape:
    """A weight matrix [d_out, d_in], the same of the base model, and the base model's initial scale.

    The base weights start with standard deviation gain / sqrt(base_d_in).
    """

    name: str
    d_in: int
    d_out: int
    base_d_in: int
    base_d_out: int
    gain: float = 1.0

    def initial_weight(self, seed: int, scaling: LayerScaling) -> Float[Tensor, "d_out d_in"]:
        """Normal weights of a seed, in float32 on the CPU; a stream of their own for each name and shape."""
        stream = generator(seed, "weights", self.name, self.d_out, self.d_in)
        std = self.gain / math.sqrt(self.base_d_in) * scaling.init_std
        return torch.randn(self.d_out, self.d_in, generator=stream) * std


class StackedLinear(nn.Module):
    """y = multiplier * x W^T for each member by itself; members of one seed start from the same weights.

    Shapes: weight [member, d_out, d_in]; x [member, batch, d_in]; y [member, batch, d_out].
    """

    def __init__(self, shape: LayerShape, scaling: LayerScaling, seeds: Sequence[int]) -> None:
        super().__init__()
        self.shape, self.scaling = shape, scaling
        by_seed = {seed: shape.initial_weight(seed, scaling) for seed in set(seeds)}
        self.weight = nn.Parameter(torch.stack([by_seed[seed] for seed in seeds]))

    def forward(self, x: Float[Tensor, "member batch d_in"]) -> Float[Tensor, "member batch d_out"]:
        """The layer's output, member by member."""
        y = torch.bmm(x, self.weight.transpose(1, 2))
        return y if self.scaling.multiplier == 1 else y * self.scaling.multiplier


def param_groups(
    model: nn.Module, peak_lr: Float[Tensor, " member"], epsilon: float | None = None
) -> list[dict[str, Any]]:
    """One optimizer group a layer, its rates [member, 1, 1] (and Adam's epsilon) scaled by the layer's rule.

    ``peak_lr`` is kept beside ``lr``, so that a schedule can multiply it.
    """
    groups = []
    for layer in model.modules():
        if isinstance(layer, StackedLinear):
            rates = (peak_lr * layer.scaling.lr).view(-1, 1, 1)
            group = {"params": [layer.weight], "lr": rates, "peak_lr": rates}
            groups.append(group if epsilon is None else {**group, "eps": epsilon * layer.scaling.epsilon})
    return groups
