"""The two-layer network's passes for one member after another, where its matrices are large.

A stacked pass writes the activations of all members before it reads the first again; beyond the caches, and
on the CPU, the pass over one member at a time is faster (``benchmarks.passes``): its activations are still
near. Each pass overwrites what it no longer needs. Since a member's products are its own calls, its bits
cannot depend on how many others there are.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

FEWEST_WEIGHTS = 2**13
"""Of the first matrix. Below, one call for all members is faster than a call for each (with 64 inputs and
batches of 256 both are equal at width 128)."""


def pays(weight: Float[Tensor, "member width d_in"]) -> bool:
    """Whether networks with this first matrix are passed one by one: a matter of shape and device alone."""
    return weight.device.type == "cpu" and weight[0].numel() >= FEWEST_WEIGHTS


class TwoLayerPass(torch.autograd.Function):
    """c2 * W2 relu(c1 * W1 x + b), member by member; gradients for W1, b and W2, none for x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "#member batch d_in"],
        hidden: Float[Tensor, "member width d_in"],
        bias: Float[Tensor, "member width"] | None,
        readout: Float[Tensor, "member d_out width"],
        multipliers: tuple[float, float],
    ) -> Float[Tensor, "member batch d_out"]:
        """The outputs; the activations are kept for the way back."""
        members, batch = hidden.shape[0], x.shape[1]
        active = x.new_empty(members, batch, hidden.shape[1])
        outputs = x.new_empty(members, batch, readout.shape[1])
        for one, inputs in enumerate(x.expand(members, -1, -1)):
            _affine(inputs, hidden[one], None if bias is None else bias[one], multipliers[0], active[one])
            active[one].relu_()
            torch.mm(active[one], readout[one].T, out=outputs[one])
        ctx.save_for_backward(x, active, readout)
        ctx.multipliers, ctx.has_bias = multipliers, bias is not None
        return outputs if multipliers[1] == 1 else outputs.mul_(multipliers[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *deltas: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of a sum over members and examples."""
        x, active, readout = ctx.saved_tensors
        first, second = ctx.multipliers
        members, batch, width = active.shape
        delta = deltas[0] if second == 1 else deltas[0] * second
        of_hidden = x.new_empty(members, width, x.shape[2])
        of_bias = x.new_empty(members, width) if ctx.has_bias else None
        of_readout = torch.empty_like(readout)
        back = x.new_empty(batch, width)
        for one, inputs in enumerate(x.expand(members, -1, -1)):
            torch.mm(delta[one].T, active[one], out=of_readout[one])
            torch.mm(delta[one], readout[one], out=back)
            torch.ops.aten.threshold_backward.grad_input(back, active[one], 0, grad_input=back)
            if of_bias is not None:
                torch.sum(back, 0, out=of_bias[one])
            torch.mm(back.T, inputs, out=of_hidden[one])
        if first != 1:
            of_hidden.mul_(first)
        return None, of_hidden, of_bias, of_readout, None


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None, multiplier: float, out: Tensor) -> None:
    """out <- multiplier * x W^T + bias."""
    if bias is not None:
        torch.addmm(bias, x, weight.T, alpha=multiplier, out=out)
        return
    torch.mm(x, weight.T, out=out)
    if multiplier != 1:
        out.mul_(multiplier)
