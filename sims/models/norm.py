"""RMS normalisation with a gain a member."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hptheory.parameterization import LayerScaling
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
        return F.rms_norm(x, x.shape[-1:], eps=EPSILON) * self.gain[:, None, None, :]

    def scaled_parameters(self) -> list[ScaledParameter]:
        """The gain with its scaling."""
        return [ScaledParameter(self.gain, self.scaling, "norm")]
