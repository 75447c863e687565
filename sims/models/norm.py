"""RMS normalisation with a gain a member."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from hptheory.parameterization import LayerScaling
from sims.direct import may_stand_in
from sims.models.linear import ScaledParameter

EPSILON = 1e-5  # Llama's, arXiv 2302.13971


class StackedRMSNorm(nn.Module):
    """y = gain * x / sqrt(mean(x^2) + eps) over the last axis, for each member with its own gain.

    Source: Zhang and Sennrich, arXiv 1910.07467. The gain starts at 1, for every seed.

    Shapes: gain [member, d]; x and y [member, batch, context, d].

    >>> from hptheory.parameterization import scaling_rule
    >>> norm = StackedRMSNorm(4, scaling_rule("adam", 1, 4, base_d_in=1, base_d_out=4), members=2)
    >>> y = norm(torch.arange(8.0).view(2, 1, 1, 4) + 1)
    >>> bool(((y**2).mean(-1) - 1).abs().max() < 1e-4)
    True
    """

    def __init__(self, width: int, scaling: LayerScaling, members: int) -> None:
        super().__init__()
        self.scaling = scaling
        self.gain = nn.Parameter(torch.ones(members, width))

    def forward(self, x: Float[Tensor, "member batch context d"]) -> Float[Tensor, "member batch context d"]:
        """The normalised vectors, times the gain."""
        if may_stand_in(x):
            normalised: Tensor = RMSNormPass.apply(x.flatten(1, 2), self.gain.unsqueeze(1))
            return normalised.view(x.shape)
        return F.rms_norm(x, x.shape[-1:], eps=EPSILON) * self.gain[:, None, None, :]

    def scaled_parameters(self) -> list[ScaledParameter]:
        """The gain with its scaling."""
        return [ScaledParameter(self.gain, self.scaling, "norm")]


class RMSNormPass(torch.autograd.Function):
    """gain * u with u = r x, r = 1/sqrt(mean(x^2) + eps), and its gradients.

    From dL/dy = g: dL/dgain = sum_rows g u, and dL/dx = r (g gain - u mean(g u gain)).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Float[Tensor, "member row d"], gain: Float[Tensor, "member 1 d"]
    ) -> Float[Tensor, "member row d"]:
        """The outputs; u and r are kept for the way back."""
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        rate = size.square_().div_(x.shape[-1]).add_(EPSILON).rsqrt_()
        unit = x * rate
        ctx.save_for_backward(unit, rate, gain)
        return unit * gain

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *deltas: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of a sum over members and rows; in place, on the one temporary."""
        unit, rate, gain = ctx.saved_tensors
        along = deltas[0] * unit
        of_gain = along.sum(1, keepdim=True)
        shrink = torch.bmm(along, gain.mT / -gain.shape[-1])
        back = torch.mul(deltas[0], gain, out=along)
        return back.addcmul_(unit, shrink).mul_(rate), of_gain
