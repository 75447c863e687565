"""Llama- and GPT-2-style transformers, stacked: pre-normalised blocks whose width (and depth) is scaled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hptheory.errors import DomainError
from hptheory.parameterization import attention_scale, residual_multiplier
from sims.models.attention import MakeLinear, StackedAttention
from sims.models.embedding import StackedEmbedding
from sims.models.feed_forward import GeLUFeedForward, SwiGLU
from sims.models.linear import LayerShape, Rule, StackedLinear
from sims.models.norm import StackedRMSNorm
from sims.settings.transformers import GPT2Config, LlamaConfig

RuleOfRole = Callable[[str], Rule]
"""The scaling rule of the layers of a role: embedding, hidden, norm, readout."""


class Block(nn.Module):
    """h <- h + c attention(norm h), then h <- h + c feed_forward(norm h), with c = base_layers/layers.

    Source: Touvron et al., arXiv 2302.13971 (pre-normalisation); the factor: arXiv 2512.05620.
    """

    def __init__(
        self,
        attention: nn.Module,
        feed_forward: nn.Module,
        norm: Callable[[], StackedRMSNorm],
        multiplier: float,
    ) -> None:
        super().__init__()
        self.attention_norm, self.attention = norm(), attention
        self.feed_forward_norm, self.feed_forward = norm(), feed_forward
        self.multiplier = multiplier

    def forward(self, h: Float[Tensor, "member batch context d"]) -> Float[Tensor, "member batch context d"]:
        """The residual stream after the block."""
        h = torch.add(h, self.attention(self.attention_norm(h)), alpha=self.multiplier)
        return torch.add(h, self.feed_forward(self.feed_forward_norm(h)), alpha=self.multiplier)


class StackedTransformer(nn.Module):
    """Next-token logits [member, batch, context, vocabulary] of token numbers [member or 1, batch, context].

    ``rule_of`` gives the scaling of a layer's shape for each role. The number of heads is fixed, so the
    attention scores are q . k * sqrt(base_d_head) / d_head.

    Source: arXiv 2512.22768, Tables 2 and 3; ``TransformerConfig`` says what is printed and what chosen.

    Domain: heads divide the width, else ``DomainError``.

    *Laws*: a position's logits do not depend on later tokens; members of one seed are equal; one member
    equals a plain module with the same weights.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int,
        *,
        base_width: int,
        config: LlamaConfig | GPT2Config,
        rule_of: RuleOfRole,
        seeds: Sequence[int],
    ) -> None:
        super().__init__()
        for size in (width, base_width):
            config.check_width(size)
        self.vocabulary, self.config = vocabulary, config
        inner, base_inner = config.expansion * width, config.expansion * base_width
        bases = {width: base_width, inner: base_inner}
        embedding_std = config.embedding_std
        depth = {"depth": config.layers, "base_depth": config.base_layers}
        hidden = partial(rule_of("hidden"), **depth)

        def norm(rule: Rule) -> StackedRMSNorm:
            return StackedRMSNorm(width, rule(1, width, base_d_in=1, base_d_out=base_width), len(seeds))

        def table(name: str, entries: int) -> StackedEmbedding:
            scaling = rule_of("embedding")(entries, width, base_d_in=entries, base_d_out=base_width)
            return StackedEmbedding(name, entries, width, embedding_std, scaling, seeds)

        def linear(block: int, name: str, d_out: int, d_in: int) -> StackedLinear:
            gain = config.out_gain if name in ("out", "down") else 1.0
            shape = LayerShape(
                f"block {block} {name}", d_in, d_out, bases[d_in], bases[d_out], gain, role="hidden"
            )
            return StackedLinear(shape, hidden, seeds)

        def block(number: int) -> Block:
            make = partial(linear, number)
            parts = attention(make), feed_forward(make)
            norm_rule = partial(rule_of("norm"), **depth)
            return Block(*parts, partial(norm, norm_rule), residual_multiplier(*depth.values()))

        def attention(make: MakeLinear) -> StackedAttention:
            scale = attention_scale(width // config.heads, base_width // config.heads)
            theta = config.rotary_theta if isinstance(config, LlamaConfig) else None
            return StackedAttention(make, width, config.heads, scale=scale, rotary_theta=theta)

        def feed_forward(make: MakeLinear) -> nn.Module:
            return (SwiGLU if isinstance(config, LlamaConfig) else GeLUFeedForward)(make, width, inner)

        self.embedding = table("embedding", vocabulary)
        self.positions = table("positions", config.max_context) if isinstance(config, GPT2Config) else None
        self.blocks = nn.ModuleList(block(number) for number in range(config.layers))
        self.norm = norm(rule_of("norm"))
        readout = LayerShape("readout", width, vocabulary, base_width, vocabulary, config.readout_gain)
        self.readout = StackedLinear(readout, rule_of("readout"), seeds)

    def forward(
        self, tokens: Int[Tensor, "#member batch context"]
    ) -> Float[Tensor, "member batch context vocabulary"]:
        """The logits of the token after each one."""
        members = self.readout.weight.shape[0]  # fewer than at the start once some have diverged
        tokens = tokens.expand(members, -1, -1)
        h = self.embedding(tokens)
        if self.positions is not None:
            context = tokens.shape[-1]
            if context > self.positions.entries:
                raise DomainError("context", context, f"at most max_context = {self.positions.entries}")
            places = torch.arange(context, device=tokens.device).expand(members, 1, -1)
            h = h + self.positions(places)
        for block in self.blocks:
            h = block(h)
        logits = self.readout(self.norm(h).flatten(1, 2))
        return logits.view(*h.shape[:3], self.vocabulary)
