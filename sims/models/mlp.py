"""The paper's two-layer ReLU network, stacked: one hidden layer, whose width is scaled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sims.models.linear import LayerShape, Rule, StackedLinear
from sims.models.member_by_member import TwoLayerPass, pays
from sims.settings.models import MLPConfig


class TwoLayerMLP(nn.Module):
    """f(x) = W2 relu(W1 x + b), W1 of shape [width, d_in], W2 of shape [d_out, width]; a stack of them, one a
    member.

    "Two-layer" counts weight matrices, as the paper does. The base model (``width = base_width``) starts with
    W1 ~ N(0, hidden_gain^2/d_in), W2 ~ N(0, readout_gain^2/base_width), b ~ N(0, bias_std^2).

    ``rule`` scales both layers, unless the readout has one of its own.

    Source: paper, App. D.1 (with bias) and D.5 (without); scaling by ``hptheory.parameterization``.
    """

    def __init__(
        self,
        d_in: int,
        width: int,
        d_out: int,
        *,
        base_width: int,
        rule: Rule,
        seeds: Sequence[int],
        readout_rule: Rule | None = None,
        config: MLPConfig | None = None,
    ) -> None:
        super().__init__()
        config = config or MLPConfig()
        bias_std = config.bias_std if config.bias else None
        hidden = LayerShape("hidden", d_in, width, d_in, base_width, config.hidden_gain, bias_std)
        readout = LayerShape("readout", width, d_out, base_width, d_out, config.readout_gain)
        self.hidden = StackedLinear(hidden, rule, seeds)
        self.readout = StackedLinear(readout, readout_rule or rule, seeds)

    def forward(self, x: Float[Tensor, "#member batch d_in"]) -> Float[Tensor, "member batch d_out"]:
        """The outputs (logits) of every member on its own batch, or on one shared by all."""
        if self.stands_alone and not self._is_seen_through(x):
            multipliers = (self.hidden.scaling.multiplier, self.readout.scaling.multiplier)
            weights = (self.hidden.weight, self.hidden.bias, self.readout.weight)
            outputs: Tensor = TwoLayerPass.apply(x, *weights, multipliers)
            return outputs
        return self.readout(torch.relu(self.hidden(x)))

    @property
    def stands_alone(self) -> bool:
        """Whether members are passed one by one, so that a lone one has the bits it has in any stack."""
        return pays(self.hidden.weight)

    def _is_seen_through(self, x: Tensor) -> bool:
        """Whether somebody wants the layers' own calls: hooks, autocast, a compiler, a gradient for x."""
        hooked = any(
            layer._forward_hooks or layer._forward_pre_hooks for layer in (self.hidden, self.readout)
        )
        return (
            hooked
            or x.requires_grad
            or torch.is_autocast_enabled(x.device.type)
            or torch.compiler.is_compiling()
        )
