"""Causal self-attention for a stack of members, with or without rotary positions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from sims.models.linear import StackedLinear

MakeLinear = Callable[[str, int, int], StackedLinear]


class StackedAttention(nn.Module):
    """out(softmax(scale * q k^T) v), causal, head by head and member by member.

    ``linear(name, d_out, d_in)`` makes the four projections. The number of heads is fixed, so that the size
    of a head grows with the width; ``scale`` must then fall like 1/d_head under muP, not like its root.

    Source: Vaswani et al., arXiv 1706.03762; rotary positions: Su et al., arXiv 2104.09864; the scale:
    Yang et al., arXiv 2203.03466.

    Shapes: x and the output [member, batch, context, d].

    *Laws*: a position sees none after it; with rotary positions, shifting a text changes nothing.
    """

    def __init__(
        self, linear: MakeLinear, width: int, heads: int, *, scale: float, rotary_theta: float | None
    ) -> None:
        super().__init__()
        self.heads, self.scale, self.rotary_theta = heads, scale, rotary_theta
        self.query, self.key, self.value = (linear(name, width, width) for name in ("query", "key", "value"))
        self.out = linear("out", width, width)

    def forward(self, x: Float[Tensor, "member batch context d"]) -> Float[Tensor, "member batch context d"]:
        """What every position gathers from itself and those before it."""
        member, batch, context, d = x.shape
        rows = x.flatten(1, 2)

        def heads(layer: StackedLinear) -> Tensor:  # [member * batch, head, context, d_head]
            return layer(rows).view(member * batch, context, self.heads, -1).transpose(1, 2)

        q, k, v = heads(self.query), heads(self.key), heads(self.value)
        if self.rotary_theta is not None:
            cos, sin = _rotation(context, d // self.heads, self.rotary_theta, x.device, q.dtype)
            q, k = (_rotated(vectors, cos, sin) for vectors in (q, k))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        return self.out(mixed.transpose(1, 2).reshape(member, batch * context, d)).view(x.shape)


def _rotated(
    x: Float[Tensor, "batch head context d_head"],
    cos: Float[Tensor, "context half"],
    sin: Float[Tensor, "context half"],
) -> Float[Tensor, "batch head context d_head"]:
    """Each pair (x_i, x_(i + d_head/2)) turned by its angle: the convention of Llama's published weights."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


@lru_cache(maxsize=16)
def _rotation(
    context: int, d_head: int, theta: float, device: torch.device, dtype: torch.dtype
) -> tuple[Float[Tensor, "context half"], Float[Tensor, "context half"]]:
    """Cosines and sines of position * theta^(-2i/d_head); in float64, since late positions turn far."""
    frequency = theta ** (-torch.arange(0, d_head, 2, dtype=torch.float64) / d_head)
    angle = torch.arange(context, dtype=torch.float64)[:, None] * frequency
    return angle.cos().to(device, dtype), angle.sin().to(device, dtype)
