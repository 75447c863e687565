"""The paper's two-layer ReLU network, stacked: one hidden layer whose width is scaled under muP, no
biases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hptheory.parameterization import LayerScaling, mup_scaling
from hptheory.parameterization.mup import Optimizer
from sims.models.linear import LayerShape, StackedLinear

Rule = Callable[..., LayerScaling]


class TwoLayerMLP(nn.Module):
    """f(x) = W2 relu(W1 x), W1 of shape [width, d_in], W2 of shape [d_out, width]; a stack of them, one a
    member.

    "Two-layer" counts weight matrices, as the paper does. The base model (``width = base_width``) starts with
    W1 ~ N(0, 2/d_in), which keeps the second moment through the ReLU, and W2 ~ N(0, 1/base_width).

    Source: paper, App. D.5 and Sec. 3.2 (shallow network); scaling by ``hptheory.parameterization``.
    """

    def __init__(
        self,
        d_in: int,
        width: int,
        d_out: int,
        *,
        base_width: int,
        optimizer: Optimizer,
        seeds: Sequence[int],
        rule: Rule = mup_scaling,
    ) -> None:
        super().__init__()

        def layer(shape: LayerShape) -> StackedLinear:
            bases = {"base_d_in": shape.base_d_in, "base_d_out": shape.base_d_out}
            return StackedLinear(shape, rule(optimizer, shape.d_in, shape.d_out, **bases), seeds)

        self.hidden = layer(LayerShape("hidden", d_in, width, d_in, base_width, gain=math.sqrt(2)))
        self.readout = layer(LayerShape("readout", width, d_out, base_width, d_out))

    def forward(self, x: Float[Tensor, "member batch d_in"]) -> Float[Tensor, "member batch d_out"]:
        """The outputs (logits) of every member on its own batch."""
        return self.readout(torch.relu(self.hidden(x)))
