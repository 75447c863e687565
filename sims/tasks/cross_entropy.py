"""The cross-entropy of single predictions, with a backward pass that writes its gradient once."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from sims.direct import may_stand_in


def cross_entropy(logits: Float[Tensor, "row vocabulary"], y: Int[Tensor, " row"]) -> Float[Tensor, " row"]:
    """-log softmax(logits)_y of every row, in nats.

    *Laws*: that of ``torch.nn.functional.cross_entropy``, and its gradient softmax(logits) - 1_y.

    >>> logits = torch.tensor([[0.0, 0.0], [300.0, 0.0]])
    >>> cross_entropy(logits, torch.tensor([0, 1])).tolist()
    [0.6931471824645996, 300.0]
    """
    if may_stand_in(logits):
        losses: Tensor = CrossEntropyPass.apply(logits, y)
        return losses
    return F.cross_entropy(logits, y, reduction="none")


class CrossEntropyPass(torch.autograd.Function):
    """The losses from the probabilities, which are kept, as the gradient is made of them."""

    @staticmethod
    def forward(
        ctx: Any, logits: Float[Tensor, "row vocabulary"], y: Int[Tensor, " row"]
    ) -> Float[Tensor, " row"]:
        """-log p_y; by the logits themselves where p_y is too small to be a normal number."""
        shares, y = logits.softmax(-1), y.unsqueeze(-1)
        ctx.save_for_backward(shares, y)
        chosen = shares.gather(-1, y).squeeze(-1)
        losses = -chosen.log()
        tiny = chosen < torch.finfo(chosen.dtype).tiny
        if tiny.any():
            losses[tiny] = F.cross_entropy(logits[tiny], y[tiny, 0], reduction="none")
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *deltas: Tensor) -> tuple[Tensor, None]:
        """The gradient of a weighted sum of the losses."""
        shares, y = ctx.saved_tensors
        delta = deltas[0].unsqueeze(-1)
        return (shares * delta).scatter_add_(-1, y, -delta), None
