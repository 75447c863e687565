"""Causal self-attention for a stack of members, with or without rotary positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

        def heads(vectors: Tensor) -> Tensor:  # [member * batch, head, context, d_head]
            return vectors.view(member * batch, context, self.heads, -1).transpose(1, 2)

        q, k, v = self.query(rows), self.key(rows), self.value(rows)
        if self.rotary_theta is not None:
            rotation = Rotation(context, self.heads, d // self.heads, self.rotary_theta)
            q, k = turned(q, rotation), turned(k, rotation)
        q, k, v = heads(q), heads(k), heads(v)
        mixed = attended(q, k, v, self.scale)
        return self.out(mixed.transpose(1, 2).reshape(member, batch * context, d)).view(x.shape)


def attended(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Float[Tensor, "text head context d_head"]:
    """softmax(scale * q k^T) v, causal.

    Under autocast on a CPU it stays in float32: the small products of torch's kernel are slower in bfloat16
    (the backward pass takes several times as long).
    """
    if q.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            q, k, v = q.float(), k.float(), v.float()
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)


@dataclass(frozen=True)
class Rotation:
    """By which angles the pairs of coordinates of a text of so many tokens are turned: position *
    theta^(-2i/d_head), head after head."""

    context: int
    heads: int
    d_head: int
    theta: float

    def angles(self, device: torch.device) -> Float[Tensor, "context pair"]:
        """In float64, since late positions turn far; on the device, if it has that type."""
        place = torch.device("cpu") if device.type == "mps" else device
        pairs = torch.arange(0, self.d_head, 2, dtype=torch.float64, device=place)
        positions = torch.arange(self.context, dtype=torch.float64, device=place)
        return positions[:, None] * (self.theta ** (-pairs / self.d_head)).repeat(self.heads)


def turned(rows: Float[Tensor, "member row d"], rotation: Rotation) -> Float[Tensor, "member row d"]:
    """Each pair of neighbours (x_2i, x_(2i+1)) turned by its angle; the rows are texts one after another.

    Source: Su et al., arXiv 2104.09864, (34), in their order of coordinates: as complex numbers, all heads of
    a text at once, for types that have them.
    """
    pairs = rows.view(-1, rotation.context, rows.shape[-1] // 2, 2)
    if rows.dtype in (torch.float32, torch.float64) and not torch.compiler.is_compiling():
        there = torch.view_as_complex(pairs) * _turns(rotation, rows.device, rows.dtype)
        return torch.view_as_real(there).view(rows.shape)
    angles = rotation.angles(rows.device)
    cos, sin = angles.cos().to(rows), angles.sin().to(rows)
    first, second = pairs.unbind(-1)
    return torch.stack((first * cos - second * sin, second * cos + first * sin), -1).view(rows.shape)


@lru_cache(maxsize=16)
def _turns(rotation: Rotation, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The angles as complex numbers of absolute value 1."""
    angles = rotation.angles(torch.device("cpu"))
    return torch.polar(torch.ones_like(angles), angles).to(device, dtype.to_complex())
