"""A Llama as one writes it in plain PyTorch: the peer of sweeps, its layers those of ``sims.models``."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sims.settings.transformers import LlamaConfig
from sims.tasks import Batch


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, d: int, heads: int, context: int, theta: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=False) for _ in range(4))
        frequency = theta ** (-torch.arange(0, d // heads, 2) / (d // heads))
        angle = torch.arange(context)[:, None] * frequency
        self.register_buffer("cos", torch.cat((angle, angle), -1).cos())
        self.register_buffer("sin", torch.cat((angle, angle), -1).sin())

    def turned(self, x: Tensor) -> Tensor:
        """Rotary positions, as in the published code of Llama."""
        first, second = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat((-second, first), -1) * self.sin

    def forward(self, x: Tensor) -> Tensor:
        """What every position gathers from itself and those before it."""
        batch, context, d = x.shape
        q, k, v = (
            layer(x).view(batch, context, self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(self.turned(q), self.turned(k), v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, context, d))


class Block(nn.Module):
    """Pre-normalised attention and SwiGLU."""

    def __init__(self, d: int, config: LlamaConfig, context: int) -> None:
        super().__init__()
        inner = config.expansion * d
        self.attention_norm, self.feed_forward_norm = nn.RMSNorm(d, eps=1e-5), nn.RMSNorm(d, eps=1e-5)
        self.attention = Attention(d, config.heads, context, config.rotary_theta)
        self.gate, self.up = nn.Linear(d, inner, bias=False), nn.Linear(d, inner, bias=False)
        self.down = nn.Linear(inner, d, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """The residual stream after the block."""
        h = h + self.attention(self.attention_norm(h))
        x = self.feed_forward_norm(h)
        return h + self.down(F.silu(self.gate(x)) * self.up(x))


class PlainLlama(nn.Module):
    """Logits [batch, context, vocabulary] of tokens [batch, context]."""

    def __init__(self, vocabulary: int, d: int, config: LlamaConfig, context: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.blocks = nn.Sequential(*(Block(d, config, context) for _ in range(config.layers)))
        self.norm = nn.RMSNorm(d, eps=1e-5)
        self.readout = nn.Linear(d, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits of the token after each one."""
        return self.readout(self.norm(self.blocks(self.embedding(tokens))))


def plain_loss(net: nn.Module, batch: Batch) -> Tensor:
    """The mean loss of the one run of a batch."""
    return F.cross_entropy(net(batch.x[0]).flatten(0, 1), batch.y[0].flatten())


def plain_step(net: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch) -> None:
    """One step of training."""
    optimizer.zero_grad()
    plain_loss(net, batch).backward()
    optimizer.step()
