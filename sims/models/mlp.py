"""The paper's two-layer ReLU network, stacked: one hidden layer, whose width is scaled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sims.models.linear import LayerShape, Rule, StackedLinear
from sims.settings.models import MLPConfig

LARGE = 2**16
"""Hidden activations of a batch, from which calls of each member's own are faster on the CPU than one for
several."""


class TwoLayerMLP(nn.Module):
    """f(x) = W2 relu(W1 x + b), W1 of shape [width, d_in], W2 of shape [d_out, width]; a stack of them, one a
    member.

    "Two-layer" counts weight matrices, as the paper does. The base model (``width = base_width``) starts with
    W1 ~ N(0, hidden_gain^2/d_in), W2 ~ N(0, readout_gain^2/base_width), b ~ N(0, bias_std^2).

    ``rule`` scales both layers, unless the readout has one of its own. ``batch_size`` is that of training.

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
        batch_size: int = 1,
    ) -> None:
        super().__init__()
        config = config or MLPConfig()
        bias_std = config.bias_std if config.bias else None
        hidden = LayerShape("hidden", d_in, width, d_in, base_width, config.hidden_gain, bias_std)
        readout = LayerShape("readout", width, d_out, base_width, d_out, config.readout_gain)
        self.hidden = StackedLinear(hidden, rule, seeds)
        self.readout = StackedLinear(readout, readout_rule or rule, seeds)
        self.activations = batch_size * width

    def forward(self, x: Float[Tensor, "#member batch d_in"]) -> Float[Tensor, "member batch d_out"]:
        """The outputs (logits) of every member on its own batch, or on one shared by all."""
        if self.stands_alone and not self.is_seen_through():
            members = zip(x.expand(len(self.hidden.weight), -1, -1), *self._by_member(), strict=True)
            return torch.stack([self._of_one(*member) for member in members])
        return self.readout(torch.relu(self.hidden(x)))

    @property
    def stands_alone(self) -> bool:
        """Whether members are passed one by one, so that a lone one has the bits it has in any stack.

        A matter of shape and device alone. Where they are large, many members' activations would leave the
        caches.
        """
        return self.hidden.weight.device.type == "cpu" and self.activations >= LARGE

    def is_seen_through(self) -> bool:
        """Whether somebody wants the layers' own calls: hooks, autocast, a compiler."""
        layers = (self.hidden, self.readout)
        hooked = any(layer._forward_hooks or layer._forward_pre_hooks for layer in layers)
        device = self.hidden.weight.device.type
        autocast = device != "meta" and torch.is_autocast_enabled(device)
        return hooked or autocast or torch.compiler.is_compiling()

    def _by_member(self) -> tuple[Sequence[Tensor], Sequence[Tensor | None], Sequence[Tensor]]:
        """Weights, biases and weights of the two layers."""
        bias = self.hidden.bias
        biases = [None] * len(self.hidden.weight) if bias is None else bias.unbind()
        return self.hidden.weight.unbind(), biases, self.readout.weight.unbind()

    def _of_one(self, x: Tensor, hidden: Tensor, bias: Tensor | None, readout: Tensor) -> Tensor:
        """The outputs of one member."""
        first, second = self.hidden.scaling.multiplier, self.readout.scaling.multiplier
        active = x @ hidden.T if bias is None else torch.addmm(bias, x, hidden.T, alpha=first)
        if bias is None and first != 1:
            active = active * first
        outputs = torch.relu_(active) @ readout.T
        return outputs if second == 1 else outputs * second
