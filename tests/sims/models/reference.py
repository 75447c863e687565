"""One plain, readable transformer, written from the formulas: what a member of a stack must equal."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sims.settings.transformers import GPT2Config, LlamaConfig


class RMSNorm(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * self.gain


class Attention(nn.Module):
    """Scores by an explicit triangle; rotary positions by sines and cosines, pair by pair."""

    def __init__(self, d: int, base_d: int, config: LlamaConfig | GPT2Config) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.heads, self.d_head = config.heads, d // config.heads
        self.scale = math.sqrt(base_d / config.heads) / self.d_head
        self.theta = getattr(config, "rotary_theta", None)

    def turned(self, x: Tensor) -> Tensor:
        if self.theta is None:
            return x
        first, second = x[..., ::2], x[..., 1::2]
        position = torch.arange(x.shape[-2], dtype=torch.float64)[:, None]
        half = self.d_head // 2
        angle = position * self.theta ** (-torch.arange(half, dtype=torch.float64) / half)
        cos, sin = angle.cos().to(x), angle.sin().to(x)
        out = torch.empty_like(x)
        out[..., ::2], out[..., 1::2] = first * cos - second * sin, first * sin + second * cos
        return out

    def forward(self, x: Tensor) -> Tensor:
        batch, context, d = x.shape

        def heads(layer: nn.Linear) -> Tensor:
            return layer(x).view(batch, context, self.heads, self.d_head).transpose(1, 2)

        q, k, v = self.turned(heads(self.query)), self.turned(heads(self.key)), heads(self.value)
        scores = self.scale * q @ k.transpose(-1, -2)
        hidden = torch.ones(context, context, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(hidden, -math.inf).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, context, d))


class FeedForward(nn.Module):
    def __init__(self, d: int, config: LlamaConfig | GPT2Config) -> None:
        super().__init__()
        inner = config.expansion * d
        self.gate = nn.Linear(d, inner, bias=False) if isinstance(config, LlamaConfig) else None
        self.up, self.down = nn.Linear(d, inner, bias=False), nn.Linear(inner, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.gate is None:
            up = self.up(x)
            cube = math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)
            return self.down(0.5 * up * (1 + torch.tanh(cube)))
        gate = self.gate(x)
        return self.down(gate * torch.sigmoid(gate) * self.up(x))


class Block(nn.Module):
    def __init__(self, d: int, base_d: int, config: LlamaConfig | GPT2Config) -> None:
        super().__init__()
        self.attention_norm, self.attention = RMSNorm(d), Attention(d, base_d, config)
        self.feed_forward_norm, self.feed_forward = RMSNorm(d), FeedForward(d, config)
        self.multiplier = config.base_layers / config.layers

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.multiplier * self.attention(self.attention_norm(h))
        return h + self.multiplier * self.feed_forward(self.feed_forward_norm(h))


class Transformer(nn.Module):
    """Logits [batch, context, vocabulary] of tokens [batch, context]; names as in the stacked model."""

    def __init__(self, vocabulary: int, d: int, *, base_width: int, config: LlamaConfig | GPT2Config) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        learned = isinstance(config, GPT2Config)
        self.positions = nn.Embedding(config.max_context, d) if learned else None
        self.blocks = nn.ModuleList(Block(d, base_width, config) for _ in range(config.layers))
        self.norm, self.readout = RMSNorm(d), nn.Linear(d, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.embedding(tokens)
        if self.positions is not None:
            h = h + self.positions.weight[: tokens.shape[-1]]
        for block in self.blocks:
            h = block(h)
        return self.readout(self.norm(h))
