"""The feed-forward part of a transformer block, for a stack of members."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from sims.models.attention import MakeLinear


class SwiGLU(nn.Module):
    """down(silu(gate x) * up x), the inner size a multiple of the width.

    Source: Shazeer, arXiv 2002.05202.
    """

    def __init__(self, linear: MakeLinear, width: int, inner: int) -> None:
        super().__init__()
        self.gate, self.up = linear("gate", inner, width), linear("up", inner, width)
        self.down = linear("down", width, inner)

    def forward(self, x: Float[Tensor, "member batch context d"]) -> Float[Tensor, "member batch context d"]:
        """Position by position."""
        rows = x.flatten(1, 2)
        return self.down(F.silu(self.gate(rows)) * self.up(rows)).view(x.shape)


class GeLUFeedForward(nn.Module):
    """down(gelu(up x)), with GPT-2's tanh form of gelu.

    Source: Radford et al. 2019 (GPT-2); Hendrycks and Gimpel, arXiv 1606.08415.
    """

    def __init__(self, linear: MakeLinear, width: int, inner: int) -> None:
        super().__init__()
        self.up, self.down = linear("up", inner, width), linear("down", width, inner)

    def forward(self, x: Float[Tensor, "member batch context d"]) -> Float[Tensor, "member batch context d"]:
        """Position by position."""
        return self.down(F.gelu(self.up(x.flatten(1, 2)), approximate="tanh")).view(x.shape)
